"""A chart's axis: from values to pixels, with round ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, isfinite, log10

from ganbench.formatting import number


@dataclass(frozen=True)
class Axis:
    """Values `low` to `high` on pixels `start` to `stop` (which may run downwards)."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False
    whole: bool = False
    """values are counts: no tick lies between two"""

    def at(self, value: float) -> float:
        """The pixel of a value, to a tenth; one outside lands on the edge."""
        return round(self.scale(value), 1)

    @cached_property
    def scale(self) -> Callable[[float], float]:
        """The pixel of a value within the axis' range, as a function."""
        low, high = (log10(self.low), log10(self.high)) if self.log else (self.low, self.high)
        start, slope = self.start, (self.stop - self.start) / (high - low)
        first, last = sorted((self.start, self.stop))
        if self.log:
            return lambda value: min(last, max(first, start + (log10(value) - low) * slope))
        return lambda value: min(last, max(first, start + (value - low) * slope))

    @cached_property
    def ticks(self) -> list[tuple[float, str]]:
        """Pixels and labels of round values within the axis, at most five."""
        found = self._log_ticks() if self.log else []
        return [(self.at(x), label(x)) for x in (found if len(found) > 1 else self._linear_ticks())]

    def _linear_ticks(self) -> list[float]:
        from matplotlib.ticker import MaxNLocator

        steps = [1, 2, 5, 10] if self.whole else [1, 2, 2.5, 5, 10]
        found = MaxNLocator(4, steps=steps, integer=self.whole).tick_values(self.low, self.high)
        return [float(x) for x in found if self.low <= x <= self.high]

    def _log_ticks(self) -> list[float]:
        """Round values of each decade, as many as fit, so that an axis is seen to be logarithmic."""
        decades = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        for digits in ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
            found = [digit * 10.0**decade for decade in decades for digit in digits]
            inside = [x for x in found if self.low <= x <= self.high]
            if len(inside) <= 5:
                return inside
        return inside[:: ceil(len(inside) / 5)]


def axis(
    values: Iterable[float], start: float, stop: float, log: bool = False, room: float = 0.05, whole: bool = False
) -> Axis:
    """An axis that holds all finite values with some room on both sides."""
    known = [value for value in values if isfinite(value)]
    log = log and bool(known) and min(known) > 0
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if log:
        spare = (high / low) ** room if high > low else 1.5
        return Axis(low / spare, high * spare, start, stop, True)
    spare = (high - low) * room or abs(high) * 0.1 or 0.5
    return Axis(low - spare, high + spare, start, stop, whole=whole)


def label(value: float) -> str:
    """A tick in as few characters as say it."""
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-3:
        return f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-")
    return f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{float(number(value)):g}"
