"""Draws training signals, and scores at snapshots, over the steps of training: mean and band over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.analysis.figure_data.curves import MAX_PER_PANEL, CurvePanel, CurvesInfo
from ganbench.analysis.figure_data.series import Series
from ganbench.report.plots import panels
from ganbench.report.plots.style import (
    GRAY,
    PALE,
    SMALL,
    TEXT,
    Look,
    PaperFigure,
    drawable_text,
    extent,
    fitted,
    legend,
    legend_columns,
    legend_height,
    looks,
    set_axis,
)

Point = tuple[float, float]
BANDS = {"range": "range", "interval": "95 % interval"}


def plot_curves(info: CurvesInfo) -> PaperFigure:
    """One panel per signal with all variants in it or, of many variants, one panel per variant."""
    many = len(info.labels) > MAX_PER_PANEL
    return PaperFigure(
        partial(_draw_variants if many else _draw_signals, info), partial(_height, info, many), info.notes
    )


def _height(info: CurvesInfo, many: bool, width: float) -> float:
    if many:
        return panels.height(len(info.labels), width, 0.72)
    count = legend_columns(_texts(info, width), width)
    each = min(0.45 * width, 1.9) if len(info.panels) == 1 else min(0.36 * width, 1.5)
    return 0.4 + each * len(info.panels) + legend_height(len(_texts(info, width)), count)


def _texts(info: CurvesInfo, width: float) -> list[str]:
    whole = [all(curves) for curves in zip(*(panel.curves for panel in info.panels), strict=True)]
    own = [drawable_text(label) if there else f"{drawable_text(label)} (not in all panels)"
           for label, there in zip(info.labels, whole, strict=True)]  # fmt: skip
    ended = any(curve and curve.series.ends for panel in info.panels for curve in panel.curves)
    return [fitted(text, width - 0.6) for text in own] + ["a seed ended"] * ended


def _explanation(info: CurvesInfo) -> str:
    """What line and band show."""
    if all(len(curve.series.values) == 1 for panel in info.panels for curve in panel.curves if curve):
        return ""
    return f"mean and {BANDS[info.band]} of seeds"


def _draw_signals(info: CurvesInfo, figure: Figure) -> None:
    """One panel per signal, all variants in it."""
    grid = figure.subplots(len(info.panels), 1, sharex=True, squeeze=False)[:, 0]
    chosen = looks(len(info.labels))
    for axes, panel in zip(grid, info.panels, strict=True):
        for i, (curve, look) in enumerate(zip(panel.curves, chosen, strict=True)):
            if curve:
                _draw_curve(axes, panel, curve.series, look, info.band, (i + 0.5) / len(chosen))
        _axes(axes, panel)
        axes.set_ylabel(fitted(drawable_text(panel.label), 1.3, TEXT))
    explanation, wide = _explanation(info), float(figure.get_size_inches()[0])
    grid[0].set_title(fitted(drawable_text(info.heading), wide - extent(explanation) - 0.8, TEXT))
    grid[0].set_title(explanation, loc="right", color=GRAY, fontsize=SMALL)
    grid[-1].set_xlabel("step")
    texts = _texts(info, wide)
    handles = [Line2D([], [], color=k.color, linestyle=k.dashes, marker=k.marker, markersize=3) for k in chosen]
    handles += [Line2D([], [], color=GRAY, linestyle="none", marker="x", markersize=3.5)] * (len(texts) > len(handles))
    legend(figure, handles, texts, legend_columns(texts, wide))


def _draw_variants(info: CurvesInfo, figure: Figure) -> None:
    """One panel per variant, all means pale behind it."""
    (panel,) = info.panels
    grid = panels.grid(figure, info.labels, (info.heading, _explanation(info)), ("step", panel.label))
    others = [np.column_stack([curve.series.steps, curve.series.mean]) for curve in panel.curves if curve]
    for axes, curve in zip(grid, panel.curves, strict=True):
        axes.add_collection(LineCollection(others, colors=PALE, linewidths=0.4, zorder=1), autolim=False)
        if curve:
            _draw_curve(axes, panel, curve.series, looks(1)[0]._replace(marker=""), info.band, 0.5)
        else:
            panels.write(axes, "no value")
        _axes(axes, panel)


def _draw_curve(axes: Axes, panel: CurvePanel, series: Series, look: Look, band: str, place: float) -> None:
    if len(series.values) > 1:
        low, high = series.band(band)
        axes.fill_between(series.steps, low, high, color=look.color, alpha=0.16, linewidth=0, zorder=2)
    every = max(1, len(series.steps) // 5)
    axes.plot(series.steps, series.mean, color=look.color, linestyle=look.dashes, zorder=3)
    points = list(zip(series.steps, series.mean, strict=True))[int(place * every) :: every]
    _mark(axes, panel, points, look.color, look.marker, 3)
    _mark(axes, panel, series.ends, look.color, "x", 3.5)


def _mark(axes: Axes, panel: CurvePanel, points: Sequence[Point], color: str, marker: str, size: float) -> None:
    """Whole markers at the points that are within the axis; outliers are cut off."""
    inside = [point for point in points if panel.value_axis.holds(point[1])]
    if inside and marker:
        x, y = zip(*inside, strict=True)
        axes.plot(x, y, linestyle="none", marker=marker, markersize=size, color=color, zorder=4, clip_on=False)


def _axes(axes: Axes, panel: CurvePanel) -> None:
    """Set both axes, and draw the level at equilibrium as a thin line."""
    if panel.equilibrium is not None:
        axes.axhline(panel.equilibrium, color=GRAY, linewidth=0.6, linestyle=(0, (1, 1.5)), zorder=1)
    set_axis(axes, "y", panel.value_axis)
    set_axis(axes, "x", panel.step_axis)
