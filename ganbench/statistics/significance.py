"""Intervals and tests for few seeds: Student's t, Welch's t, exact permutation tests.

They are implemented here instead of taken from `scipy.stats` for two reasons: a cold import of `scipy.stats` takes more
than a second longer than one of `scipy.special`, which gives the distributions; and `scipy.stats.mannwhitneyu` has no
exact distribution with ties, which counts and failed seeds cause. The tests compare them with `scipy.stats` wherever
both apply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt

import numpy as np

from ganbench.statistics import rank_distribution
from ganbench.statistics.means import mean

ALPHA = 0.05
"""The significance level of every test: a corrected p below it is significant."""
CONFIDENCE = 1 - ALPHA
"""The confidence level of every interval."""
ROUNDING = 1e-12
"""Differences below this fraction of the values are rounding errors."""


def quantile(freedom: float, level: float) -> float:
    """The t value that a share `level` of Student's distribution does not exceed in absolute value."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + level / 2))


def moments(values: Sequence[float]) -> tuple[float, float]:
    """The mean and its squared standard error."""
    center = mean(values)
    return center, fsum((value - center) ** 2 for value in values) / (len(values) - 1) / len(values)


Test = tuple[float, float | None, float, str]


def paired(a: Sequence[float], b: Sequence[float], level: float = CONFIDENCE) -> Test:
    """Student's t test of the differences: their mean, half its interval, the two-sided p, and the test's name.

    `a` and `b` are in the order of their seeds. If the differences do not vary, the t test is undefined; the exact
    permutation test of their signs is used instead, or that of ranks if neither side varies.
    """
    gaps = [x - y for x, y in zip(a, b, strict=True)]
    gap, part = moments(gaps)
    if part > rounding([*a, *b]):
        freedom = len(a) - 1
        return gap, quantile(freedom, level) * sqrt(part), _two_sided(gap / sqrt(part), freedom), "paired t"
    if moments(a)[1] <= rounding([*a, *b]):
        return _constant(a, b)
    same = gap**2 <= rounding([*a, *b])
    return gap, None, 1.0 if same else 2.0 ** (1 - len(gaps)), "sign flip"


def welch(a: Sequence[float], b: Sequence[float], level: float = CONFIDENCE) -> Test:
    """Welch's t test (unequal variances) of two independent sides of two or more values; returns as `paired` does.

    If neither side varies, it is the permutation test of ranks.
    """
    (mean_a, part_a), (mean_b, part_b) = moments(a), moments(b)
    if part_a + part_b <= rounding([*a, *b]):
        return _constant(a, b)
    freedom = (part_a + part_b) ** 2 / (part_a**2 / (len(a) - 1) + part_b**2 / (len(b) - 1))
    value, error = mean_a - mean_b, sqrt(part_a + part_b)
    return value, quantile(freedom, level) * error, _two_sided(value / error, freedom), "Welch t"


def _constant(a: Sequence[float], b: Sequence[float]) -> Test:
    """The rank test of two sides without noise; differences by rounding are ties."""
    value = a[0] - b[0]
    p = 1.0 if value**2 <= rounding([*a, *b]) else rank_permutation([1.0] * len(a), [0.0] * len(b))
    return value, None, p, "rank permutation"


def rounding(values: Sequence[float]) -> float:
    """The variance that rounding alone causes in values of this size; a smaller one counts as none."""
    return (ROUNDING * max(map(abs, values))) ** 2


def _two_sided(t: float, freedom: float) -> float:
    from scipy.special import stdtr

    return 2 * float(stdtr(freedom, -abs(t)))


def rank_permutation(a: Sequence[float], b: Sequence[float]) -> float:
    """The two-sided p of the rank sum over all assignments of the values to the two sides."""
    return Ranks.of(a, b).p


@dataclass(frozen=True)
class Ranks:
    """The rank test of two sides of `few` values and of the others (Wilcoxon 1945; Mann and Whitney 1947).

    `counts` says how many values of both sides are equal to the smallest one, to the next one, and so on; these share
    their mean rank. `excess` is the doubled rank sum of the first side minus its expected value under
    exchangeability.
    """

    few: int
    counts: tuple[int, ...]
    excess: int

    @classmethod
    def of(cls, a: Sequence[float], b: Sequence[float]) -> Ranks:
        """The ranks of two sides."""
        values = np.array([*a, *b], dtype=float)
        places, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
        ranks = 2 * np.cumsum(counts) - counts - len(places)  # doubled midranks less their mean
        return cls(len(a), tuple(counts.tolist()), int(ranks[places[: len(a)]].sum()))

    @property
    def p(self) -> float:
        """The two-sided p over all assignments of the values to the two sides.

        The distribution is counted, not sampled; where more values differ than can be counted, it is approximated:
        see `ganbench.statistics.rank_distribution`.
        """
        return rank_distribution.two_sided(self.few, self.counts, self.excess)

    @property
    def counted(self) -> bool:
        """Whether the distribution is counted, so that p is exact."""
        return rank_distribution.is_counted(self.counts)
