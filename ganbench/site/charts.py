"""Charts as lists of shapes, which a template draws as SVG: every dot leads to its run, colours follow the theme.

matplotlib draws the plots for papers (`ganbench.plots`). Here a chart is drawn for every run of a
suite, its dots are links, and a page's policy allows no styles inside an image, so that these few
shapes are made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

from ganbench.formats.text import ARROWS
from ganbench.numbers import number
from ganbench.site.axes import Axis, axis

WIDTH = 380
"""Pixels; a phone shows it as large as a desk does."""
APART = 0.3
"""So much of the largest cost lies on both sides of the costs."""


class Shape(NamedTuple):
    """`kind`: line (x, y, x2, y2), dot (x, y, radius), bar (x, y, width, height), path or text at (x, y)."""

    kind: str
    at: tuple[float, ...]
    look: str = ""
    text: str = ""
    href: str = ""
    path: str = ""


@dataclass
class Chart:
    """A drawing of `WIDTH` by `height` pixels; `name` says what it shows."""

    name: str
    height: int
    shapes: list[Shape] = field(default_factory=list)
    legend: list[tuple[str, str, str]] = field(default_factory=list)
    """(look, label, where it leads)"""

    def add(self, kind: str, *at: float, look: str = "", text: str = "", href: str = "", path: str = "") -> None:
        self.shapes.append(Shape(kind, at, look, text, href, path))

    def across(self, x: Axis, bottom: float, top: float, name: str = "") -> None:
        """Ticks of the horizontal axis with faint lines up to `top`."""
        for at, text in x.ticks:
            self.add("line", at, top, at, bottom, look="grid")
            self.add("text", at, bottom + 14, look="tick middle", text=text)
        if name:
            self.add("text", (x.start + x.stop) / 2, bottom + 30, look="name middle", text=name)

    def up(self, y: Axis, left: float, right: float) -> None:
        for at, text in y.ticks:
            self.add("line", left, at, right, at, look="grid")
            self.add("text", left - 5, at + 4, look="tick end", text=text)


class Point(NamedTuple):
    """A seed's value, and where it leads."""

    value: float
    label: str
    href: str
    cost: float | None = None


class Group(NamedTuple):
    """A variant: mean, interval and points of its seeds."""

    label: str
    mean: float | None
    low: float | None
    high: float | None
    points: Sequence[Point]
    beside: str = ""
    href: str = ""
    cost: float | None = None


def ranks(name: str, better: str, groups: Sequence[Group], marks: Sequence[tuple[str, float]], log: bool) -> Chart:
    """Means with intervals and every seed, a line a variant; `marks` are values to compare with, real data say."""
    step, top = 36, 18 if marks else 6
    bottom = top + step * len(groups)
    chart = Chart(f"{name} by variant", bottom + 36)
    ends = [end for g in groups for end in (g.low, g.high) if end is not None and (end > 0 or not log)]
    values = [v for g in groups for v in (g.mean, *(p.value for p in g.points)) if v is not None]
    x = axis([*values, *(v for _, v in marks), *ends], 8, WIDTH - 12, log)
    chart.across(x, bottom, top, f"{name} {ARROWS.get(better, '')}")
    for text, value in marks:
        chart.add("line", x.at(value), top, x.at(value), bottom, look="mark")
        anchor = "end" if x.at(value) > WIDTH * 0.6 else "start"
        chart.add("text", x.at(value), top - 6, look=f"tick {anchor}", text=text)
    for i, group in enumerate(groups):
        y = top + step * i + 25
        room = max(14, 56 - len(group.beside))  # characters beside each other on one line
        chart.add("text", 8, y - 11, look="label", text=_short(group.label, room), href=group.href)
        chart.add("text", WIDTH - 12, y - 11, look="beside end", text=group.beside)
        for point in group.points:
            chart.add("dot", x.at(point.value), y, 3, look="seed", text=f"{point.label}: {number(point.value)}",
                      href=point.href)  # fmt: skip
        if group.low is not None and group.high is not None and (not log or group.low > 0):
            chart.add("line", x.at(group.low), y, x.at(group.high), y, look="interval")
        if group.mean is not None:
            chart.add("dot", x.at(group.mean), y, 4.5, look="mean", text=f"{group.label}: {number(group.mean)}",
                      href=group.href)  # fmt: skip
    return chart


def scatter(name: str, better: str, groups: Sequence[Group], cost: str, log: bool) -> Chart:
    """Quality against cost: a small dot a seed, a numbered one a variant's mean, as its legend says."""
    chart = Chart(f"{name} against {cost}", 300)
    left, right, top, bottom = 46, WIDTH - 12, 20, 258
    costs = [c for g in groups for c in (g.cost, *(p.cost for p in g.points)) if c]
    wide = bool(costs) and max(costs) > 10 * min(costs)
    if costs and not wide:  # a hundredth more must not look dear
        costs += [max(0.0, min(costs) - APART * max(costs)), (1 + APART) * max(costs)]
    x = axis(costs, left + 6, right, wide, 0.0 if costs and not wide else 0.08)
    values = [v for g in groups for v in (g.mean, *(p.value for p in g.points)) if v is not None]
    y = axis(values, bottom - 6, top, log, 0.08)
    chart.across(x, bottom, top, cost)
    chart.up(y, left, right)
    chart.add("text", 4, 11, look="name", text=f"{name} {ARROWS.get(better, '')}")
    for i, group in enumerate(groups):
        for point in group.points:
            if point.cost:
                at = x.at(point.cost), y.at(point.value)
                chart.add("dot", *at, 2.5, look=f"seed {look(i)}", text=_said(group, point), href=point.href)
    for i, group in enumerate(groups):
        if group.mean is not None and group.cost:
            text = f"{group.label}: {number(group.mean)}, {number(group.cost)} {cost}"
            at = x.at(group.cost), y.at(group.mean)
            chart.add("dot", *at, 8.5, look=f"number {look(i)}", text=text, href=group.href)
            chart.add("text", at[0], at[1] + 3.5, look="inside middle", text=str(i + 1))
    chart.legend = [(look(i), group.label, group.href) for i, group in enumerate(groups)]
    return chart


def _said(group: Group, point: Point) -> str:
    return f"{group.label}, {point.label}: {number(point.value)}"


def look(i: int) -> str:
    """The colour of the i-th series; after eight they come again, told apart by their numbers."""
    return f"s{i % 8}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


Line = tuple[str, Sequence[float], Sequence[float]]
"""Name, steps, values; a value that does not exist is NaN."""


def curves(name: str, lines: Sequence[Line], steps: int, log: bool = False, since: Sequence[int] = ()) -> Chart:
    """Signals over the steps of a training; `since` marks where the diagnosis begins to find something."""
    chart = Chart(name, 178)
    left, right, top, bottom = 46, WIDTH - 12, 10, 146
    x = Axis(0, max(steps, 1), left, right)
    known = [v for _, _, values in lines for v in values if isfinite(v) and (v > 0 or not log)]
    y = axis(known, bottom, top, log)
    chart.up(y, left, right)
    chart.across(x, bottom, top)
    chart.add("text", (left + right) / 2, bottom + 29, look="name middle", text="step")
    for step in since:
        chart.add("line", x.at(step), top, x.at(step), bottom, look="found", text=f"since step {step}")
    for i, (label, at, values) in enumerate(lines):
        chart.add("path", look=f"curve {look(i)}", path=_path(x, y, at, values), text=label)
    chart.legend = [(look(i), label, "") for i, (label, _, _) in enumerate(lines)] if len(lines) > 1 else []
    return chart


def _path(x: Axis, y: Axis, at: Sequence[float], values: Sequence[float]) -> str:
    """A path that breaks where a value does not exist; a lone value is a point."""
    parts, pen = [], "M"
    across, up = x.scale, y.scale  # of all that a report draws, these are the most
    for step, value in zip(at, values, strict=True):
        if not isfinite(value) or (y.log and value <= 0):
            pen = "M"
            continue
        parts.append(f"{pen}{across(step):.1f} {up(value):.1f}")
        pen = "L"
    return "".join(parts) + ("h0" if len(parts) == 1 else "")


def bars(name: str, counts: Sequence[int], real: Sequence[float] | None) -> Chart:
    """Samples a mode or class as bars; `real` is what the real data would give, a mark across each."""
    chart = Chart(name, 170)
    left, right, top, bottom = 46, WIDTH - 12, 10, 138
    most = max([*counts, *(real or []), 1])
    y = Axis(0, most * 1.08, bottom, top)
    chart.up(y, left, right)
    width = (right - left) / max(1, len(counts))
    for i, count in enumerate(counts):
        begin = left + i * width
        height = round(bottom - y.at(count), 1)
        expected = f", {real[i]:,.0f} of as many real ones" if real else ""
        chart.add("bar", round(begin + width * 0.12, 1), y.at(count), round(width * 0.76, 1), height, look="bar",
                  text=f"{i}: {count:,} samples{expected}")  # fmt: skip
        if real:
            at = y.at(real[i])
            chart.add("line", round(begin, 1), at, round(begin + width, 1), at, look="expected")
        if len(counts) <= 12 or i % 5 == 0:
            chart.add("text", round(begin + width / 2, 1), bottom + 14, look="tick middle", text=str(i))
    chart.add("line", left, bottom, right, bottom, look="base")
    return chart


def timeline(findings: Sequence[tuple[str, int, bool]], steps: int) -> Chart:
    """What the diagnosis found, a bar each from the step since when to the end."""
    chart = Chart("diagnosis over the steps", 24 * len(findings) + 40)
    left, right, bottom = 8, WIDTH - 12, 24 * len(findings) + 6
    x = Axis(0, max(steps, 1), left, right)
    chart.across(x, bottom, 4, "step")
    for i, (flag, since, fault) in enumerate(findings):
        y = 6 + 24 * i
        kind = "fault" if fault else "note"
        chart.add("bar", x.at(since), y, max(2.0, right - x.at(since)), 18, look=kind, text=f"{flag} since {since}")
        end = x.at(since) > WIDTH / 2
        look_ = f"label plain {'end' if end else 'start'}"
        chart.add("text", x.at(since) + (-5 if end else 6), y + 13, look=look_, text=flag)
    return chart
