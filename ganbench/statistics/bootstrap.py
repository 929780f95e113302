"""Aggregates scores over datasets: interquartile mean and probability of improvement, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganbench.statistics.significance import ALPHA

Array = NDArray[np.float64]
REPETITIONS = 50_000
PROFILE_REPETITIONS = 5_000
CHUNK = 2_000_000
"""Numbers in memory at a time."""
Interval = tuple[float, float, float]
Strata = Sequence[Sequence[float] | Array]


def normalized(value: float, floor: float, ceiling: float, scale: str = "linear") -> float:
    """A score's position between two references: 0 at the floor or beyond, 1 at the ceiling or beyond.

    On the `log` scale the logarithms are compared; a value that is not above 0 is beyond all that are. Raises
    `ValueError` if the references are equal, or not above 0 on a log scale.
    """
    if scale == "log":
        if min(floor, ceiling) <= 0:
            raise ValueError("a log scale requires references above 0")
        value, floor, ceiling = log(max(value, 1e-300)), log(floor), log(ceiling)
    if floor == ceiling:
        raise ValueError("the references are equal")
    return min(1.0, max(0.0, (value - floor) / (ceiling - floor)))


def interquartile_mean(values: Array) -> Array:
    """The mean of the middle half along the last axis; a quarter, rounded down, is cut at each end."""
    cut = values.shape[-1] // 4
    if not cut:
        return np.asarray(values.mean(axis=-1))
    ordered = np.partition(values, (cut, values.shape[-1] - cut - 1), axis=-1)
    return np.asarray(ordered[..., cut : values.shape[-1] - cut].mean(axis=-1))


def iqm(strata: Strata, seed: int = 0, repetitions: int = REPETITIONS) -> Interval:
    """Interquartile mean over all seeds of all datasets, and its 95 % interval (Agarwal et al. 2021).

    The interval is the percentile interval of a bootstrap that resamples seeds within each dataset. `strata` are the
    normalized scores (seeds,) of each dataset.
    """
    sides = [np.asarray(stratum, dtype=np.float64) for stratum in strata]
    stream = np.random.default_rng(seed)

    def some(count: int) -> Array:
        drawn = [side[stream.integers(len(side), size=(count, len(side)))] for side in sides]
        return interquartile_mean(np.concatenate(drawn, axis=1))

    found = float(interquartile_mean(np.concatenate(sides)))
    return (found, *_percentiles(some, sum(map(len, sides)), repetitions))


def improvement(a: Strata, b: Strata, seed: int = 0, repetitions: int = REPETITIONS) -> Interval:
    """Probability that a seed of a scores higher than one of b, and its 95 % interval; ties count half.

    The mean over datasets of U / (n m) (Mann and Whitney 1947; Agarwal et al. 2021). Higher values must be better, as
    those of normalized scores are.
    """
    wins = [_wins(np.asarray(x, np.float64), np.asarray(y, np.float64)) for x, y in zip(a, b, strict=True)]
    stream = np.random.default_rng(seed)

    def some(count: int) -> Array:
        means = []
        for table in wins:
            rows, columns = (_counts(stream.integers(n, size=(count, n))) for n in table.shape)
            means.append(((rows @ table) * columns).sum(axis=1) / table.size)
        return np.asarray(np.mean(means, axis=0))

    found = float(np.mean([table.mean() for table in wins]))
    return (found, *_percentiles(some, max(table.size for table in wins), repetitions))


class Profile(NamedTuple):
    """The share of seeds above each level, with the ends of its 95 % interval (levels,)."""

    share: Array
    low: Array
    high: Array


def profile(strata: Strata, levels: Array, seed: int = 0, repetitions: int = PROFILE_REPETITIONS) -> Profile:
    """The performance profile: the share of seeds whose score is above each level (Agarwal et al. 2021, section 4.2).

    The mean over datasets of each one's share. Intervals are pointwise percentile intervals of a bootstrap that
    resamples seeds within each dataset.
    """
    above = [np.asarray(stratum, np.float64)[:, None] > levels for stratum in strata]
    stream = np.random.default_rng(seed)
    drawn = np.zeros((repetitions, len(levels)))
    for own in above:
        counts = stream.multinomial(len(own), np.full(len(own), 1 / len(own)), size=repetitions)
        drawn += counts @ own / len(own) / len(above)
    low, high = np.quantile(drawn, [ALPHA / 2, 1 - ALPHA / 2], axis=0)
    return Profile(np.mean([own.mean(axis=0) for own in above], axis=0), low, high)


def _wins(a: Array, b: Array) -> Array:
    """(n, m): 1 where a's seed is above b's, 1/2 where they tie."""
    return np.asarray((a[:, None] > b) + 0.5 * (a[:, None] == b))


def _counts(drawn: NDArray[np.int64]) -> Array:
    """How often each of n seeds is among the n that are drawn (count, n), as floats for products of matrices."""
    count, n = drawn.shape
    places = drawn + n * np.arange(count)[:, None]
    return np.bincount(places.ravel(), minlength=count * n).reshape(count, n).astype(np.float64)


def _percentiles(some: Callable[[int], Array], width: int, repetitions: int) -> tuple[float, float]:
    """The middle 95 % of a statistic's repetitions, in chunks that limit the memory."""
    step = max(1, min(repetitions, CHUNK // width))
    counts = [min(step, repetitions - done) for done in range(0, repetitions, step)]
    low, high = np.quantile(np.concatenate([some(count) for count in counts]), [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)
