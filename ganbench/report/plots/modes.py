"""Draws where samples fall: their share in every mode or class, by variant."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ganbench.analysis.figure_data.modes import Array, ModesInfo, VariantModes
from ganbench.formatting import tick
from ganbench.report.plots import panels
from ganbench.report.plots.style import COLORS, INK, TINY, PaperFigure, extent

MAX_DOTTED = 30
"""With more modes, the seeds are not drawn as dots."""


def plot_modes(info: ModesInfo) -> PaperFigure:
    """One panel per variant: bars are the pooled seeds, dots the seeds, the line real data."""

    def height(width: float) -> float:
        return panels.height(len(info.variants), width, 0.6, _min_width(info))

    return PaperFigure(partial(_draw, info), height, info.notes)


def _min_width(info: ModesInfo) -> float:
    """The narrowest panel (inches) in which the bars can be seen."""
    return panels.MIN_WIDTH if len(info.real) <= MAX_DOTTED else 2.6


def _draw(info: ModesInfo, figure: Figure) -> None:
    """A panel a variant: bars are the pooled seeds, dots the seeds, the line the real info."""
    names = [one.label for one in info.variants]
    explanation = "bars: mean; dots: seeds; line: " + ("real data" if info.counted else "equal shares")
    one_of = {"modes": "mode", "classes": "class"}.get(info.of, info.of)
    grid = panels.grid(figure, names, (info.heading, explanation), (one_of, "share of samples"), _min_width(info))
    top = max([*(float(share) for one in info.variants for share in one.shares.ravel()), float(info.real.max())])
    top = min(1.0, 1.3 * top)
    for axes, one in zip(grid, info.variants, strict=True):
        if one.shares.size:
            _bars(axes, one, info.real)
        else:
            panels.write(axes, "no histogram")
        axes.set(xlim=(-0.6, len(info.real) - 0.4), ylim=(0, top))
        axes.xaxis.set_major_locator(MaxNLocator(min(8, len(info.real)), integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.yaxis.set_major_formatter(lambda value, _: tick(value))


def _caption(one: VariantModes, room: float) -> str:
    """The modes captured by the seeds, and the share outside all of them, in words that fit `room` inches."""
    outside = float(one.outside.mean())
    out = f"{100 * outside:.0f} % outside" if outside >= 0.005 else ""
    counts = [count for count in one.captured if count is not None]
    if not counts:
        return out
    low, high = min(counts), max(counts)
    span = f"{low if low == high else f'{low}-{high}'} of {one.shares.shape[1]}"
    texts = (", ".join(filter(None, (f"{span} captured", out))), ", ".join(filter(None, (span, out))), span)
    return next((text for text in texts if extent(text, TINY) <= room), span)


def _bars(axes: Axes, one: VariantModes, real: Array) -> None:
    count = len(real)
    modes = np.arange(count)
    pooled = one.shares.mean(axis=0)
    half = 0.4 if count <= MAX_DOTTED else 0.5
    boxes = [[(m - half, 0), (m - half, share), (m + half, share), (m + half, 0)] for m, share in enumerate(pooled)]
    axes.add_collection(PolyCollection(boxes, facecolors=COLORS[5], linewidths=0), autolim=False)
    if count <= MAX_DOTTED and len(one.shares) > 1:
        offsets = np.linspace(-0.25, 0.25, len(one.shares))[:, None]
        axes.plot((modes + offsets).ravel(), one.shares.ravel(), linestyle="none", marker="o", markersize=1.3,
                  color=COLORS[0], markeredgewidth=0, clip_on=False)  # fmt: skip
    figure = axes.get_figure(root=True)
    assert figure is not None
    room = float(axes.get_position().width * figure.get_size_inches()[0]) - 0.08
    axes.text(0.99, 0.98, _caption(one, room), transform=axes.transAxes, ha="right", va="top", fontsize=TINY,
              zorder=5, bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5})  # fmt: skip
    axes.stairs(real, np.arange(count + 1) - 0.5, color=INK, linewidth=0.8, baseline=None)
