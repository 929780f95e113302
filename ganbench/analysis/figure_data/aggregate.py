"""The variants over all datasets: interquartile means with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.aggregate import OverallRow, build
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
        labels = ", ".join(table.dataset for table in tables)
        raise UsageError(
            "there is no aggregate over datasets: it needs two datasets with references and a variant with enough "
            f"seeds on all of them; draw one dataset with --dataset: {labels}"
        )
    variants = {row.title: row.variant for table in tables for row in table.variants if row.variant}
    pairs = {title: variant.texts for title, variant in variants.items()}
    short, common = short_names(select((variants[row.title] for row in found.rows), names))
    rows = [(short[pairs[row.title]], row) for row in found.rows if pairs[row.title] in short]
    heading = "over " + ", ".join(found.scores) + (f"; {common}" if common else "")
    return AggregateInfo(heading, tuple(rows), found.notes)
