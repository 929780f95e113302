"""Draws the seed lottery: how often so many seeds name the wrong winner."""

from __future__ import annotations

from functools import partial

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.analysis.figure_data.axes import AxisRange
from ganbench.analysis.lottery import RIGHT, Lottery, ScoreLottery
from ganbench.errors import UsageError
from ganbench.report.plots.style import (
    GRAY,
    SMALL,
    PaperFigure,
    drawable_text,
    legend,
    legend_columns,
    legend_height,
    looks,
    set_axis,
)

HEIGHT = 1.9


def plot_lottery(found: Lottery) -> PaperFigure:
    """One line per dataset, by its primary score: the mean over pairs, and thin the worst pair.

    Raises `UsageError` if no two variants are told apart on any dataset.
    """
    shown = [one for one in found.primary if one.told_apart]
    if not shown:
        raise UsageError("there is nothing to draw: all seeds together tell no two variants apart")
    left_out = [one.dataset for one in found.primary if not one.told_apart]
    notes = tuple(f"{name} is left out: all seeds together tell no two variants apart" for name in left_out)
    texts = [drawable_text(f"{one.dataset}: {one.score}, {one.told_apart} pairs") for one in shown]
    height = partial(_height, texts)
    return PaperFigure(partial(_draw, found, shown, texts), height, notes)


def _height(texts: list[str], width: float) -> float:
    return HEIGHT + legend_height(len(texts) + 1, legend_columns([*texts, "worst pair"], width))


def _draw(found: Lottery, shown: list[ScoreLottery], texts: list[str], figure: Figure) -> None:
    axes = figure.subplots()
    handles: list[Line2D] = []
    for one, look in zip(shown, looks(len(shown)), strict=True):
        seeds = [draw.seeds for draw in one.draws]
        (line,) = axes.plot(
            seeds, [100 * (draw.wrong or 0) for draw in one.draws], color=look.color, marker=look.marker,
            linestyle=look.dashes, clip_on=False,
        )  # fmt: skip
        axes.plot(
            seeds, [100 * (draw.worst or 0) for draw in one.draws], color=look.color, marker=look.marker,
            linestyle=look.dashes, linewidth=0.5, markersize=2, alpha=0.7, clip_on=False,
        )  # fmt: skip
        handles.append(line)
    limit = 100 * (1 - RIGHT)
    axes.axhline(limit, color=GRAY, linewidth=0.6, linestyle=(0, (1, 1)))
    axes.annotate(f"{limit:.0f} %", (1, limit), (-2, 2), xycoords=axes.get_yaxis_transform(),
                  textcoords="offset points", ha="right", fontsize=SMALL, color=GRAY)  # fmt: skip
    most = max((draw.worst or 0) for one in shown for draw in one.draws)
    last = max(draw.seeds for one in shown for draw in one.draws)
    set_axis(axes, "y", AxisRange(0, max(10.0, 110 * most)))
    set_axis(axes, "x", AxisRange(0.6, last + 0.4, whole=True))
    axes.set_xticks([draw.seeds for draw in max((one.draws for one in shown), key=len)])
    axes.set_xlabel("seeds of each variant")
    axes.set_ylabel("wrong winner (% of draws)")
    axes.set_title(f"of pairs that {found.seeds_text} seeds tell apart", color=GRAY, fontsize=SMALL)
    thin = Line2D([], [], color=GRAY, linewidth=0.5)
    every = [*texts, "worst pair"]
    legend(figure, [*handles, thin], every, legend_columns(every, float(figure.get_size_inches()[0])))
