"""Variants over all datasets of a suite: interquartile mean and probability of improvement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ganbench.analysis.score_table import TITLES, Table, TableRow
from ganbench.statistics import bootstrap
from ganbench.statistics.differences import MIN_SEEDS

DESCRIPTIVE = (
    "Descriptive: no test, no claim. Intervals are of each variant alone, and the next variant is chosen by its mean. "
    "What is claimed stands with each dataset."
)
"""What the comparison over datasets is not."""


@dataclass(frozen=True)
class OverallRow:
    """One variant over all datasets; `over_next` is its probability of improvement over the row below."""

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


def build(tables: list[Table], seed: int = 0) -> Overall | None:
    """The variants that have at least `MIN_SEEDS` seeds on every dataset.

    None if fewer than two datasets have references, or no variant is on all of them.

    Each dataset's primary score is normalized between uniform noise (0) and real data (1), on its own
    scale; a failed seed has 0. Intervals: Agarwal et al. 2021 (see `ganbench.statistics.bootstrap`).
    """
    usable = {table.dataset: (table, ends) for table in tables if (ends := _reference_scores(table)) is not None}
    if len(usable) < 2:
        return None
    places: dict[str, list[list[float]]] = {}
    failed: dict[str, int] = {}
    for table, ends in usable.values():
        for row in table.variants:
            placed = _placed(row, str(table.primary), ends)
            if len(placed) >= MIN_SEEDS:
                places.setdefault(row.title, []).append(placed)
                failed[row.title] = failed.get(row.title, 0) + row.failed
    whole = {title: strata for title, strata in places.items() if len(strata) == len(usable)}
    if not whole:
        return None
    scores = {name: str(table.primary) for name, (table, _) in usable.items()}
    left_out = [title for title in places if title not in whole]
    notes = [DESCRIPTIVE]
    notes += [f"{', '.join(left_out)}: left out, too few seeds on some of {', '.join(usable)}"] if left_out else []
    missing = [table.dataset for table in tables if table.dataset not in usable]
    notes += [f"{', '.join(missing)}: left out, no references for the primary score"] if missing else []
    return Overall(scores, tuple(_rows(whole, failed, seed)), tuple(notes))


def _reference_scores(table: Table) -> tuple[float, float] | None:
    """The primary score of uniform noise and of real data, or None if one is missing or they are equal."""
    found = {
        row.loss: row.scores[table.primary].mean for row in table.rows if row.kind == "reference" and table.primary
    }
    floor, ceiling = found.get(TITLES["noise"]), found.get(TITLES["real"])
    if floor is None or ceiling is None or floor == ceiling or not table.variants:
        return None
    if table.variants[0].scores[str(table.primary)].logs and min(floor, ceiling) <= 0:
        return None
    return floor, ceiling


def _placed(row: TableRow, score: str, ends: tuple[float, float]) -> list[float]:
    cell = row.scores[score]
    placed = [bootstrap.normalized(value, *ends, cell.averaged) for value in cell.values]
    return [*placed, *[0.0] * row.failed]


def _rows(whole: dict[str, list[list[float]]], failed: dict[str, int], seed: int) -> list[OverallRow]:
    found = {title: _iqm(_frozen(strata), seed) for title, strata in whole.items()}
    order = sorted(found, key=lambda title: -found[title][0])
    rows = []
    for i, title in enumerate(order):
        below = whole[order[i + 1]] if i + 1 < len(order) else None
        over = _improvement(_frozen(whole[title]), _frozen(below), seed) if below else None
        rows.append(OverallRow(title, found[title], sum(map(len, whole[title])), failed[title], over))
    return rows


Strata = tuple[tuple[float, ...], ...]


def _frozen(strata: list[list[float]]) -> Strata:
    return tuple(tuple(stratum) for stratum in strata)


@cache
def _iqm(strata: Strata, seed: int) -> bootstrap.Interval:
    """Cached, because one command writes the same table in several formats."""
    return bootstrap.iqm(strata, seed)


@cache
def _improvement(a: Strata, b: Strata, seed: int) -> bootstrap.Interval:
    return bootstrap.improvement(a, b, seed)


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
    return {"scores": overall.scores, "rows": rows, "notes": list(overall.notes)}
