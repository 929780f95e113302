"""Charts as lists of shapes, which a template draws as SVG: every dot leads to its run, colours follow the theme.

matplotlib draws the plots for papers (`ganbench.report.plots.suite_plots`). Here a chart is drawn for every run of a
suite, its dots are links, and a page's policy allows no styles inside an image, so that these few
shapes are made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

from ganbench.formatting import number
from ganbench.report.html.axes import Axis, axis
from ganbench.report.text.grid import ARROWS

WIDTH = 380
"""Pixels; a phone shows it as large as a desk does."""
DOTTED = 12
"""Values of a curve that are also drawn one by one."""
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

    def across(self, x: Axis, bottom: float, top: float | None, name: str = "") -> None:
        """Ticks of the horizontal axis, with faint lines up to `top` where it is given."""
        for at, text in x.ticks:
            if top is not None:
                self.add("line", at, top, at, bottom, look="grid")
            self.add("text", at, bottom + 14, look="tick middle", text=text)
        if name:
            self.add("text", (x.start + x.stop) / 2, bottom + 30, look="name middle", text=name)

    def bands(self, x: Axis, rows: Sequence[float], marks: Sequence[float]) -> None:
        """Lines at the ticks and marks of the horizontal axis in each row alone, so that no text is crossed."""
        for look, places in (("grid", [at for at, _ in x.ticks]), ("mark", [x.at(value) for value in marks])):
            path = "".join(f"M{at} {y - 8}V{y + 8}" for y in rows for at in places)
            if path:
                self.add("path", look=look, path=path)

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
    """A variant: mean, interval and points of its seeds; `colour` is the number of its colour in every chart."""

    label: str
    mean: float | None
    low: float | None
    high: float | None
    points: Sequence[Point]
    beside: str = ""
    href: str = ""
    cost: float | None = None
    colour: int = 0


def ranks(name: str, better: str, groups: Sequence[Group], marks: Sequence[tuple[str, float]], log: bool) -> Chart:
    """Means with intervals and every seed, a line a variant; `marks` are values to compare with, real data say."""
    step, top = 38, 18 if marks else 6
    bottom = top + step * len(groups)
    chart = Chart(f"{name} by variant", bottom + 36)
    ends = [end for g in groups for end in (g.low, g.high) if end is not None and (end > 0 or not log)]
    points = [p.value for g in groups for p in g.points]
    values = [*points, *(g.mean for g in groups if g.mean is not None)]
    x = axis([*values, *(v for _, v in marks), *ends], 8, WIDTH - 12, log, whole=_whole(points))
    rows = [top + step * i + 26 for i in range(len(groups))]
    chart.bands(x, rows, [value for _, value in marks])
    chart.across(x, bottom, None, _named(name, better, log))
    for text, value in marks:
        anchor = "end" if x.at(value) > WIDTH * 0.6 else "start"
        chart.add("text", x.at(value), top - 6, look=f"tick {anchor}", text=text)
    for y, group in zip(rows, groups, strict=True):
        room = max(14, 56 - len(group.beside))  # characters beside each other on one line
        chart.add("text", 8, y - 12, look="label", text=_short(group.label, room), href=group.href)
        chart.add("text", WIDTH - 12, y - 12, look="beside end", text=group.beside)
        for point, aside in zip(group.points, _apart(group.points, x), strict=True):
            chart.add("dot", x.at(point.value), y + aside, 3, look="seed", text=f"{point.label}: {number(point.value)}",
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
    x = _cost_axis(costs, left + 6, right)
    values = [v for g in groups for v in (g.mean, *(p.value for p in g.points)) if v is not None]
    y = axis(values, bottom - 6, top, log, 0.08, _whole([p.value for g in groups for p in g.points]))
    chart.across(x, bottom, top, f"{cost}, log scale" if x.log else cost)
    chart.up(y, left, right)
    chart.add("text", 4, 11, look="name", text=_named(name, better, log))
    for group in groups:
        for point in group.points:
            if point.cost:
                at = x.at(point.cost), y.at(point.value)
                chart.add("dot", *at, 2.5, look=f"seed {look(group.colour)}", text=_said(group, point), href=point.href)
    for i, group in enumerate(groups):
        if group.mean is not None and group.cost:
            text = f"{group.label}: {number(group.mean)}, {number(group.cost)} {cost}"
            at = x.at(group.cost), y.at(group.mean)
            chart.add("dot", *at, 8.5, look=f"number {look(group.colour)}", text=text, href=group.href)
            chart.add("text", at[0], at[1] + 3.5, look="inside middle", text=str(i + 1))
    chart.legend = [(look(group.colour), f"{group.label}{_absent(group)}", group.href) for group in groups]
    return chart


def _cost_axis(costs: Sequence[float], start: float, stop: float) -> Axis:
    """From zero at the least, and so wide that a hundredth more does not look dear; logarithmic over a decade."""
    if not costs or max(costs) > 10 * min(costs):
        return axis(costs, start, stop, bool(costs), 0.08)
    return Axis(max(0.0, min(costs) - APART * max(costs)), (1 + APART) * max(costs), start, stop)


def _named(name: str, better: str, log: bool) -> str:
    """An axis of a score: its name, which way is better, and that it is logarithmic."""
    return f"{name} {ARROWS.get(better, '')}".strip() + (", log scale" if log else "")


def _whole(values: Sequence[float]) -> bool:
    """Whether a score counts something."""
    return bool(values) and all(value == int(value) for value in values)


def _apart(points: Sequence[Point], x: Axis) -> list[float]:
    """Pixels up or down for each seed, so that those of one value are seen one by one."""
    places = [round(x.at(point.value) / 4) for point in points]
    found = []
    for i, place in enumerate(places):
        same, before = places.count(place), places[:i].count(place)
        found.append(round((before - (same - 1) / 2) * min(3.5, 14 / max(1, same)), 1))
    return found


def _absent(group: Group) -> str:
    return "" if group.mean is not None else " (no seed finished)"


def _said(group: Group, point: Point) -> str:
    return f"{group.label}, {point.label}: {number(point.value)}"


def look(i: int) -> str:
    """The colour of the i-th series; after eight they come again, told apart by their numbers."""
    return f"s{i % 8}"


def _short(text: str, most: int) -> str:
    """A name in so many characters: its middle is left out, because variants differ at both ends."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[len(text) - half :]}"


Line = tuple[str, Sequence[float], Sequence[float]]
"""Name, steps, values; a value that does not exist is NaN."""


def curves(
    name: str, lines: Sequence[Line], steps: int, log: bool = False, since: Sequence[int] = (),
    levels: Sequence[float] = (),
) -> Chart:  # fmt: skip
    """Signals over the steps of a training; `since` marks where the diagnosis begins to find something.

    `levels` are values to compare with. Few values are drawn as dots too.
    """
    chart = Chart(name, 178)
    left, right, top, bottom = 46, WIDTH - 12, 10, 146
    x = Axis(0, max(steps, 1), left, right)
    known = [v for _, _, values in lines for v in values if isfinite(v) and (v > 0 or not log)]
    shown = [level for level in levels if level > 0 or not log]
    y = axis([*known, *shown], bottom, top, log, whole=len(known) <= DOTTED and _whole(known))
    chart.up(y, left, right)
    for level in shown:
        chart.add("line", left, y.at(level), right, y.at(level), look="mark")
    chart.across(x, bottom, top)
    chart.add("text", (left + right) / 2, bottom + 29, look="name middle", text="step")
    for step in since:
        chart.add("line", x.at(step), top, x.at(step), bottom, look="found", text=f"since step {step}")
    for i, (label, at, values) in enumerate(lines):
        chart.add("path", look=f"curve {look(i)}", path=_path(x, y, at, values), text=label)
        there = [pair for pair in zip(at, values, strict=True) if isfinite(pair[1]) and (pair[1] > 0 or not log)]
        for when, v in there if len(there) <= DOTTED else ():
            chart.add("dot", x.at(when), y.at(v), 2.5, look=f"seed {look(i)}", text=f"step {when:g}: {number(v)}")
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
