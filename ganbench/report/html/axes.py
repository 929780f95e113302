"""An axis of a chart in pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import log10

from ganbench.analysis.figure_data.axes import AxisRange
from ganbench.formatting import tick


@dataclass(frozen=True)
class PixelAxis:
    """An axis drawn from pixel `start` to pixel `stop`, which may be the smaller one."""

    shown: AxisRange
    start: float
    stop: float

    def at(self, value: float) -> float:
        """The pixel of a value, to a tenth; a value outside is at the edge."""
        return round(self.scale(value), 1)

    @cached_property
    def scale(self) -> Callable[[float], float]:
        """The pixel of a value, as a function."""
        shown = self.shown
        low, high = (log10(shown.low), log10(shown.high)) if shown.log else (shown.low, shown.high)
        start, slope = self.start, (self.stop - self.start) / (high - low)
        first, last = sorted((self.start, self.stop))
        if shown.log:
            return lambda value: min(last, max(first, start + (log10(value) - low) * slope))
        return lambda value: min(last, max(first, start + (value - low) * slope))

    @cached_property
    def ticks(self) -> list[tuple[float, str]]:
        """Pixels and labels of the ticks."""
        return [(self.at(value), tick(value)) for value in self.shown.ticks]
