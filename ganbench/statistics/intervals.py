"""The mean of a few seeds and its interval, by the kind of the score.

Kinds: a `count` is shown with its range; an interval of a `share` ends at 0 and 1; a `log` score is averaged on
logarithms, so that its mean is the geometric one; a `linear` score has an ordinary mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, log, sqrt
from typing import Literal, NamedTuple

from ganbench.statistics.differences import MIN_SEEDS
from ganbench.statistics.means import geometric_mean, mean
from ganbench.statistics.significance import CONFIDENCE, moments, quantile, rounding

LARGEST = 700
"""The largest logarithm whose value is a float."""
Kind = Literal["count", "share", "log", "linear"]


class Summary(NamedTuple):
    """A mean, and the ends of its interval, which are None where there is none."""

    mean: float
    low: float | None
    high: float | None


def usable_kind(kind: Kind, values: Iterable[float]) -> Kind:
    """The kind as which a column of values is averaged and compared.

    It is `linear` instead of `log` if a value is not above 0, and instead of `share` if one is outside 0 to 1.
    """
    known = list(values)
    off = kind == "log" and min(known, default=1.0) <= 0
    off |= kind == "share" and not 0 <= min(known, default=0.0) <= max(known, default=0.0) <= 1
    return "linear" if off else kind


def varies(values: Sequence[float]) -> bool:
    """Whether values differ by more than rounding."""
    return len(values) > 1 and moments(values)[1] > rounding(values)


def summary(values: Sequence[float], kind: Kind = "linear", level: float = CONFIDENCE) -> Summary:
    """The mean of seeds and its interval by Student's t.

    There is no interval for fewer than `MIN_SEEDS` values, for values that do not vary (its width would be 0, which
    claims certainty), and for counts (few values, often equal: t intervals cover them badly); their range is to be
    shown instead. The mean of a `log` score is geometric and its interval that of the logarithms. The interval of a
    `share` is cut at 0 and 1. Raises `ValueError` for no values.
    """
    if not values:
        raise ValueError("no values")
    kind = usable_kind(kind, values)
    center = mean_of(values, kind)
    if len(values) < MIN_SEEDS or kind == "count" or not varies(values):
        return Summary(center, None, None)
    scaled = [log(value) for value in values] if kind == "log" else values
    middle, part = moments(scaled)
    half = quantile(len(values) - 1, level) * sqrt(part)
    low, high = middle - half, middle + half
    if kind == "log":
        return Summary(center, min(exp(low), center), max(exp(min(high, LARGEST)), center))
    return Summary(center, max(0.0, low), min(1.0, high)) if kind == "share" else Summary(center, low, high)


def mean_of(values: Sequence[float], kind: Kind) -> float:
    """The geometric mean of a `log` score, otherwise the arithmetic mean; it is never outside the values."""
    center = geometric_mean(values) if usable_kind(kind, values) == "log" else mean(values)
    return min(max(center, min(values)), max(values))  # the logarithm and its inverse round
