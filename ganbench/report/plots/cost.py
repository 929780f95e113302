"""Quality against what a seed cost: every seed, the means, and the variants that none beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.analysis.figure_data import variants
from ganbench.analysis.score_table import Table
from ganbench.errors import UsageError
from ganbench.report.plots.ranks import score_of
from ganbench.report.plots.style import (
    DISTINCT,
    GREY,
    INK,
    PALE,
    TEXT,
    Look,
    Picture,
    columns,
    fitted,
    legend,
    legend_height,
    limits,
    literal,
    looks,
    scale,
)
from ganbench.report.text.grid import ARROWS
from ganbench.results.records import Record, common_device
from ganbench.results.store import Store
from ganbench.statistics.means import mean
from ganbench.suite.plan_file import SavedPlan

AGAINST = {
    "seconds": ("train_seconds", "seconds of training a seed"),
    "samples": ("images", "real samples seen a seed"),
}
SPANS = 8.0
"""Costs whose largest is so many times the smallest are drawn on a log axis."""
APART = 0.3
"""Else so much of the largest lies on both sides, so that a difference of a hundredth does not look like one."""


@dataclass(frozen=True)
class Point:
    """A variant: cost and score of every finished seed, their means, and whether it is on the Pareto front."""

    label: str
    costs: tuple[float, ...]
    values: tuple[float, ...]
    front: bool = False

    @property
    def mean(self) -> tuple[float, float]:
        return mean(self.costs), mean(self.values)


@dataclass(frozen=True)
class Cost:
    """What is drawn, variants in the suite's order; `missing` have no seed with score and cost."""

    heading: str
    score: str
    better: str
    log: bool
    cost: str
    points: tuple[Point, ...]
    missing: tuple[str, ...]

    @property
    def front(self) -> list[Point]:
        """The variants that no other beats, by cost."""
        return sorted((point for point in self.points if point.front), key=lambda point: point.mean)


def read(
    table: Table, layout: SavedPlan, store: Store, asked: str | None = None, against: str = "seconds",
    names: Sequence[str] = (),
) -> Cost:  # fmt: skip
    """Score against cost of a data set's variants. Raises `UsageError` where there is no such score, or no cost."""
    score = score_of(table, asked)
    found, heading = variants(layout, store, table.dataset, names)
    key, what = AGAINST[against]
    points, missing = [], []
    for variant in found:
        pairs = [pair for record in variant.good.values() if (pair := _pair(record, key, score)) is not None]
        if pairs:
            costs, values = zip(*pairs, strict=True)
            points.append(Point(variant.label, costs, values))
        else:
            missing.append(variant.label)
    if not points:
        raise UsageError(f"no finished run on {table.dataset} has both {score!r} and its cost")
    better = table.columns[score]
    log = next(iter(table.variants)).scores[score].scale == "log" and min(v for p in points for v in p.values) > 0
    points = [Point(p.label, p.costs, p.values, not any(_beats(q, p, better) for q in points)) for p in points]
    where = common_device(record for variant in found for record in variant.good.values())
    what = f"{what}, {where}" if against == "seconds" and where else what
    return Cost(heading, score, better, log, what, tuple(points), tuple(missing))


def _pair(record: Record, key: str, score: str) -> tuple[float, float] | None:
    cost, value = getattr(record.cost, key), record.evaluation.metrics.get(score)
    return None if cost is None or value is None else (float(cost), float(value))


def _beats(one: Point, other: Point, better: str) -> bool:
    """Whether one is as cheap and as good, and not the same in both."""
    sign = 1 if better == "higher" else -1
    (cost, value), (dear, poor) = one.mean, other.mean
    return cost <= dear and sign * value >= sign * poor and (cost, value) != (dear, poor)


def picture(data: Cost) -> Picture:
    def height(width: float) -> float:
        texts = _texts(data, width)
        return min(0.62 * width, 3.4) + 0.2 + legend_height(len(texts), columns(texts, width))

    return Picture(partial(draw, data), height)


def draw(data: Cost, figure: Figure) -> None:
    axes = figure.subplots()
    wide, high = (float(side) for side in figure.get_size_inches())
    axes.set_title(fitted(literal(data.heading), wide - 0.8, TEXT))
    costs, values = ([v for point in data.points for v in getattr(point, side)] for side in ("costs", "values"))
    spans = min(costs) > 0 and max(costs) > SPANS * min(costs)
    across: tuple[float, float] = max(0.0, min(costs) - APART * max(costs)), (1 + APART) * max(costs)
    if spans:
        across = limits(costs, True, 0.08)
    up = limits(values, data.log, 0.08)
    axes.set(xscale="log" if spans else "linear", xlim=across, yscale="log" if data.log else "linear", ylim=up)
    scale(axes.xaxis, *across, spans)
    scale(axes.yaxis, *up, data.log)
    axes.set_xlabel(data.cost)
    axes.set_ylabel(f"{fitted(literal(data.score), 0.5 * high, TEXT)} {ARROWS[data.better]}")
    _front(axes, data)
    handles = [_point(axes, point, look) for point, look in _looks(data)]
    texts = _texts(data, float(figure.get_size_inches()[0]))
    blank = Line2D([], [], linestyle="none")
    line = Line2D([], [], color=GREY, linewidth=0.9, drawstyle="steps-post")
    grey = [handle for handle, point in zip(handles, data.points, strict=True) if _crowded(data) and not point.front]
    named = [handle for handle, point in zip(handles, data.points, strict=True) if not _crowded(data) or point.front]
    legend(figure, [*named, *grey[:1], line, *[blank] * bool(data.missing)], texts, columns(texts, _width(figure)))


def _width(figure: Figure) -> float:
    return float(figure.get_size_inches()[0])


def _crowded(data: Cost) -> bool:
    """Whether there are more variants than can be told apart; then only the front is named."""
    return len(data.points) > DISTINCT


def _looks(data: Cost) -> list[tuple[Point, Look]]:
    if not _crowded(data):
        return list(zip(data.points, looks(len(data.points)), strict=True))
    order = iter(looks(len(data.front)))
    return [(point, next(order) if point.front else Look(PALE, "o", "-")) for point in data.points]


def _texts(data: Cost, width: float) -> list[str]:
    named = [point.label for point in data.points if point.front or not _crowded(data)]
    others = len(data.points) - len(named)
    texts = [fitted(literal(label), width - 0.5) for label in named]
    hollow = any(not point.front for point in data.points) and not others
    texts += [f"{others} others: one is no worse in both"] * bool(others)
    texts += ["Pareto front of the means" + (" (hollow: another is no worse in both)" if hollow else "")]
    missing = f"no value: {', '.join(map(literal, data.missing))}"
    return texts + [fitted(missing, width - 0.5)] * bool(data.missing)


def _front(axes: Axes, data: Cost) -> None:
    """The staircase of what can be had for how much, up to the dearest."""
    xs, ys = zip(*(point.mean for point in data.front), strict=True)
    axes.plot([*xs, axes.get_xlim()[1]], [*ys, ys[-1]], color=GREY, linewidth=0.9, drawstyle="steps-post", zorder=1)


def _point(axes: Axes, point: Point, look: Look) -> Line2D:
    axes.plot(point.costs, point.values, linestyle="none", marker=look.marker, markersize=2.2, color=look.colour,
              markeredgewidth=0, alpha=0.55, zorder=2)  # fmt: skip
    x, y = point.mean
    inside, edge = (look.colour, INK) if point.front else ("white", look.colour)
    (drawn,) = axes.plot([x], [y], linestyle="none", marker=look.marker, markersize=5.5, markerfacecolor=inside,
                         markeredgecolor=edge, markeredgewidth=0.9, zorder=4 if point.front else 3)  # fmt: skip
    return drawn
