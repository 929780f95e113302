"""Small multiples: a panel a variant, placed by hand, because a solver is slow with many."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ganbench.report.plots.style import GREY, SMALL, extent, fitted, literal

LEFT, RIGHT, TOP, BOTTOM = 0.46, 0.14, 0.36, 0.36
"""Inches around all panels."""
ACROSS, ABOVE = 0.18, 0.2
"""Inches between columns; above a panel, for its name."""
NARROWEST, LOWEST = 1.1, 0.4
TALL = 9.0
"""Inches of a page."""


def across(count: int, width: float, narrowest: float = NARROWEST) -> int:
    """Panels in a row."""
    most = max(1, int((width - LEFT - RIGHT + ACROSS) / (narrowest + ACROSS)))
    return min(count, most)


def height(count: int, width: float, each: float, narrowest: float = NARROWEST) -> float:
    """Inches of a figure of so many panels, each of a height, or less where a page ends."""
    rows = ceil(count / across(count, width, narrowest))
    each = min(each, max(LOWEST, (TALL - TOP - BOTTOM + ABOVE) / rows - ABOVE))
    return TOP + BOTTOM + rows * each + (rows - 1) * ABOVE


def grid(
    figure: Figure, names: Sequence[str], top: tuple[str, str], of: tuple[str, str], narrowest: float = NARROWEST
) -> list[Axes]:
    """One panel a name; `top`: heading and what is drawn; `of`: what both axes show, said once, below and left."""
    figure.set_layout_engine("none")
    wide, high = (float(side) for side in figure.get_size_inches())
    columns = across(len(names), wide, narrowest)
    heading, said = top
    rows = ceil(len(names) / columns)
    panel = (wide - LEFT - RIGHT - (columns - 1) * ACROSS) / columns, (high - TOP - BOTTOM - (rows - 1) * ABOVE) / rows
    made: list[Axes] = []
    for index, name in enumerate(names):
        row, column = divmod(index, columns)
        left, upper = LEFT + column * (panel[0] + ACROSS), TOP + row * (panel[1] + ABOVE)
        box = (left / wide, 1 - (upper + panel[1]) / high, panel[0] / wide, panel[1] / high)
        axes = figure.add_axes(box)
        axes.set_title(fitted(literal(name), panel[0]), fontsize=SMALL, pad=2)
        lowest = index + columns >= len(names)
        axes.tick_params(labelleft=column == 0, labelbottom=lowest)
        made.append(axes)
    room = wide - 0.12 - extent(said)
    figure.text(0.06 / wide, 1 - 0.04 / high, fitted(literal(heading), room - 0.1), va="top")
    figure.text(1 - 0.06 / wide, 1 - 0.04 / high, said, va="top", ha="right", color=GREY, fontsize=SMALL)
    figure.text((LEFT + wide - RIGHT) / 2 / wide, 0.04 / high, of[0], ha="center", va="bottom")
    figure.text(0.04 / wide, (BOTTOM + high - TOP) / 2 / high, of[1], ha="left", va="center", rotation=90)
    return made


def say(axes: Axes, text: str) -> None:
    """A word in an empty panel."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY, fontsize=SMALL,
              bbox={"facecolor": "white", "linewidth": 0, "pad": 1})  # fmt: skip
