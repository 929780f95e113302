"""Scores at the number of samples that the held-out real data have, where variants are scored with more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ganbench.analysis.score_table import TITLES, EqualValues, Score, Table, TableRow
from ganbench.formatting import number
from ganbench.results.protocol_card import ProtocolCard
from ganbench.results.records import Evaluation
from ganbench.statistics import bootstrap, intervals


def equal_values(evaluations: Iterable[Evaluation], name: str) -> EqualValues | None:
    """One score of each evaluation at its reference counts; None unless all have it, at one count."""
    found = [one.at_reference_counts for one in evaluations]
    known = [one for one in found if one is not None and name in one.scores]
    if not known or len(known) != len(found) or len({one.samples for one in known}) > 1:
        return None
    return EqualValues(known[0].samples, tuple(one.scores[name] for one in known))


@dataclass(frozen=True)
class Ends:
    """Where uniform noise and real data stand in a table's primary score; `count` if both at equal counts, else None.

    `unequal` says at which counts they were measured where variants have not been scored at the count of real data.
    """

    floor: float
    ceiling: float
    scale: str
    count: int | None = None
    unequal: str = ""

    def placed(self, score: Score) -> list[float]:
        """A row's values at the count of the ends, between 0 for noise and 1 for real data."""
        values = score.values if self.count is None or score.equal is None else score.equal.values
        return [bootstrap.normalized(value, self.floor, self.ceiling, self.scale) for value in values]


NOISE, REAL = TITLES["noise"], TITLES["real"]
"""The titles of the reference rows between which scores are placed."""


def ends(table: Table) -> Ends | None:
    """The ends of a table's primary score, at equal counts where they are known; None if there are no two."""
    noise, real = _reference(table, NOISE), _reference(table, REAL)
    if not table.variants or noise is None or real is None:
        return None
    variants = [row.scores[table.primary] for row in table.variants]
    scale = variants[0].averaged
    counts = _fakes(real), max(map(_fakes, variants))
    compared = [noise, *(score for score in variants if score.values)]
    if counts[0] < counts[1] and all(one.equal and one.equal.samples == counts[0] for one in compared):
        assert noise.equal is not None
        found = Ends(noise.equal.values[0], real.values[0], scale, counts[0]) if real.values else None
    elif noise.mean is None or real.mean is None:
        found = None
    else:
        told = f"{table.dataset}: real data {counts[0]:,} samples, variants {counts[1]:,}; evaluate them again"
        found = Ends(noise.mean, real.mean, scale, unequal=told if counts[0] < counts[1] else "")
    if found is None or found.floor == found.ceiling:
        return None
    return None if scale == "log" and min(found.floor, found.ceiling) <= 0 else found


def _reference(table: Table, title: str) -> Score | None:
    """The primary score of a reference row; None if there is none."""
    rows = [row for row in table.rows if row.kind == "reference" and row.loss == title]
    return next((row.scores[table.primary] for row in rows if table.primary in row.scores), None)


def note(table: Table) -> list[str]:
    """That real data have fewer samples than the variants, and the primary score at their count."""
    real = [row for row in table.rows if row.kind == "reference" and row.loss == REAL]
    cells = [row.scores[table.primary] for row in real if table.primary in row.scores and row.n_ok]
    scored = [row for row in table.variants if row.scores.get(table.primary) and row.scores[table.primary].values]
    if not cells or not scored:
        return []
    count, most = _fakes(cells[0]), max(_fakes(row.scores[table.primary]) for row in scored)
    if not 0 < count < most:
        return []
    text = f"Real data: {count:,} samples, so that its scores are no ceiling for those of {most:,}."
    rows = [*scored, *(row for row in table.rows if row.kind == "reference")]
    means = {row.title: _mean(row, table, count) for row in rows}
    told = [f"{number(mean)} for {whose}" for whose, mean in means.items() if mean is not None]
    return [f"{text} At {count:,} samples {table.primary} is {', '.join(told)}." if told else text]


def _mean(row: TableRow, table: Table, count: int) -> float | None:
    """The mean of a row's primary score at a count, as its column has it."""
    score = row.scores.get(table.primary)
    if score is None or score.equal is None or score.equal.samples != count:
        return None
    return intervals.summary(score.equal.values, score.averaged).mean


def _fakes(score: Score) -> int:
    return score.card.fake_samples if isinstance(score.card, ProtocolCard) else 0
