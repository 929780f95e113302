"""The ends, the scale and the ticks of an axis, the same for figures and for the charts of a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, inf, isfinite, log10

from ganbench.registry.contracts import ScoreKind

Bounds = tuple[float, float]
"""The smallest and the largest value that is possible."""
ANYTHING: Bounds = (-inf, inf)
INTERVALS = 5
"""A linear axis has at most this many intervals between ticks."""
STEPS, WHOLE_STEPS = (1, 2, 2.5, 5, 10), (1, 2, 5, 10)
MAX_LOG_TICKS = 5
LOG_DIGITS = ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))
"""Digits at which the decades of a logarithmic axis are labeled: the first row of which few enough are inside."""
LOG_COST_RATIO = 10.0
"""Costs are drawn on a logarithmic axis if the largest is more than this many times the smallest."""
COST_MARGIN = 0.3
"""Else this part of the largest cost lies on both sides, so that a difference of 1 % does not look like a large one."""


@dataclass(frozen=True)
class AxisRange:
    """An axis from `low` to `high`; `whole`: its values are counts, so that no tick is between two of them."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @cached_property
    def ticks(self) -> list[float]:
        """At least two round values within the axis, in rising order."""
        found = self._log_ticks() if self.log else []
        return found if len(found) > 1 else self._linear_ticks()

    def holds(self, value: float) -> bool:
        """Whether a value is within the axis."""
        return self.low <= value <= self.high

    def _linear_ticks(self) -> list[float]:
        """The multiples of the smallest round step that gives at most `INTERVALS` intervals."""
        rough = (self.high - self.low) / INTERVALS
        decade = 10.0 ** floor(log10(rough))
        digits = WHOLE_STEPS if self.whole else STEPS
        steps = [digit * decade * power for power in (0.1, 1, 10) for digit in digits[:-1]]
        largest = next(i for i, step in enumerate(steps) if step >= rough * (1 - 1e-9))
        enough = self.whole and floor(self.high) > ceil(self.low)
        found: list[float] = []
        for step in reversed(steps[: largest + 1]):
            found = self._multiples(max(1.0, step) if enough else step)
            if len(found) > 1:
                break
        return found

    def _multiples(self, step: float) -> list[float]:
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]

    def _log_ticks(self) -> list[float]:
        """Round values of each decade, as many as fit, so that an axis is seen to be logarithmic."""
        decades = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        inside: list[float] = []
        for digits in LOG_DIGITS:
            inside = [x for decade in decades for digit in digits if self.holds(x := digit * 10.0**decade)]
            if len(inside) <= MAX_LOG_TICKS:
                return inside
        return inside[:: ceil(len(inside) / MAX_LOG_TICKS)]


def possible(kind: ScoreKind, most: int | None = None) -> Bounds:
    """What a score of a kind can be: a share from 0 to 1, a count from 0 to the largest one if that is known."""
    return {"share": (0.0, 1.0), "count": (0.0, inf if most is None else float(most))}.get(kind, ANYTHING)


def axis_range(
    values: Iterable[float], log: bool = False, margin: float = 0.05, whole: bool = False, bounds: Bounds = ANYTHING
) -> AxisRange:
    """An axis that holds all finite values with a margin on both sides; from 0 to 1 if there are none.

    It is logarithmic only if all values are above 0. It does not go beyond what is possible by `bounds`, unless a
    value does.
    """
    known = [value for value in values if isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if log and known and low > 0:
        factor = (high / low) ** margin if high > low else 1.5
        return AxisRange(low / factor, high * factor, True)
    room = (high - low) * margin or abs(high) * 0.1 or 0.5
    least, most = min(low, bounds[0]), max(high, bounds[1])
    return AxisRange(max(low - room, least), min(high + room, most), whole=whole)


def cost_range(costs: Sequence[float]) -> AxisRange:
    """The axis of a cost: logarithmic if costs span more than a decade, else wide, and never below 0."""
    if not costs:
        return AxisRange(0, 1)
    low, high = min(costs), max(costs)
    if low > 0 and high > LOG_COST_RATIO * low:
        return axis_range(costs, True, 0.08)
    return AxisRange(max(0.0, low - COST_MARGIN * high), (1 + COST_MARGIN) * high or 1.0)


def is_whole(values: Sequence[float]) -> bool:
    """Whether values are counts."""
    return bool(values) and all(value == int(value) for value in values)
