"""What may be said of two variants: the one rule that every table, sentence and plot reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganbench.statistics.differences import (
    BY_RANKS,
    MIN_SEEDS,
    Difference,
    Measure,
    Sample,
    claimable,
    compare,
    detectable,
    equal,
)
from ganbench.statistics.significance import ALPHA

Claim = Literal["better", "worse", "equal", "inconclusive", "too few seeds", "no variation", "exploratory"]
"""What is said of a against b. `exploratory`: the score or the pair is in no family, so nothing is claimed."""


@dataclass(frozen=True)
class Judgment:
    """The comparison of a with b as one of a family of `m`, corrected by Bonferroni.

    `difference` has an interval of level 1 - .05 / m, which excludes "none" exactly if a is claimed to be better or
    worse. It is None if there are too few seeds or the score does not vary. `detectable` is the difference (a factor
    if the difference is a ratio) that these seeds find with 80 % power, for an inconclusive comparison where it is
    known. `hopeless`: so many seeds of counts can reach no claim, whatever their values. `within`: the difference is
    shown to lie within the margin, which can also be true of one that is claimed.
    """

    claim: Claim
    difference: Difference | None = None
    m: int = 1
    detectable: float | None = None
    hopeless: bool = False
    within: bool = False

    @property
    def p(self) -> float | None:
        """The two-sided p of this comparison alone."""
        return None if self.difference is None else self.difference.p

    @property
    def p_adjusted(self) -> float | None:
        """p times the number of comparisons, at most 1; a difference is claimed if it is below .05."""
        return None if self.difference is None else min(1.0, self.difference.p * self.m)

    @property
    def level(self) -> float:
        """The confidence level of the difference's interval."""
        return level(self.m)

    @property
    def turned(self) -> Judgment:
        """The same comparison seen from b."""
        swapped: dict[Claim, Claim] = {"better": "worse", "worse": "better"}
        return Judgment(
            swapped.get(self.claim, self.claim),
            None if self.difference is None else _turned(self.difference),
            self.m, self.detectable, self.hopeless, self.within,
        )  # fmt: skip


def level(m: int) -> float:
    """The level of the intervals of a family of `m` comparisons, by which all of them hold together at 95 %."""
    return 1 - ALPHA / max(1, m)


def _turned(found: Difference) -> Difference:
    def back(value: float | None) -> float | None:
        if value is None:
            return None
        return 1 / value if found.ratio else 0.0 - value

    return found._replace(
        value=back(found.value), low=back(found.high), high=back(found.low), a_better=not found.a_better
    )


def decide(a: Sample, b: Sample, measure: Measure, m: int) -> Judgment:
    """What may be said of a against b as one of `m` comparisons.

    Better or worse is claimed if p m < .05; equal, if that is not so and the whole interval lies within the margin of
    the measure; nothing is claimed with fewer than `MIN_SEEDS` seeds on a side.
    """
    m = max(1, m)
    found = compare(a, b, measure, level(m))
    if found is None:
        return Judgment("too few seeds", m=m)
    within = equal(a, b, measure, found, level(m))
    if found.p * m < ALPHA:
        return Judgment("better" if found.a_better else "worse", found, m, within=within)
    if within:
        return Judgment("equal", found, m, within=True)
    hopeless = found.test in BY_RANKS and not claimable(a, b, ALPHA / m)
    return Judgment("inconclusive", found, m, detectable(a, b, measure, ALPHA / m), hopeless)


def explore(a: Sample, b: Sample, measure: Measure) -> Judgment:
    """The difference with its own 95 % interval, without any claim."""
    found = compare(a, b, measure)
    return Judgment("too few seeds") if found is None else Judgment("exploratory", found)


def enough(*samples: Sample) -> bool:
    """Whether every variant has the seeds that a claim needs."""
    return all(sample.size >= MIN_SEEDS for sample in samples)
