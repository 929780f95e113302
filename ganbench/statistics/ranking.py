"""Compares variants by their seeds: differences, shared ranks, and the smallest detectable difference."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import exp, log, sqrt
from typing import Generic, NamedTuple, TypeVar

from ganbench.statistics.means import mean
from ganbench.statistics.significance import (
    ALPHA,
    CONFIDENCE,
    holm,
    moments,
    paired,
    quantile,
    rank_excess,
    rank_permutation,
    rounding,
    welch,
)

MIN_SEEDS = 5
"""Seeds per side below which nothing is claimed: with three even the best case of a permutation test has p = .10, with
four .03 before any correction."""
POWER = 0.8
"""The probability with which a detectable difference is found."""


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


Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Column(Generic[Name]):
    """One score of a table: its direction, its scale (`linear` or `log`), and every variant's sample."""

    better: str
    samples: Mapping[Name, Sample]
    scale: str = "linear"


class Difference(NamedTuple):
    """The difference of a and b: a - b, or a / b if `ratio`, with its interval, two-sided p and test.

    `pairs` is the number of seeds that were compared one to one (0 if unpaired). If seeds failed, `p` is of ranks with
    failures as the worst, and there is no `value`: the means of the surviving seeds are not comparable. `a_better`
    says whether a is on the better side, by any amount.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float
    test: str
    pairs: int
    ratio: bool
    a_better: bool


def compare(a: Sample, b: Sample, better: str, scale: str = "linear", level: float = CONFIDENCE) -> Difference | None:
    """The difference of two variants on one score; None if a side has fewer than `MIN_SEEDS` seeds.

    Sides with the same seeds share the order of the data and the streams behind weights and latents; they are compared
    by a paired t test. Others are compared by Welch's t test on all their seeds, and if a seed failed, by a permutation
    test of ranks with failures last. On the `log` scale logarithms are compared, if all values are above 0.
    """
    if min(a.size, b.size) < MIN_SEEDS:
        return None
    ratio, x, y = _scaled(a, b, scale)
    undone = exp if ratio else float
    if a.failed or b.failed:
        first, second = (_with_failures(side, better) for side in (a, b))
        a_better = (rank_excess(first, second) > 0) == (better == "higher")
        p = rank_permutation(first, second)
        return Difference(None, None, None, p, "rank permutation", 0, ratio, a_better)
    if x.keys() == y.keys():
        gap, half, p, test = paired([x[seed] for seed in x], [y[seed] for seed in x], level)
    else:
        gap, half, p, test = welch(list(x.values()), list(y.values()), level)
    low, high = (None, None) if half is None else (undone(gap - half), undone(gap + half))
    pairs = len(x) if test in ("paired t", "sign flip") else 0
    return Difference(undone(gap), low, high, p, test, pairs, ratio, (gap > 0) == (better == "higher"))


def _scaled(a: Sample, b: Sample, scale: str) -> tuple[bool, dict[int, float], dict[int, float]]:
    """Whether logarithms are compared, and the values of both sides as they are compared."""
    ratio = scale == "log" and min([*a.values.values(), *b.values.values()], default=0.0) > 0
    x, y = ({seed: log(v) if ratio else v for seed, v in side.values.items()} for side in (a, b))
    return ratio, x, y


def _with_failures(side: Sample, better: str) -> list[float]:
    """The values of a side, with a value worse than all others for each failure."""
    worst = float("-inf") if better == "higher" else float("inf")
    return [*side.values.values(), *[worst] * side.failed]


@dataclass(frozen=True)
class Ranking(Generic[Name]):
    """The ranks in a table, with the difference of every pair and its p after Holm's correction."""

    ranks: dict[str, dict[Name, int | None]] = field(default_factory=dict)
    """score -> variant -> rank, or None if a variant has too few seeds or all of them failed"""
    pairs: dict[tuple[str, Name, Name], tuple[Difference, float]] = field(default_factory=dict)
    """(score, a, b) -> (difference, adjusted p)"""

    def leads(self, name: Name) -> frozenset[str]:
        """The scores in which a variant is significantly better than another one, and none than it."""
        beaten = {(score, a if found.a_better else b) for (score, a, b), (found, p) in self.pairs.items() if p < ALPHA}
        return frozenset(score for score, own in self.ranks.items() if own.get(name) == 1 and (score, name) in beaten)


def ranked(table: Mapping[str, Column[Name]]) -> Ranking[Name]:
    """Shared ranks for every score of a table.

    A rank is 1 + the number of variants that are significantly better by `compare`, Holm-corrected over all pairs and
    scores of the table; variants without a significant difference may share one.
    """
    tested = {
        (score, a, b): found
        for score, column in table.items()
        for a, b in combinations(column.samples, 2)
        if (found := compare(column.samples[a], column.samples[b], column.better, column.scale)) is not None
    }
    adjusted = holm([found.p for found in tested.values()])
    pairs = {key: (found, p) for (key, found), p in zip(tested.items(), adjusted, strict=True)}
    ranks: dict[str, dict[Name, int | None]] = {
        score: {
            name: 1 if sample.size >= MIN_SEEDS and sample.values else None for name, sample in column.samples.items()
        }
        for score, column in table.items()
    }
    for (score, a, b), (found, p) in pairs.items():
        if p < ALPHA:
            worse = b if found.a_better else a
            rank = ranks[score][worse]
            ranks[score][worse] = None if rank is None else rank + 1
    return Ranking(ranks, pairs)


class Power(NamedTuple):
    """The smallest difference (on a log scale: factor) that this number of seeds shows with 80 % power."""

    gap: float
    seeds: int


def detectable(samples: Sequence[Sample], comparisons: int, scale: str = "linear") -> Power | None:
    """The smallest difference that is found with 80 % power between two variants with the average noise of these pairs.

    For the paired t test at the first step of Holm's correction over `comparisons` (noncentral t). None unless two
    samples have the same `MIN_SEEDS` or more seeds, none of which failed, and their differences vary.
    """
    variances, counts = [], []
    for a, b in combinations(samples, 2):
        if a.failed or b.failed or a.size < MIN_SEEDS or a.values.keys() != b.values.keys():
            continue
        _, x, y = _scaled(a, b, scale)
        part = moments([x[seed] - y[seed] for seed in x])[1]
        if part > rounding([*x.values(), *y.values()]):
            variances.append(part * len(x))
            counts.append(len(x))
    if not variances:
        return None
    noise = sqrt(mean(variances) / min(counts))
    gap = _noncentrality(min(counts) - 1, ALPHA / max(1, comparisons)) * noise
    if scale == "log" and all(min(sample.values.values(), default=1) > 0 for sample in samples):
        gap = exp(min(gap, 700))
    return Power(gap, min(counts))


def _noncentrality(freedom: int, alpha: float) -> float:
    """The shift of t, in standard errors, that a two-sided test at level `alpha` finds with probability `POWER`."""
    from scipy.special import nctdtr

    limit = quantile(freedom, 1 - alpha)
    low, high = 0.0, 2 * limit + 20
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - nctdtr(freedom, middle, limit) < POWER else (low, middle)
    return high
