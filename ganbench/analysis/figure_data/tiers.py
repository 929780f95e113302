"""Where the variants stand on every dataset of a suite by the primary scores: a matrix of tiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.figure_data.selection import limit_note, select, short_names
from ganbench.analysis.score_table import Score, Table, TableRow
from ganbench.errors import UsageError

MOST = 45
"""Rows that fit a page."""


@dataclass(frozen=True)
class TierCell:
    """A variant on a dataset: its score and its tier; `better` and `worse` are the numbers of others that it is."""

    score: Score
    tier: str
    faulty: bool
    better: int
    worse: int


@dataclass(frozen=True)
class TiersInfo:
    """Cells by variant and dataset, None where a variant is not trained; `reference` is what all are compared with."""

    heading: str
    labels: tuple[str, ...]
    datasets: tuple[str, ...]
    scores: tuple[str, ...]
    cells: tuple[tuple[TierCell | None, ...], ...]
    reference: str = ""
    notes: tuple[str, ...] = ()


def tiers_info(tables: list[Table], names: Sequence[str] = ()) -> TiersInfo:
    """The tiers of at most `MOST` variants in the suite's order. Raises `UsageError` if no dataset is compared."""
    shown = [table for table in tables if table.primary and any(row.tier for row in table.variants)]
    if not shown:
        raise UsageError("there are no tiers: on no dataset are variants compared by a primary score")
    variants = [row.variant for table in shown for row in (table.variants if names else table.started) if row.variant]
    pairs = select(variants, names)
    short, common = short_names(pairs)
    rows = [{row.key: row for row in table.variants} for table in shown]
    cells = [
        tuple(_cell(table, own.get(pair)) for table, own in zip(shown, rows, strict=True)) for pair in pairs[:MOST]
    ]
    family = shown[0].family
    return TiersInfo(
        common, tuple(short[pair] for pair in pairs[:MOST]), tuple(table.dataset for table in shown),
        tuple(f"{table.primary}" for table in shown), tuple(cells),
        " x ".join(family.reference.values()) if family else "", tuple(limit_note(len(cells), len(pairs))),
    )  # fmt: skip


def _cell(table: Table, row: TableRow | None) -> TierCell | None:
    if row is None or table.primary not in row.scores:
        return None
    better = sum(one.winner == row.key for one in table.comparisons)
    worse = sum(one.loser == row.key for one in table.comparisons)
    return TierCell(row.scores[table.primary], row.tier or "", row.faulty, better, worse)
