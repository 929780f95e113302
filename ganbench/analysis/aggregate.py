"""Variants over all datasets of a suite: interquartile mean and probability of improvement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from ganbench.analysis.equal_counts import Ends, ends
from ganbench.analysis.score_table import TITLES, Table, TableRow
from ganbench.statistics import bootstrap
from ganbench.statistics.differences import MIN_SEEDS

DESCRIPTIVE = (
    "Descriptive: no test, no claim. Intervals are of each variant alone, and the next variant is chosen by its mean. "
    "What is claimed stands with each dataset."
)
"""What the comparison over datasets is not."""


Strata = tuple[tuple[float, ...], ...]
"""The places of a variant's seeds, by dataset."""


@dataclass(frozen=True)
class Places:
    """Where the seeds of each variant lie between uniform noise (0) and real data (1), by dataset.

    `scores` are the primary scores by dataset, `failed` the seeds that failed by variant, which have 0; `notes` say
    what was left out and why.
    """

    scores: dict[str, str]
    variants: dict[str, Strata]
    failed: dict[str, int]
    ends: tuple[tuple[Table, Ends], ...]
    notes: tuple[str, ...]

    def order(self, seed: int = 0) -> list[str]:
        """The variants by their interquartile means, the best first."""
        return sorted(self.variants, key=lambda title: -_iqm(self.variants[title], seed)[0])


@dataclass(frozen=True)
class OverallRow:
    """One variant over all datasets; `over_next` is its probability of improvement over the row below.

    A reference has no seeds: its interval is its value.
    """

    title: str
    iqm: bootstrap.Interval
    n: int
    failed: int
    over_next: bootstrap.Interval | None


@dataclass(frozen=True)
class Overall:
    """The suite's variants, best first, and what was left out and why."""

    scores: dict[str, str]
    """dataset -> the score that is used for it, its primary one"""
    rows: tuple[OverallRow, ...]
    notes: tuple[str, ...]
    references: tuple[OverallRow, ...] = ()
    """The Gaussian with the data's mean and covariance, if it is there on every dataset."""


def build(tables: list[Table], seed: int = 0) -> Overall | None:
    """The variants that have at least `MIN_SEEDS` seeds on every dataset.

    None if fewer than two datasets have references, or no variant is on all of them.

    Each dataset's primary score is normalized between uniform noise (0) and real data (1), on its own
    scale and at equal counts of samples; a failed seed has 0. Intervals: Agarwal et al. 2021 (see
    `ganbench.statistics.bootstrap`).
    """
    found = places(tables)
    if found is None:
        return None
    notes = (DESCRIPTIVE, *found.notes)
    return Overall(found.scores, tuple(_rows(found, seed)), notes, _references(found.ends, seed))


def places(tables: Sequence[Table]) -> Places | None:
    """The places of the variants that have at least `MIN_SEEDS` seeds on every dataset that has references.

    None if fewer than two datasets have references, or no variant is on all of them.
    """
    usable = {table.dataset: (table, found) for table in tables if (found := ends(table)) is not None}
    if len(usable) < 2:
        return None
    places: dict[str, list[list[float]]] = {}
    failed: dict[str, int] = {}
    for table, own in usable.values():
        for row in table.variants:
            placed = _placed(row, str(table.primary), own)
            if len(placed) >= MIN_SEEDS:
                places.setdefault(row.title, []).append(placed)
                failed[row.title] = failed.get(row.title, 0) + row.failed
    whole = {title: _frozen(strata) for title, strata in places.items() if len(strata) == len(usable)}
    if not whole:
        return None
    left_out = [title for title in places if title not in whole]
    notes = [f"{', '.join(left_out)}: left out, too few seeds on some of {', '.join(usable)}"] if left_out else []
    missing = [table.dataset for table in tables if table.dataset not in usable]
    notes += [f"{', '.join(missing)}: left out, no references for the primary score"] if missing else []
    unequal = [own.unequal for _, own in usable.values() if own.unequal]
    notes += [f"not at equal counts: {'; '.join(unequal)}"] if unequal else []
    scores = {name: str(table.primary) for name, (table, _) in usable.items()}
    return Places(scores, whole, failed, tuple(usable.values()), tuple(notes))


def _references(usable: Iterable[tuple[Table, Ends]], seed: int) -> tuple[OverallRow, ...]:
    """The Gaussian fit over all datasets."""
    strata = []
    for table, own in usable:
        rows = [row for row in table.rows if row.kind == "reference" and row.loss == TITLES["gaussian"]]
        strata.append([value for row in rows for value in _placed(row, str(table.primary), own)])
    if not all(strata):
        return ()
    return (OverallRow(TITLES["gaussian"], _iqm(_frozen(strata), seed), 0, 0, None),)


def _placed(row: TableRow, score: str, own: Ends) -> list[float]:
    return [*own.placed(row.scores[score]), *[0.0] * row.failed]


def _rows(found: Places, seed: int) -> list[OverallRow]:
    order = found.order(seed)
    rows = []
    for i, title in enumerate(order):
        below = found.variants[order[i + 1]] if i + 1 < len(order) else None
        own = found.variants[title]
        over = improvement(own, below, seed) if below else None
        rows.append(OverallRow(title, _iqm(own, seed), sum(map(len, own)), found.failed[title], over))
    return rows


def _frozen(strata: Sequence[Sequence[float]]) -> Strata:
    return tuple(tuple(stratum) for stratum in strata)


@cache
def _iqm(strata: Strata, seed: int) -> bootstrap.Interval:
    """Cached, because one command writes the same table in several formats."""
    return bootstrap.iqm(strata, seed)


@cache
def improvement(a: Strata, b: Strata, seed: int = 0, repetitions: int = bootstrap.REPETITIONS) -> bootstrap.Interval:
    """The probability of improvement of one variant over another, from both places on the same datasets."""
    return bootstrap.improvement(a, b, seed, repetitions)


def plain(overall: Overall) -> dict[str, object]:
    """As plain data: for JSON."""
    rows = [
        {
            "variant": row.title,
            "iqm": dict(zip(("value", "low", "high"), row.iqm, strict=True)),
            "n": row.n,
            "failed": row.failed,
            "probability_of_improvement_over_next": None
            if row.over_next is None
            else dict(zip(("value", "low", "high"), row.over_next, strict=True)),
        }
        for row in overall.rows
    ]
    references = [{"reference": row.title, "iqm": row.iqm[0]} for row in overall.references]
    return {"scores": overall.scores, "rows": rows, "references": references, "notes": list(overall.notes)}
