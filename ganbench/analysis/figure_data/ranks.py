"""A dataset's variants by one score, best first, with every seed, intervals, ranks and references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.figure_data.axes import ANYTHING, AxisRange, Bounds, axis_range, is_whole, possible
from ganbench.analysis.figure_data.selection import heading, select, short_names
from ganbench.analysis.score_table import Score, Table, TableRow
from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.registry.contracts import Direction

REFERENCE_AXIS_FACTOR = 5.0
"""A reference that would make a linear axis longer than this many times is named, not drawn."""


@dataclass(frozen=True)
class RankedVariant:
    """A variant's row of the table, its name in this figure, and its score; `ranked` if by this score it has a rank."""

    name: str
    row: TableRow
    score: Score
    ranked: bool

    @property
    def shown(self) -> list[float]:
        """Every value that is drawn: seeds, interval and mean."""
        values = (*self.score.values, self.score.low, self.score.high, self.score.mean)
        return [value for value in values if value is not None]


@dataclass(frozen=True)
class RanksInfo:
    """Variants best mean first, those with failed seeds below the others; `references` are means by name."""

    heading: str
    score: str
    better: Direction
    log: bool
    whole: bool
    """whether the score counts something"""
    variants: tuple[RankedVariant, ...]
    references: dict[str, float]
    ranked: bool = True
    """whether tiers and ranks are by this score"""
    all_pairs: bool = True
    """whether all pairs are compared, so that ranks say more than tiers"""
    bounds: Bounds = ANYTHING

    @property
    def failed(self) -> bool:
        """Whether there are failed seeds to draw."""
        return any(variant.row.failed for variant in self.variants)

    @property
    def values(self) -> list[float]:
        """Every value of the variants that is drawn."""
        return [value for variant in self.variants for value in variant.shown]

    @property
    def axis(self) -> AxisRange:
        """The axis of all variants, and of the references that do not squeeze them."""
        shown, span = self.values, _span(self.values)
        for value in sorted(self.references.values(), key=lambda value: _span([*self.values, value])):
            wider = [*shown, value]
            fits = value > 0 if self.log else span == 0 or _span(wider) <= REFERENCE_AXIS_FACTOR * span
            if fits:
                shown = wider
        return axis_range(shown, self.log, whole=self.whole, bounds=self.bounds)


def find_score(table: Table, asked: str | None) -> str:
    """The score to draw: the one asked for, or the primary one. Raises `UsageError`."""
    if not table.columns:
        raise UsageError(f"no run on {table.dataset} has a score yet; run the suite first")
    if asked is not None and asked not in table.columns:
        raise UsageError(f"{table.dataset} has no score {asked!r}{suggestion(asked, list(table.columns))}")
    return asked or table.primary or next(iter(table.columns))


def ranks_info(table: Table, asked: str | None = None, names: Sequence[str] = ()) -> RanksInfo:
    """The variants of a table by a score: those of `names`, else those that have run.

    Raises `UsageError` if there is no such score or variant, or no value.
    """
    score = find_score(table, asked)
    pairs = select((row.variant for row in (table.variants if names else table.started) if row.variant), names)
    short, common = short_names(pairs)
    rows = [row for row in table.variants if (row.loss, row.architecture) in short]
    finished = [row.scores[score] for row in rows if row.scores[score].values]
    if not finished:
        raise UsageError(f"no variant has a value of {score!r} on {table.dataset}")
    variants = [
        RankedVariant(short[row.loss, row.architecture], row, row.scores[score], score == table.primary)
        for row in sorted(rows, key=lambda row: row.place(score))
    ]
    references = {
        row.title: mean
        for row in table.rows
        if row.kind == "reference" and (mean := row.scores[score].mean) is not None
    }
    whole = is_whole([value for cell in finished for value in cell.values])
    log = all(cell.logs for cell in finished)
    return RanksInfo(
        heading(table.dataset, common),
        score,
        table.columns[score],
        log,
        whole,
        tuple(variants),
        references,
        score == table.primary,
        not (table.family and table.family.reference),
        possible(finished[0].kind, finished[0].most),
    )


def _span(values: Sequence[float]) -> float:
    return max(values) - min(values)
