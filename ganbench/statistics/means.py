"""The one rule for means: the exact sum, rounded once, divided by the number of values.

The built-in `sum` of floats is compensated since Python 3.12 and is not before, so that it gives other last
digits on other versions. `math.fsum` gives the same on all.
"""

from __future__ import annotations

from collections.abc import Collection
from math import exp, fsum, log


def mean(values: Collection[float]) -> float:
    """The arithmetic mean. Raises `ZeroDivisionError` for no values."""
    try:
        return fsum(values) / len(values)
    except OverflowError:  # the sum is too large for a float; the mean need not be
        return fsum(value / len(values) for value in values)


def geometric_mean(values: Collection[float]) -> float:
    """The geometric mean of values above 0. Raises `ValueError` for others."""
    return exp(mean([log(value) for value in values]))
