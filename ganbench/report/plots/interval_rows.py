"""One row per variant: dots for seeds, a mean with its interval, and columns of text beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ganbench.report.plots.style import (
    COLORS,
    GRAY,
    INK,
    SMALL,
    TEXT,
    drawable_text,
    extent,
    fitted,
    labels,
    text_beside,
)

ONE_LINE, TWO_LINES, REST = 0.17, 0.24, 0.5
"""Inches of a row whose name is on one line, of one whose name is on two, and of axis and title."""
COLUMN_GAP = 7.0
"""Points between columns of text beside the panel."""


class IntervalRow(NamedTuple):
    """A variant: values of its seeds, mean, interval, texts beside; `whole`: all seeds finished; `first`: filled.

    `failed` is the number of seeds without a value, which are drawn at the worse end.
    """

    name: str
    values: tuple[float, ...]
    mean: float | None
    low: float | None
    high: float | None
    beside: tuple[str, ...]
    whole: bool = True
    first: bool = False
    failed: int = 0


def _names(rows: Sequence[IntervalRow], width: float) -> list[str]:
    return labels([row.name for row in rows], 0.34 * width)


def rows_height(rows: Sequence[IntervalRow], width: float) -> float:
    """Inches for the rows with their axis and title."""
    pitch = TWO_LINES if any("\n" in name for name in _names(rows, width)) else ONE_LINE
    return REST + pitch * max(2, len(rows))


def beside(lines: Sequence[Sequence[str]]) -> list[float]:
    """Points from the panel to the middle of each column of text."""
    found, end = [], 0.0
    for column in zip(*lines, strict=True):
        wide = 72 * max(map(extent, column))
        found.append(end + COLUMN_GAP + wide / 2)
        end += COLUMN_GAP + wide
    return found


def draw_rows(
    axes: Axes, rows: Sequence[IntervalRow], heading: str, header: Sequence[str], at: Sequence[float],
    failed_left: bool = True,
) -> None:  # fmt: skip
    """Draw rows from top to bottom, the heading above them, and `header` above the columns of text.

    Failed seeds are crosses at the left end of the panel, or at the right one.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    width = float(figure.get_size_inches()[0])
    figure.suptitle(fitted(drawable_text(heading), width - 0.1, TEXT), x=0.05 / width, ha="left", fontsize=TEXT)
    for y, row in enumerate(rows):
        _row(axes, y, row)
        if row.failed:
            _failed(axes, y, row.failed, 0.012 if failed_left else 0.988)
        for column, text in enumerate(row.beside):
            last = column == len(row.beside) - 1
            text_beside(axes, y, text, at[column], weight="normal" if row.whole or not last else "bold")
    for column, text in enumerate(header):
        text_beside(axes, -0.95, text, at[column], GRAY)
    axes.set_yticks(range(len(rows)), _names(rows, width), linespacing=0.95, ma="right")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.hlines(np.arange(len(rows)), 0, 1, transform=axes.get_yaxis_transform(), color="0.92", linewidth=0.5, zorder=0)


def _failed(axes: Axes, y: float, count: int, x: float) -> None:
    """One cross per failed seed, one below the other."""
    offsets = np.linspace(-0.3, 0.3, count) if count > 1 else np.zeros(count)
    axes.plot(np.full(count, x), y + offsets, transform=axes.get_yaxis_transform(), linestyle="none", marker="x",
              markersize=3, color=COLORS[1], markeredgewidth=0.9, zorder=4, clip_on=False)  # fmt: skip


def _row(axes: Axes, y: float, row: IntervalRow) -> None:
    if row.mean is None:
        axes.annotate("no seed finished", (0.5, y), xycoords=axes.get_yaxis_transform(), ha="center", va="center",
                      fontsize=SMALL, color=GRAY, backgroundcolor="white")  # fmt: skip
        return
    if row.values:
        _seeds(axes, y, row.values)
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [y, y], color=INK, linewidth=1.3, solid_capstyle="butt", zorder=3)
    axes.plot([row.mean], [y], marker="o", markersize=4, color=INK if row.first else "white", markeredgecolor=INK,
              markeredgewidth=0.9, zorder=5, clip_on=False)  # fmt: skip


def _seeds(axes: Axes, y: float, values: Sequence[float]) -> None:
    offsets = np.linspace(-0.3, 0.3, len(values)) if len(values) > 1 else np.zeros(len(values))
    axes.plot(values, y + offsets, linestyle="none", marker="o", markersize=2.8, color=COLORS[5],
              markeredgewidth=0.3, markeredgecolor="white", zorder=4, clip_on=False)  # fmt: skip
