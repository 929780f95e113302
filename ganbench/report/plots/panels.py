"""Small multiples: one panel per variant, placed by hand, because a layout solver is slow with many."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ganbench.report.plots.appearance import HEADING, PANEL
from ganbench.report.plots.style import GRAY, SMALL, TEXT, drawable_text, extent, fitted

LEFT, RIGHT, TOP, BOTTOM = 0.46, 0.14, 0.36, 0.36
"""Inches around all panels."""
COLUMN_GAP, TITLE = 0.18, 0.2
"""Inches between columns; above a panel, for its name."""
MIN_WIDTH, MIN_HEIGHT = 1.1, 0.4
PAGE_HEIGHT = 9.0
"""Inches of a page."""


def columns(count: int, width: float, min_width: float = MIN_WIDTH) -> int:
    """The number of panels in a row of a figure."""
    most = max(1, int((width - LEFT - RIGHT + COLUMN_GAP) / (min_width + COLUMN_GAP)))
    return min(count, most)


def height(count: int, width: float, each: float, min_width: float = MIN_WIDTH) -> float:
    """Inches of a figure of `count` panels, each of height `each`, or lower if they would not fit a page."""
    rows = ceil(count / columns(count, width, min_width))
    each = min(each, max(MIN_HEIGHT, (PAGE_HEIGHT - TOP - BOTTOM + TITLE) / rows - TITLE))
    return TOP + BOTTOM + rows * each + (rows - 1) * TITLE


def grid(
    figure: Figure, names: Sequence[str], top: tuple[str, str], of: tuple[str, str], min_width: float = MIN_WIDTH
) -> list[Axes]:
    """One panel per name; `top`: heading and what is drawn; `of`: labels of both axes, below and left of all panels."""
    figure.set_layout_engine("none")
    wide, high = (float(side) for side in figure.get_size_inches())
    per_row = columns(len(names), wide, min_width)
    heading, explanation = top
    rows = ceil(len(names) / per_row)
    panel = (
        (wide - LEFT - RIGHT - (per_row - 1) * COLUMN_GAP) / per_row,
        (high - TOP - BOTTOM - (rows - 1) * TITLE) / rows,
    )
    made: list[Axes] = []
    for index, name in enumerate(names):
        row, column = divmod(index, per_row)
        left, upper = LEFT + column * (panel[0] + COLUMN_GAP), TOP + row * (panel[1] + TITLE)
        box = (left / wide, 1 - (upper + panel[1]) / high, panel[0] / wide, panel[1] / high)
        axes = figure.add_axes(box, label=PANEL)
        axes.set_title(fitted(drawable_text(name), panel[0]), fontsize=SMALL, pad=2)
        lowest = index + per_row >= len(names)
        axes.tick_params(labelleft=column == 0, labelbottom=lowest)
        made.append(axes)
    room = wide - 0.12 - extent(explanation)
    figure.text(0.06 / wide, 1 - 0.04 / high, fitted(drawable_text(heading), room - 0.1, TEXT), va="top", label=HEADING)
    figure.text(1 - 0.06 / wide, 1 - 0.04 / high, explanation, va="top", ha="right", color=GRAY, fontsize=SMALL,
                label=HEADING)  # fmt: skip
    figure.text((LEFT + wide - RIGHT) / 2 / wide, 0.04 / high, of[0], ha="center", va="bottom")
    figure.text(0.04 / wide, (BOTTOM + high - TOP) / 2 / high, of[1], ha="left", va="center", rotation=90)
    return made


def write(axes: Axes, text: str) -> None:
    """Write a text in the middle of an empty panel."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GRAY, fontsize=SMALL,
              bbox={"facecolor": "white", "linewidth": 0, "pad": 1})  # fmt: skip
