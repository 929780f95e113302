"""Intervals, tests, ranks and power at few seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import erfc, exp, isfinite, log, sqrt
from typing import NamedTuple

import numpy as np

FEWEST = 5
"""With fewer seeds a side no difference can be shown: even the best case of a permutation test of
3 against 3 has p = .10."""
LEVEL = 0.05
POWER = 0.8
MOST_COUNTED = 200


@dataclass(frozen=True)
class Sample:
    """One variant's values of a score by seed, and how many seeds came to nothing.

    A failed or diverged seed has no value, but it is a result: the worst one.
    """

    values: Mapping[int, float]
    failed: int = 0

    @property
    def size(self) -> int:
        return len(self.values) + self.failed


@dataclass(frozen=True)
class Column:
    """One score of a table: its direction, its scale (`linear` or `log`), and every variant's sample."""

    better: str
    samples: Mapping[str, Sample]
    scale: str = "linear"


class Difference(NamedTuple):
    """How a differs from b: a - b, or a / b where `ratio`, its interval, two-sided p and test.

    `pairs` is the number of seeds that were compared one to one (0: unpaired). Where seeds failed,
    `p` is of ranks with failures as the worst, `value` is of the survivors, and there is no interval.
    `a_better`: whether a lies on the better side, however little.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float
    test: str
    pairs: int
    ratio: bool
    a_better: bool


def mean_interval(
    values: Sequence[float], level: float = 0.95, scale: str = "linear"
) -> tuple[float, float | None, float | None]:
    """The arithmetic mean, and a Student t interval; no interval for a single value.

    On the `log` scale the interval is taken of the logarithms: it is one of the geometric mean,
    unsymmetric, and above 0. Raises `ValueError` for no values.
    """
    if not values:
        raise ValueError("no values")
    mean = sum(values) / len(values)
    if len(values) == 1:
        return mean, None, None
    if len(set(values)) == 1:
        return values[0], values[0], values[0]
    if scale == "log" and min(values) > 0:
        low, high = _interval([log(value) for value in values], level)
        return mean, exp(low), exp(high)
    return mean, *_interval(values, level)


def _interval(values: Sequence[float], level: float) -> tuple[float, float]:
    mean, part = _moments(values)
    half = _quantile(len(values) - 1, level) * sqrt(part)
    return mean - half, mean + half


def _quantile(freedom: float, level: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + level / 2))


def _moments(values: Sequence[float]) -> tuple[float, float]:
    """The mean and its squared standard error."""
    mean = sum(values) / len(values)
    return mean, sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values)


def compare(a: Sample, b: Sample, better: str, scale: str = "linear", level: float = 0.95) -> Difference | None:
    """The difference of two variants on one score; None where a side has fewer than `FEWEST` seeds.

    Seeds that both have are compared one to one (they share the order of the data and the streams
    behind weights and latents): a paired t test. With fewer than `FEWEST` such seeds: Welch's t
    test. Where a seed failed: a permutation test on ranks, failures last. On the `log` scale all of
    it is done with logarithms, as long as all values are above 0.
    """
    if min(a.size, b.size) < FEWEST:
        return None
    ratio = scale == "log" and min([*a.values.values(), *b.values.values()], default=0.0) > 0
    x, y = ({seed: log(v) if ratio else v for seed, v in side.values.items()} for side in (a, b))
    undone = exp if ratio else float
    if a.failed or b.failed:
        first, second = (_with_failures(side, better) for side in (a, b))
        value = undone(_mean(x) - _mean(y)) if x and y else None
        a_better = (_rank_excess(first, second) > 0) == (better == "higher")
        p = rank_permutation(first, second)
        return Difference(value, None, None, p, "rank permutation", 0, ratio, a_better)
    shared = [seed for seed in x if seed in y]
    if len(shared) >= FEWEST:
        gap, half, p, test = paired([x[seed] for seed in shared], [y[seed] for seed in shared], level)
    else:
        shared = []
        gap, half, p, test = welch(list(x.values()), list(y.values()), level)
    low, high = (None, None) if half is None else (undone(gap - half), undone(gap + half))
    return Difference(undone(gap), low, high, p, test, len(shared), ratio, (gap > 0) == (better == "higher"))


def _mean(values: Mapping[int, float]) -> float:
    return sum(values.values()) / len(values)


def _with_failures(side: Sample, better: str) -> list[float]:
    """A side's values, each failure worse than everything."""
    worst = float("-inf") if better == "higher" else float("inf")
    return [*side.values.values(), *[worst] * side.failed]


Test = tuple[float, float | None, float, str]


def paired(a: Sequence[float], b: Sequence[float], level: float = 0.95) -> Test:
    """Mean difference, half of its interval, two-sided p, and the test: Student's t of the differences.

    `a` and `b` in the order of their seeds. Differences that are all the same say nothing of their
    noise: then the permutation test on ranks.
    """
    mean, part = _moments([x - y for x, y in zip(a, b, strict=True)])
    if part <= 1e-24 * mean**2:
        return mean, None, rank_permutation(a, b), "rank permutation"
    freedom = len(a) - 1
    return mean, _quantile(freedom, level) * sqrt(part), _two_sided(mean / sqrt(part), freedom), "paired t"


def welch(a: Sequence[float], b: Sequence[float], level: float = 0.95) -> Test:
    """The same of two independent sides, each of two or more values: Welch's t (unequal variances).

    Where neither side varies: the permutation test on ranks.
    """
    (mean_a, part_a), (mean_b, part_b) = _moments(a), _moments(b)
    value = mean_a - mean_b
    if part_a + part_b == 0:
        return value, None, rank_permutation(a, b), "rank permutation"
    freedom = (part_a + part_b) ** 2 / (part_a**2 / (len(a) - 1) + part_b**2 / (len(b) - 1))
    error = sqrt(part_a + part_b)
    return value, _quantile(freedom, level) * error, _two_sided(value / error, freedom), "Welch t"


def _two_sided(t: float, freedom: float) -> float:
    from scipy.special import stdtr

    return 2 * float(stdtr(freedom, -abs(t)))


def rank_permutation(a: Sequence[float], b: Sequence[float]) -> float:
    """The exact two-sided p of the rank sum over all ways to deal the values into two sides.

    Ties share their mean rank (Wilcoxon 1945, Mann and Whitney 1947). The distribution is counted,
    not sampled; above `MOST_COUNTED` values it is taken for a normal one.
    """
    ranks, few = _doubled_ranks([*a, *b]), len(a)
    off = abs(_rank_excess(a, b))
    if len(ranks) > MOST_COUNTED:
        spread = sqrt(
            few * len(b) * sum((rank - len(ranks) - 1) ** 2 for rank in ranks) / (len(ranks) - 1) / len(ranks)
        )
        return erfc(off / spread / sqrt(2)) if spread else 1.0
    ways = np.zeros((few + 1, sum(ranks) + 1))  # [chosen, doubled rank sum]
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    far = np.abs(np.arange(ways.shape[1]) - few * (len(ranks) + 1)) >= off
    return min(1.0, float(ways[few, far].sum() / ways[few].sum()))


def _rank_excess(a: Sequence[float], b: Sequence[float]) -> int:
    """a's doubled rank sum minus what chance would give it."""
    return sum(_doubled_ranks([*a, *b])[: len(a)]) - len(a) * (len(a) + len(b) + 1)


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Twice the midranks, so that they are whole."""
    return [2 * sum(v < value for v in values) + sum(v == value for v in values) + 1 for value in values]


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Holm 1979): adjusted p values, in the given order."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = highest
    return adjusted


@dataclass(frozen=True)
class Ranking:
    """A table's verdicts: ranks, the difference of every pair, and p after Holm's correction."""

    ranks: dict[str, dict[str, int | None]] = field(default_factory=dict)
    """score -> variant -> rank, None where a variant has too few seeds"""
    pairs: dict[tuple[str, str, str], tuple[Difference, float]] = field(default_factory=dict)
    """(score, a, b) -> (difference, adjusted p)"""


def ranked(table: Mapping[str, Column], level: float = LEVEL) -> Ranking:
    """Shared ranks for every score of a table.

    A rank is 1 + the number of variants that are better by `compare`, Holm-corrected over all
    pairs and scores of the table: variants that cannot be told apart share one.
    """
    able = {score: [n for n, s in column.samples.items() if s.size >= FEWEST] for score, column in table.items()}
    tested = {}
    for score, names in able.items():
        column = table[score]
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                found = compare(column.samples[a], column.samples[b], column.better, column.scale)
                if found is not None:
                    tested[score, a, b] = found
    adjusted = holm([found.p for found in tested.values()])
    pairs = {key: (found, p) for (key, found), p in zip(tested.items(), adjusted, strict=True)}
    ranks: dict[str, dict[str, int | None]] = {
        score: {name: 1 if name in able[score] else None for name in column.samples} for score, column in table.items()
    }
    for (score, a, b), (found, p) in pairs.items():
        if p < level:
            worse = b if found.a_better else a
            ranks[score][worse] = (ranks[score][worse] or 0) + 1
    return Ranking(ranks, pairs)


def detectable(samples: Sequence[Sample], comparisons: int, scale: str = "linear") -> float | None:
    """The smallest difference that these seeds show four times in five, or on a log scale the factor.

    For the paired t test at the first step of Holm's correction, with the noise that the pairs of
    samples have now (noncentral t). None where no pair has `FEWEST` seeds in common, or none varies.
    """
    variances, counts = [], []
    for i, a in enumerate(samples):
        for b in samples[i + 1 :]:
            shared = [seed for seed in a.values if seed in b.values]
            used = [(a.values[seed], b.values[seed]) for seed in shared]
            if len(used) < FEWEST or (scale == "log" and min(min(pair) for pair in used) <= 0):
                continue
            gaps = [log(x) - log(y) if scale == "log" else x - y for x, y in used]
            variances.append(_moments(gaps)[1] * len(gaps))
            counts.append(len(gaps))
    if not variances or max(variances) < 1e-24:
        return None
    noise = sqrt(sum(variances) / len(variances) / min(counts))
    gap = _noncentrality(min(counts) - 1, LEVEL / max(1, comparisons)) * noise
    if scale != "log":
        return gap
    return exp(gap) if gap < 700 and isfinite(gap) else None


def _noncentrality(freedom: int, alpha: float) -> float:
    """The shift of t, in standard errors, that a two-sided test at `alpha` finds with probability `POWER`."""
    from scipy.special import nctdtr

    limit = _quantile(freedom, 1 - alpha)
    low, high = 0.0, 2 * limit + 20
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - nctdtr(freedom, middle, limit) < POWER else (low, middle)
    return float(np.round(high, 9))
