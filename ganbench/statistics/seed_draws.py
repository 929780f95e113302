"""What a comparison by a few seeds says, over all draws of so many seeds of runs that have many."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganbench.statistics.differences import Measure, Sample

EXACT = 10_000
"""Up to so many draws of seeds all of them are taken, else `DRAWN` random ones."""
DRAWN = 20_000
Values = NDArray[np.float64]


def oriented(sample: Sample, measure: Measure) -> Values:
    """The seeds of a variant so that more is better, on logarithms where differences are; a failed seed is -inf."""
    own = np.array([sample.values[seed] for seed in sorted(sample.values)], dtype=np.float64)
    own = np.log(own) if measure.logs else own
    return np.concatenate((own if measure.better == "higher" else -own, np.full(sample.failed, -np.inf)))


@cache
def _draws(n: int, k: int, seed: int) -> NDArray[np.intp]:
    """The draws of k of n seeds without replacement, (draws, k)."""
    count = comb(n, k)
    if count <= EXACT:
        flat = (index for one in combinations(range(n), k) for index in one)
        return np.fromiter(flat, dtype=np.intp, count=count * k).reshape(count, k)
    return _random(n, k, seed)


@cache
def _random(n: int, k: int, seed: int) -> NDArray[np.intp]:
    """`DRAWN` random draws of k of n seeds without replacement, in random order."""
    keys = np.random.default_rng([seed, n, k]).random((DRAWN, n))
    return np.argsort(keys, axis=1)[:, :k].copy()


def ranked(variants: Sequence[Values], k: int) -> list[Values]:
    """The variants with a value for each failed seed by which sums of k seeds are compared.

    It is so low that a draw with more failed seeds is worse than any with fewer; with equally many, the sum of the
    other seeds decides.
    """
    known = np.concatenate([own[np.isfinite(own)] for own in variants])
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    worst = low - (k * (high - low) or 1.0)
    return [np.where(np.isfinite(own), own, worst) for own in variants]


def sums(values: Values, k: int, seed: int = 0) -> Values:
    """The sums of k of the values, of every draw or of `DRAWN` random ones."""
    found: Values = values[_draws(len(values), k, seed)].sum(axis=1)
    return found


class Winners(NamedTuple):
    """How often the mean of k seeds is above that of k seeds of the other variant; in the rest both are equal."""

    first: float
    second: float


def winners(a: Values, b: Values, k: int, seed: int = 0) -> Winners:
    """How often the mean of k seeds of one variant, and how often that of the other, is the better one.

    Every draw of one side meets every draw of the other. Equal means name no winner. More failed seeds are worse than
    fewer.
    """
    a, b = ranked((a, b), k)
    ours, theirs = sums(a, k, seed), np.sort(sums(b, k, seed + 1))
    below = np.searchsorted(theirs, ours, side="left")
    above = len(theirs) - np.searchsorted(theirs, ours, side="right")
    pairs = len(ours) * len(theirs)
    return Winners(int(below.sum()) / pairs, int(above.sum()) / pairs)


def apart(values: Values, k: int, seed: int = 0) -> Values:
    """The absolute differences of the means of two disjoint draws of k of one variant's finite values."""
    own = values[np.isfinite(values)]
    if 2 * k > len(own):
        return np.empty(0)
    if k == 1:
        first, second = np.triu_indices(len(own), 1)
        found: Values = np.abs(own[first] - own[second])
        return found
    drawn = own[_random(len(own), 2 * k, seed)]
    gap: Values = np.abs(drawn[:, :k].mean(axis=1) - drawn[:, k:].mean(axis=1))
    return gap


def first_share(variants: Sequence[Values], counted: Sequence[bool], k: int, seed: int = 0) -> float:
    """How often one of the `counted` variants has the best mean, if k seeds of each are drawn; ties are shared."""
    drawn = [own[_random(len(own), k, seed + at)].sum(axis=1) for at, own in enumerate(ranked(variants, k))]
    means = np.stack(drawn)
    best = means == means.max(axis=0)
    return float((best[np.array(counted)].sum(axis=0) / best.sum(axis=0)).mean())
