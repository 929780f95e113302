"""A row a variant: dots for seeds, a mean with its interval, and columns of text beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ganbench.report.plots.style import COLOURS, GREY, INK, SMALL, TEXT, beside, fitted, labels, literal

PITCH, TWO, REST = 0.17, 0.24, 0.5
"""Inches of a row whose name is on one line, on two, and of axis and title."""
BESIDE = (12.0, 34.0)
"""Points from the panel to the middle of each column of text."""


class Row(NamedTuple):
    """A variant: values of its seeds, mean, interval, texts beside; `whole`: all seeds finished; `first`: rank 1."""

    name: str
    values: tuple[float, ...]
    mean: float | None
    low: float | None
    high: float | None
    beside: tuple[str, ...]
    whole: bool = True
    first: bool = False

    @property
    def everything(self) -> list[float]:
        return [value for value in (*self.values, self.low, self.high, self.mean) if value is not None]


def names(rows: Sequence[Row], width: float) -> list[str]:
    return labels([row.name for row in rows], 0.34 * width)


def height(rows: Sequence[Row], width: float) -> float:
    """Inches for the rows with their axis and title."""
    pitch = TWO if any("\n" in name for name in names(rows, width)) else PITCH
    return REST + pitch * max(2, len(rows))


def draw(axes: Axes, rows: Sequence[Row], heading: str, header: Sequence[str], at: Sequence[float] = BESIDE) -> None:
    """The rows from top to bottom; the texts beside stand under `header`, and the heading over all."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    width = float(figure.get_size_inches()[0])
    figure.suptitle(fitted(literal(heading), width - 0.1, TEXT), x=0.05 / width, ha="left", fontsize=TEXT)
    for y, row in enumerate(rows):
        _row(axes, y, row)
        for column, text in enumerate(row.beside):
            last = column == len(row.beside) - 1
            beside(axes, y, text, at[column], weight="normal" if row.whole or not last else "bold")
    for column, text in enumerate(header):
        beside(axes, -0.95, text, at[column], GREY)
    axes.set_yticks(range(len(rows)), names(rows, width), linespacing=0.95, ma="right")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.hlines(np.arange(len(rows)), 0, 1, transform=axes.get_yaxis_transform(), color="0.92", linewidth=0.5, zorder=0)


def _row(axes: Axes, y: float, row: Row) -> None:
    if row.mean is None:
        axes.annotate("no seed finished", (0.5, y), xycoords=axes.get_yaxis_transform(), ha="center", va="center",
                      fontsize=SMALL, color=GREY, backgroundcolor="white")  # fmt: skip
        return
    offsets = np.linspace(-0.3, 0.3, len(row.values)) if len(row.values) > 1 else np.zeros(len(row.values))
    axes.plot(row.values, y + offsets, linestyle="none", marker="o", markersize=2.8, color=COLOURS[5],
              markeredgewidth=0.3, markeredgecolor="white", zorder=4)  # fmt: skip
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [y, y], color=INK, linewidth=1.3, solid_capstyle="butt", zorder=3)
    axes.plot([row.mean], [y], marker="o", markersize=4, color=INK if row.first else "white", markeredgecolor=INK,
              markeredgewidth=0.9, zorder=5)  # fmt: skip
