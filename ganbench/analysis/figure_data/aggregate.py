"""The variants over all datasets: interquartile means with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ganbench.analysis.aggregate import OverallRow, Places, build, places
from ganbench.analysis.figure_data.axes import AxisRange
from ganbench.analysis.figure_data.selection import select, short_names
from ganbench.analysis.score_table import Table
from ganbench.errors import UsageError

AGGREGATE_AXIS = AxisRange(0, 1)
"""From uniform noise to real data: no interquartile mean is outside."""


@dataclass(frozen=True)
class AggregateInfo:
    """Rows best first, each with its name in this figure."""

    heading: str
    rows: tuple[tuple[str, OverallRow], ...]
    notes: tuple[str, ...]


def aggregate_info(tables: list[Table], names: Sequence[str] = ()) -> AggregateInfo:
    """Raises `UsageError` if the suite has no aggregate over its datasets, or for an unknown name."""
    found = build(tables)
    if found is None:
        raise UsageError(_why(tables))
    short, heading = over_datasets(tables, [row.title for row in found.rows], found.scores, names)
    rows = [(short[row.title], row) for row in found.rows if row.title in short]
    return AggregateInfo(heading, tuple(rows), found.notes)


def over_datasets(
    tables: Sequence[Table], titles: Sequence[str], datasets: Iterable[str], names: Sequence[str] = ()
) -> tuple[dict[str, str], str]:
    """What each of the variants that are asked for is called, by title, and the heading of a figure over datasets."""
    variants = {row.title: row.variant for table in tables for row in table.variants if row.variant}
    short, common = short_names(select((variants[title] for title in titles), names))
    heading = "over " + ", ".join(datasets) + (f"; {common}" if common else "")
    called = {title: variants[title].texts for title in titles}
    return {title: short[pair] for title, pair in called.items() if pair in short}, heading


def usable_places(tables: list[Table]) -> Places:
    """Where the variants lie over all datasets. Raises `UsageError` if there is no aggregate over datasets."""
    found = places(tables)
    if found is None:
        raise UsageError(_why(tables))
    return found


def _why(tables: Sequence[Table]) -> str:
    labels = ", ".join(table.dataset for table in tables)
    return (
        "there is no aggregate over datasets: it needs two datasets with references and a variant with enough "
        f"seeds on all of them; draw one dataset with --dataset: {labels}"
    )
