"""The expected best of k random draws, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganbench import seeding
from ganbench.statistics.significance import CONFIDENCE

RESAMPLES = 2000
Floats = NDArray[np.float64]


def weights(count: int) -> Floats:
    """(count, count): in row k - 1 and column i the probability that the i-th best draw is the best of k of them.

    All subsets of k draws are equally likely, so it is C(count - 1 - i, k - 1) / C(count, k), with i from 0.
    """
    k = np.arange(1, count + 1)[:, None]
    i = np.arange(count - 1)[None, :]
    ratios = np.maximum(count - k - i, 0) / (count - 1 - i)  # of one column to the one before
    return np.cumprod(np.concatenate([k / count, ratios], axis=1), axis=1)


def expected_best(choose_by: Sequence[float], better: str, report: Sequence[float] | None = None) -> list[float]:
    """The exact expected score of the best of k draws out of all n, for k = 1 to n, without replacement.

    Lucic et al. 2018 ("Are GANs created equal?") sample such subsets; this is the mean over all of them. The best draw
    is chosen by `choose_by`; `report`, if given, holds the values to report for each draw (ties report their mean).
    """
    sign = -1 if better == "higher" else 1
    keys = sign * np.asarray(choose_by, dtype=np.float64)
    reported = np.asarray(choose_by if report is None else report, dtype=np.float64)
    shared = np.array([reported[keys == key].mean() for key in keys])
    return [float(value) for value in weights(len(keys)) @ shared[np.argsort(keys, kind="stable")]]


def intervals(values: Sequence[float], better: str) -> list[tuple[float, float]]:
    """95 % bootstrap intervals of `expected_best` over draws, for k = 1 to n, from a fixed random stream.

    Near k = n they are too short: no resample has a better draw than the best one observed.
    """
    count = len(values)
    generator = np.random.default_rng(seeding.number(count, "search/bootstrap"))
    picked = np.asarray(values, dtype=np.float64)[generator.integers(count, size=(RESAMPLES, count))]
    ordered = np.sort(picked, axis=1)[:, :: -1 if better == "higher" else 1]
    ends = np.quantile(ordered @ weights(count).T, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return [(float(low), float(high)) for low, high in ends.T]
