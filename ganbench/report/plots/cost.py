"""Draws quality against cost: every seed, the means, and the Pareto front."""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.analysis.figure_data.cost import CostInfo, CostPoint
from ganbench.report.plots.style import (
    DISTINCT,
    GRAY,
    INK,
    PALE,
    TEXT,
    Look,
    PaperFigure,
    drawable_text,
    fitted,
    legend,
    legend_columns,
    legend_height,
    looks,
    set_axis,
)
from ganbench.report.text.grid import ARROWS


def plot_cost(info: CostInfo) -> PaperFigure:
    """A small marker per seed, a large one per variant, and the Pareto front as a line."""

    def height(width: float) -> float:
        texts = _texts(info, width)
        return min(0.62 * width, 3.4) + 0.2 + legend_height(len(texts), legend_columns(texts, width))

    return PaperFigure(partial(_draw, info), height)


def _draw(info: CostInfo, figure: Figure) -> None:
    axes = figure.subplots()
    wide, high = (float(side) for side in figure.get_size_inches())
    axes.set_title(fitted(drawable_text(info.heading), wide - 0.8, TEXT))
    set_axis(axes, "x", info.cost_axis)
    set_axis(axes, "y", info.score_axis)
    axes.set_xlabel(info.cost)
    axes.set_ylabel(f"{fitted(drawable_text(info.score), 0.5 * high, TEXT)} {ARROWS[info.better]}")
    _front(axes, info)
    handles = [_point(axes, point, look) for point, look in _looks(info)]
    texts = _texts(info, wide)
    blank = Line2D([], [], linestyle="none")
    line = Line2D([], [], color=GRAY, linewidth=0.9, drawstyle="steps-post")
    named = [handle for handle, point in zip(handles, info.points, strict=True) if not _crowded(info) or point.front]
    others = [handle for handle, point in zip(handles, info.points, strict=True) if _crowded(info) and not point.front]
    legend(figure, [*named, *others[:1], line, *[blank] * bool(info.missing)], texts, legend_columns(texts, wide))


def _crowded(info: CostInfo) -> bool:
    """Whether there are more variants than looks; then only the Pareto front is named."""
    return len(info.points) > DISTINCT


def _looks(info: CostInfo) -> list[tuple[CostPoint, Look]]:
    if not _crowded(info):
        return list(zip(info.points, looks(len(info.points)), strict=True))
    order = iter(looks(len(info.front)))
    return [(point, next(order) if point.front else Look(PALE, "o", "-")) for point in info.points]


def _texts(info: CostInfo, width: float) -> list[str]:
    named = [point.label for point in info.points if point.front or not _crowded(info)]
    others = len(info.points) - len(named)
    texts = [fitted(drawable_text(label), width - 0.5) for label in named]
    hollow = any(not point.front for point in info.points) and not others
    texts += [f"{others} others, all dominated"] * bool(others)
    texts += ["Pareto front of the means" + (" (hollow: dominated)" if hollow else "")]
    missing = f"no value: {', '.join(drawable_text(label) for label, _ in info.missing)}"
    return texts + [fitted(missing, width - 0.5)] * bool(info.missing)


def _front(axes: Axes, info: CostInfo) -> None:
    """Draw the Pareto front as a staircase, up to the end of the axis."""
    xs, ys = zip(*(point.mean for point in info.front), strict=True)
    axes.plot([*xs, axes.get_xlim()[1]], [*ys, ys[-1]], color=GRAY, linewidth=0.9, drawstyle="steps-post", zorder=1)


def _point(axes: Axes, point: CostPoint, look: Look) -> Line2D:
    _, costs, values = zip(*point.pairs, strict=True)
    axes.plot(costs, values, linestyle="none", marker=look.marker, markersize=2.2, color=look.color,
              markeredgewidth=0, alpha=0.55, zorder=2, clip_on=False)  # fmt: skip
    x, y = point.mean
    inside, edge = (look.color, INK) if point.front else ("white", look.color)
    (drawn,) = axes.plot([x], [y], linestyle="none", marker=look.marker, markersize=5.5, markerfacecolor=inside,
                         markeredgecolor=edge, markeredgewidth=0.9, zorder=3 + point.front, clip_on=False)  # fmt: skip
    return drawn
