"""Draws how many modes are captured of how many, over a suite's datasets."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.analysis.figure_data.axes import AxisRange
from ganbench.analysis.figure_data.modes import ModeCaptureInfo
from ganbench.report.plots.style import (
    GRAY,
    TEXT,
    PaperFigure,
    drawable_text,
    fitted,
    legend,
    legend_columns,
    legend_height,
    looks,
    set_axis,
    width_of,
)
from ganbench.statistics.means import mean


def plot_mode_capture(info: ModeCaptureInfo) -> PaperFigure:
    """One group per dataset, in it the variants side by side."""

    def height(width: float) -> float:
        texts = _texts(info, width)
        return min(0.6 * width, 3.2) + 0.2 + legend_height(len(texts), legend_columns(texts, width))

    return PaperFigure(partial(_draw, info), height, info.notes)


def _texts(info: ModeCaptureInfo, width: float) -> list[str]:
    return [fitted(drawable_text(label), width - 0.5) for label in info.labels]


def _draw(info: ModeCaptureInfo, figure: Figure) -> None:
    """Dots for seeds, a marker for their mean."""
    axes = figure.subplots()
    offsets = np.linspace(-0.3, 0.3, len(info.labels)) if len(info.labels) > 1 else np.zeros(1)
    chosen = looks(len(info.labels))
    for place, entry in enumerate(info.datasets):
        axes.plot([place - 0.42, place + 0.42], [1, 1], color=GRAY, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
        for offset, look, captured in zip(offsets, chosen, entry.captured, strict=True):
            if captured:
                shares = np.array(captured) / entry.modes
                aside = np.linspace(-0.03, 0.03, len(shares)) if len(shares) > 1 else np.zeros(1)
                axes.plot(place + offset + aside, shares, linestyle="none", marker=look.marker, markersize=2,
                          color=look.color, markeredgewidth=0, alpha=0.6, zorder=2, clip_on=False)  # fmt: skip
                axes.plot([place + offset], [mean(shares)], linestyle="none", marker=look.marker, markersize=5,
                          color=look.color, markeredgecolor="white", markeredgewidth=0.5, zorder=3,
                          clip_on=False)  # fmt: skip
    room = width_of(figure) / len(info.datasets) * 0.8
    names = [f"{fitted(drawable_text(one.dataset), room)}\n{one.modes} modes" for one in info.datasets]
    axes.set_xticks(range(len(info.datasets)), names)
    axes.set_xlim(-0.5, len(info.datasets) - 0.5)
    set_axis(axes, "y", AxisRange(0, 1))
    axes.set_title(fitted(drawable_text(info.heading), width_of(figure) - 0.8, TEXT))
    axes.set_ylabel("share of modes captured")
    handles = [Line2D([], [], color=k.color, linestyle="none", marker=k.marker, markersize=4) for k in chosen]
    texts = _texts(info, width_of(figure))
    legend(figure, handles, texts, legend_columns(texts, width_of(figure)))
