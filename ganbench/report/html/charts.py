"""Charts as lists of shapes, which a template draws as SVG: every dot is a link to its run, colors follow the theme.

What is shown comes from `ganbench.analysis.figure_data`, as for the figures that matplotlib draws.
The shapes are made here because a page's policy allows no styles inside an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

from ganbench.analysis.figure_data.axes import AxisRange, axis_range, cost_range, is_whole
from ganbench.analysis.figure_data.curves import Line, step_range
from ganbench.formatting import number, shortened
from ganbench.report.html.axes import PixelAxis
from ganbench.report.text.grid import ARROWS

WIDTH = 380
"""Pixels; the same on a phone and on a desktop."""
MAX_DOTTED = 12
"""A curve of at most this many values is also drawn as dots."""


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
    """(look, label, link)"""

    def add(self, kind: str, *at: float, look: str = "", text: str = "", href: str = "", path: str = "") -> None:
        self.shapes.append(Shape(kind, at, look, text, href, path))

    def add_x_axis(self, x: PixelAxis, bottom: float, top: float | None, name: str = "") -> None:
        """Add the ticks of the horizontal axis, with faint lines up to `top` if it is given."""
        for at, text in x.ticks:
            if top is not None:
                self.add("line", at, top, at, bottom, look="grid")
            self.add("text", at, bottom + 14, look="tick middle", text=text)
        if name:
            self.add("text", (x.start + x.stop) / 2, bottom + 30, look="name middle", text=name)

    def add_row_lines(self, x: PixelAxis, rows: Sequence[float], marks: Sequence[float]) -> None:
        """Add lines at the ticks and marks of the horizontal axis, in each row alone so that no text is crossed."""
        for look, places in (("grid", [at for at, _ in x.ticks]), ("mark", [x.at(value) for value in marks])):
            path = "".join(f"M{at} {y - 8}V{y + 8}" for y in rows for at in places)
            if path:
                self.add("path", look=look, path=path)

    def add_y_axis(self, y: PixelAxis, left: float, right: float) -> None:
        """Add the ticks of the vertical axis, with faint lines."""
        for at, text in y.ticks:
            self.add("line", left, at, right, at, look="grid")
            self.add("text", left - 5, at + 4, look="tick end", text=text)


class Point(NamedTuple):
    """A seed's value, its cost, and the link to its run."""

    value: float
    label: str
    href: str
    cost: float | None = None


class Group(NamedTuple):
    """A variant: mean, interval and points of its seeds; `color` is the number of its color in every chart.

    `failed` are its seeds without a value.
    """

    label: str
    mean: float | None
    low: float | None
    high: float | None
    points: Sequence[Point]
    beside: str = ""
    href: str = ""
    cost: float | None = None
    color: int = 0
    failed: Sequence[Point] = ()


def ranks_chart(
    name: str, better: str, groups: Sequence[Group], marks: Sequence[tuple[str, float]], shown: AxisRange
) -> Chart:
    """Means with intervals and every seed, one row per variant; `marks` are values to compare with.

    A mark outside the axis `shown` is named with its value, without a line. Failed seeds are crosses at the worse end
    of the axis.
    """
    step, top = 38, 18 if marks else 6
    bottom = top + step * len(groups)
    failed = ", × failed seeds" if any(group.failed for group in groups) else ""  # noqa: RUF001
    chart = Chart(f"{name} by variant{failed}", bottom + 36)
    x = PixelAxis(shown, 8, WIDTH - 12)
    rows = [top + step * i + 26 for i in range(len(groups))]
    chart.add_row_lines(x, rows, [value for _, value in marks if shown.holds(value)])
    chart.add_x_axis(x, bottom, None, _axis_label(name, better, shown.log))
    for text, value in marks:
        at = 8.0 if shown.log and value <= 0 else x.at(value)
        text = text if shown.holds(value) else f"{text} {number(value)} (off the axis)"
        chart.add("text", at, top - 6, look=f"tick {'end' if at > WIDTH * 0.6 else 'start'}", text=text)
    for y, group in zip(rows, groups, strict=True):
        for i, point in enumerate(group.failed):
            at = 13 + 9 * i if better == "higher" else WIDTH - 17 - 9 * i
            cross = f"M{at - 3} {y - 3}l6 6M{at - 3} {y + 3}l6 -6"
            chart.add("path", look="failed", path=cross, text=point.label, href=point.href)
        room = max(14, 56 - len(group.beside))  # characters beside each other on one line
        label = shortened(group.label, room - 1) if len(group.label) > room else group.label
        chart.add("text", 8, y - 12, look="label", text=label, href=group.href)
        chart.add("text", WIDTH - 12, y - 12, look="beside end", text=group.beside)
        for point, aside in zip(group.points, _offsets(group.points, x), strict=True):
            chart.add("dot", x.at(point.value), y + aside, 3, look="seed", text=f"{point.label}: {number(point.value)}",
                      href=point.href)  # fmt: skip
        if group.low is not None and group.high is not None and (not shown.log or group.low > 0):
            chart.add("line", x.at(group.low), y, x.at(group.high), y, look="interval")
        if group.mean is not None:
            chart.add("dot", x.at(group.mean), y, 4.5, look="mean", text=f"{group.label}: {number(group.mean)}",
                      href=group.href)  # fmt: skip
    return chart


def cost_chart(name: str, better: str, groups: Sequence[Group], cost: str, log: bool) -> Chart:
    """Quality against cost: a small dot per seed, a numbered one per variant's mean, explained by the legend."""
    chart = Chart(f"{name} against {cost}", 300)
    left, right, top, bottom = 46, WIDTH - 12, 20, 258
    costs = [c for g in groups for c in (g.cost, *(p.cost for p in g.points)) if c]
    x = PixelAxis(cost_range(costs), left + 6, right)
    values = [v for g in groups for v in (g.mean, *(p.value for p in g.points)) if v is not None]
    whole = is_whole([p.value for g in groups for p in g.points])
    y = PixelAxis(axis_range(values, log, 0.08, whole), bottom - 6, top)
    chart.add_x_axis(x, bottom, top, f"{cost}, log scale" if x.shown.log else cost)
    chart.add_y_axis(y, left, right)
    chart.add("text", 4, 11, look="name", text=_axis_label(name, better, log))
    for group in groups:
        for point in group.points:
            if point.cost:
                at = x.at(point.cost), y.at(point.value)
                chart.add(
                    "dot", *at, 2.5, look=f"seed {look(group.color)}", text=_tooltip(group, point), href=point.href
                )
    for i, group in enumerate(groups):
        if group.mean is not None and group.cost:
            text = f"{group.label}: {number(group.mean)}, {number(group.cost)} {cost}"
            at = x.at(group.cost), y.at(group.mean)
            chart.add("dot", *at, 8.5, look=f"number {look(group.color)}", text=text, href=group.href)
            chart.add("text", at[0], at[1] + 3.5, look="inside middle", text=str(i + 1))
    chart.legend = [(look(group.color), f"{group.label}{_absent(group)}", group.href) for group in groups]
    return chart


def _axis_label(name: str, better: str, log: bool) -> str:
    """The label of a score's axis: its name, the direction that is better, and whether it is logarithmic."""
    return f"{name} {ARROWS.get(better, '')}".strip() + (", log scale" if log else "")


def _offsets(points: Sequence[Point], x: PixelAxis) -> list[float]:
    """Pixels up or down for each seed, so that seeds of one value do not hide each other."""
    places = [round(x.at(point.value) / 4) for point in points]
    found = []
    for i, place in enumerate(places):
        same, before = places.count(place), places[:i].count(place)
        found.append(round((before - (same - 1) / 2) * min(3.5, 14 / max(1, same)), 1))
    return found


def _absent(group: Group) -> str:
    return "" if group.mean is not None else " (no seed finished)"


def _tooltip(group: Group, point: Point) -> str:
    return f"{group.label}, {point.label}: {number(point.value)}"


def look(i: int) -> str:
    """The color of the i-th series; after eight they repeat, distinguished by their numbers."""
    return f"s{i % 8}"


def curves_chart(
    name: str, lines: Sequence[Line], steps: int, log: bool = False, since: Sequence[int] = (),
    levels: Sequence[float] = (),
) -> Chart:  # fmt: skip
    """Values over the steps of training; `since` marks the steps at which findings of the diagnosis begin.

    `levels` are values to compare with. A curve of few values is drawn as dots too.
    """
    chart = Chart(name, 178)
    left, right, top, bottom = 46, WIDTH - 12, 10, 146
    x = PixelAxis(step_range(steps), left, right)
    known = [v for line in lines for v in line.values if isfinite(v) and (v > 0 or not log)]
    marks = [level for level in levels if level > 0 or not log]
    whole = len(known) <= MAX_DOTTED and is_whole(known)
    y = PixelAxis(axis_range([*known, *marks], log, whole=whole), bottom, top)
    chart.add_y_axis(y, left, right)
    for level in marks:
        chart.add("line", left, y.at(level), right, y.at(level), look="mark")
    chart.add_x_axis(x, bottom, top)
    chart.add("text", (left + right) / 2, bottom + 29, look="name middle", text="step")
    for step in since:
        chart.add("line", x.at(step), top, x.at(step), bottom, look="found", text=f"since step {step}")
    for i, line in enumerate(lines):
        chart.add("path", look=f"curve {look(i)}", path=_path(x, y, line), text=line.label)
        there = [(s, v) for s, v in zip(line.steps, line.values, strict=True) if isfinite(v) and (v > 0 or not log)]
        for at, v in there if len(there) <= MAX_DOTTED else ():
            chart.add("dot", x.at(at), y.at(v), 2.5, look=f"seed {look(i)}", text=f"step {at:g}: {number(v)}")
    chart.legend = [(look(i), line.label, "") for i, line in enumerate(lines)] if len(lines) > 1 else []
    return chart


def _path(x: PixelAxis, y: PixelAxis, line: Line) -> str:
    """A path that breaks at missing values; a lone value is a point."""
    parts, pen = [], "M"
    across, up = x.scale, y.scale  # most of the time of a report is spent here
    for step, value in zip(line.steps, line.values, strict=True):
        if not isfinite(value) or (y.shown.log and value <= 0):
            pen = "M"
            continue
        parts.append(f"{pen}{across(step):.1f} {up(value):.1f}")
        pen = "L"
    return "".join(parts) + ("h0" if len(parts) == 1 else "")


def histogram_chart(name: str, counts: Sequence[int], real: Sequence[float] | None) -> Chart:
    """Samples per mode or class as bars; `real` are the counts of as many real samples, a mark across each bar."""
    chart = Chart(name, 170)
    left, right, top, bottom = 46, WIDTH - 12, 10, 138
    most = max([*counts, *(real or []), 1])
    y = PixelAxis(AxisRange(0, most * 1.08), bottom, top)
    chart.add_y_axis(y, left, right)
    width = (right - left) / max(1, len(counts))
    for i, count in enumerate(counts):
        begin = left + i * width
        height = round(bottom - y.at(count), 1)
        expected = f", {real[i]:,.0f} of as many real samples" if real else ""
        chart.add("bar", round(begin + width * 0.12, 1), y.at(count), round(width * 0.76, 1), height, look="bar",
                  text=f"{i}: {count:,} samples{expected}")  # fmt: skip
        if real:
            at = y.at(real[i])
            chart.add("line", round(begin, 1), at, round(begin + width, 1), at, look="expected")
        if len(counts) <= 12 or i % 5 == 0:
            chart.add("text", round(begin + width / 2, 1), bottom + 14, look="tick middle", text=str(i))
    chart.add("line", left, bottom, right, bottom, look="base")
    return chart


def diagnosis_chart(findings: Sequence[tuple[str, int, bool]], steps: int) -> Chart:
    """The findings of the diagnosis, one bar each from the step at which it begins to the end."""
    chart = Chart("diagnosis over the steps", 24 * len(findings) + 40)
    left, right, bottom = 8, WIDTH - 12, 24 * len(findings) + 6
    x = PixelAxis(step_range(steps), left, right)
    chart.add_x_axis(x, bottom, 4, "step")
    for i, (flag, since, fault) in enumerate(findings):
        y = 6 + 24 * i
        kind = "fault" if fault else "note"
        chart.add("bar", x.at(since), y, max(2.0, right - x.at(since)), 18, look=kind, text=f"{flag} since {since}")
        end = x.at(since) > WIDTH / 2
        look_ = f"label plain {'end' if end else 'start'}"
        chart.add("text", x.at(since) + (-5 if end else 6), y + 13, look=look_, text=flag)
    return chart
