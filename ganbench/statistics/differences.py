"""The difference of two variants on one score, by the test that the score and the suite fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, exp, log, pi, sqrt
from typing import NamedTuple

import numpy as np

from ganbench.statistics.significance import (
    ALPHA,
    CONFIDENCE,
    Ranks,
    moments,
    paired,
    quantile,
    rounding,
    welch,
)

MIN_SEEDS = 5
"""Seeds per side below which nothing is claimed: with three even the best case of a permutation test has p = .10, with
four .03 before any correction."""
POWER = 0.8
"""The probability with which a detectable difference is found."""
RANK_EFFICIENCY = 3 / pi
"""Seeds that Welch's test needs for one of the rank test, for normal values of many seeds (Pitman 1948)."""
LARGEST_LOG = 700.0
"""The exponential of a larger number is not a float."""


@dataclass(frozen=True)
class Sample:
    """One variant's values of a score by seed, and the number of seeds that failed.

    A failed or diverged seed has no value, but counts as the worst result.
    """

    values: Mapping[int, float]
    failed: int = 0

    @property
    def size(self) -> int:
        """The number of seeds, failed ones included."""
        return len(self.values) + self.failed


@dataclass(frozen=True)
class Measure:
    """How the variants are compared by one score; nothing in it depends on the two that are compared.

    `logs`: differences are taken of logarithms, all values of the column being above 0. `ranks`: the exact
    permutation test of ranks, for counts; otherwise Student's t, of two independent sides (Welch) or `paired` by seed.
    `margin` is the difference, with `logs` the factor, within which variants are called equal.
    """

    better: str
    logs: bool = False
    ranks: bool = False
    paired: bool = False
    margin: float | None = None


class Difference(NamedTuple):
    """The difference of a and b: a - b, or a / b if `ratio`, with its interval, two-sided p and test.

    The interval has the level that was asked for, and excludes "none" exactly if p is below 1 - level. Tests of ranks
    have none; their `value` is the median of all differences between a seed of a and one of b (Hodges and Lehmann
    1963), which is never on the worse side of the better ranks. `pairs` is the number of seeds that were compared one
    to one (0 if unpaired). If seeds failed, `p` is of ranks with failures as the worst, and there is no `value`: the
    surviving seeds of two variants are not comparable. `a_better` says whether a is on the better side, by any amount.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float
    test: str
    pairs: int
    ratio: bool
    a_better: bool


RANKS = "rank permutation"
RANKS_BY_SADDLEPOINT = "rank permutation (saddlepoint)"
"""The same where too many values differ for the distribution to be counted."""
BY_RANKS = (RANKS, RANKS_BY_SADDLEPOINT)


def compare(a: Sample, b: Sample, measure: Measure, level: float = CONFIDENCE) -> Difference | None:
    """The difference of two variants on one score; None if a side has fewer than `MIN_SEEDS` seeds.

    Paired tests use the seeds that both sides have. If a seed failed, the test is that of ranks with failures last.
    """
    x, y = _values(a, b, measure)
    if min(a.size, b.size) < MIN_SEEDS:
        return None
    if a.failed or b.failed:
        first, second = (_with_failures(side, measure.better) for side in (a, b))
        ranks = Ranks.of(first, second)
        return Difference(None, None, None, ranks.p, _name(ranks), 0, measure.logs, _ranked_better(ranks, measure))
    if measure.ranks:
        first, second = list(x.values()), list(y.values())
        ranks, shift = Ranks.of(first, second), _shift(first, second)
        return _undone(shift, None, ranks.p, _name(ranks), 0, measure, _ranked_better(ranks, measure))
    if measure.paired:
        both = [seed for seed in x if seed in y]
        if len(both) < MIN_SEEDS:
            return None
        gap, half, p, test = paired([x[seed] for seed in both], [y[seed] for seed in both], level)
    else:
        both = []
        gap, half, p, test = welch(list(x.values()), list(y.values()), level)
    return _undone(gap, half, p, test, len(both), measure, (gap > 0) == (measure.better == "higher"))


def _undone(
    gap: float, half: float | None, p: float, test: str, pairs: int, measure: Measure, a_better: bool
) -> Difference:
    """A difference in the unit of the score."""
    undone = _factor if measure.logs else float
    low, high = (None, None) if half is None else (undone(gap - half), undone(gap + half))
    return Difference(undone(gap), low, high, p, test, pairs, measure.logs, a_better)


def _factor(gap: float) -> float:
    return exp(max(-LARGEST_LOG, min(gap, LARGEST_LOG)))


def _values(a: Sample, b: Sample, measure: Measure) -> tuple[dict[int, float], dict[int, float]]:
    """The values of both sides as they are compared. Raises `ValueError` for a value without a logarithm."""
    x, y = ({seed: log(v) if measure.logs else v for seed, v in side.values.items()} for side in (a, b))
    return x, y


def _name(ranks: Ranks) -> str:
    return RANKS if ranks.counted else RANKS_BY_SADDLEPOINT


def _shift(a: Sequence[float], b: Sequence[float]) -> float:
    return float(np.median(np.subtract.outer(np.array(a, dtype=float), np.array(b, dtype=float))))


def _ranked_better(ranks: Ranks, measure: Measure) -> bool:
    return (ranks.excess > 0) == (measure.better == "higher")


def _with_failures(side: Sample, better: str) -> list[float]:
    """The values of a side, with a value worse than all others for each failure."""
    worst = float("-inf") if better == "higher" else float("inf")
    return [*side.values.values(), *[worst] * side.failed]


def equal(a: Sample, b: Sample, measure: Measure, found: Difference, level: float) -> bool:
    """Whether the difference is shown to lie within the measure's margin, both ways.

    By the interval of `found` where the test has one: two one-sided tests (Schuirmann 1987), each at half of
    1 - level. Otherwise by the exact test of ranks of one side moved by the margin. Never if a seed failed.
    """
    if measure.margin is None or found.value is None:
        return False
    margin = log(measure.margin) if measure.logs else measure.margin
    if found.low is not None and found.high is not None:
        low, high = (log(end) if measure.logs else end for end in (found.low, found.high))
        return -margin < low and high < margin
    x, y = (list(side.values()) for side in _values(a, b, measure))
    above, below = [value + margin for value in x], [value - margin for value in x]
    over, under = Ranks.of(above, y), Ranks.of(below, y)
    return over.p < 1 - level and under.p < 1 - level and over.excess > 0 > under.excess


def claimable(a: Sample, b: Sample, alpha: float) -> bool:
    """Whether the exact test of ranks of so many seeds can reach a p below `alpha` at all."""
    return 2 / comb(a.size + b.size, a.size) < alpha


def detectable(a: Sample, b: Sample, measure: Measure, alpha: float = ALPHA) -> float | None:
    """The smallest difference (with `logs`: factor) of two variants as noisy as these that is found with 80 % power.

    By the noncentral t distribution of the test at level `alpha`. For ranks it is an approximation: that of Welch's
    test, with the seeds' worth of `RANK_EFFICIENCY`. None without noise, with failed seeds, with too few seeds, and
    where so many seeds can never reach the level.
    """
    if a.failed or b.failed or min(a.size, b.size) < MIN_SEEDS:
        return None
    x, y = _values(a, b, measure)
    if measure.paired and not measure.ranks:
        gaps = [x[seed] - y[seed] for seed in x if seed in y]
        if len(gaps) < MIN_SEEDS:
            return None
        part, freedom = moments(gaps)[1], len(gaps) - 1.0
    else:
        parts = [(moments(list(side.values()))[1], len(side) - 1) for side in (x, y)]
        part = sum(one for one, _ in parts)
        freedom = part**2 / sum(one**2 / count for one, count in parts) if part else 0.0
    if part <= rounding([*x.values(), *y.values()]) or (measure.ranks and not claimable(a, b, alpha)):
        return None
    gap = noncentrality(freedom, alpha) * sqrt(part / (RANK_EFFICIENCY if measure.ranks else 1))
    return _factor(gap) if measure.logs else gap


def noncentrality(freedom: float, alpha: float) -> float:
    """The shift of t, in standard errors, that a two-sided test at level `alpha` finds with probability `POWER`."""
    from scipy.special import nctdtr

    limit = quantile(freedom, 1 - alpha)

    def missed(shift: float) -> float:
        return float(nctdtr(freedom, shift, limit)) - (1 - POWER)

    last, now = limit + 0.5, limit + 1.2
    before, after = missed(last), missed(now)
    for _ in range(50):  # secants: the share that is missed falls smoothly with the shift
        if abs(now - last) < 1e-10 * now or after == before:
            break
        last, now = now, now - after * (now - last) / (after - before)
        before, after = after, missed(now)
    return now


def varies(samples: Sequence[Sample]) -> bool:
    """Whether any two seeds of these variants differ by more than rounding; failed seeds differ from others."""
    values = [value for sample in samples for value in sample.values.values()]
    if any(sample.failed for sample in samples):
        return bool(values)
    return bool(values) and (max(values) - min(values)) ** 2 > rounding(values)
