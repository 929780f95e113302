"""Draws a dataset's variants by one score: every seed, the mean with its interval, the rank, and references."""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.analysis.figure_data.ranks import RankedVariant, RanksInfo
from ganbench.analysis.score_table import TITLES
from ganbench.formatting import number
from ganbench.report.plots.interval_rows import IntervalRow, draw_rows, rows_height
from ganbench.report.plots.style import (
    GRAY,
    INK,
    TEXT,
    Dashes,
    PaperFigure,
    drawable_text,
    fitted,
    legend,
    legend_columns,
    legend_height,
    set_axis,
    width_of,
)

REFERENCES: dict[str, Dashes] = {TITLES["real"]: "-", TITLES["gaussian"]: (0, (5, 2)), TITLES["noise"]: (0, (1, 1.5))}
OTHER: Dashes = (0, (6, 2, 1, 2))


def plot_ranks(info: RanksInfo) -> PaperFigure:
    """One row per variant, and references as vertical lines."""
    rows = [_row(variant) for variant in info.variants]

    def height(width: float) -> float:
        texts = _reference_texts(info)
        below = legend_height(len(texts), legend_columns(texts, width)) if texts else 0
        return rows_height(rows, width) + 0.2 + below

    return PaperFigure(partial(_draw, info, rows), height)


def _row(variant: RankedVariant) -> IntervalRow:
    score, row, rank = variant.score, variant.row, variant.rank
    beside = ("–" if rank is None or score.mean is None else str(rank), f"{row.n_ok}/{row.n}")  # noqa: RUF001
    return IntervalRow(
        variant.name, score.values, score.mean, score.low, score.high, beside, row.n_ok == row.n, rank == 1
    )


def _draw(info: RanksInfo, rows: list[IntervalRow], figure: Figure) -> None:
    axes = figure.subplots()
    draw_rows(axes, rows, info.heading, ("rank", "ok"))
    score = fitted(drawable_text(info.score), 0.4 * width_of(figure), TEXT)
    axes.set_xlabel(f"{score} ({info.better} is better{', log scale' if info.axis.log else ''})")
    set_axis(axes, "x", info.axis)
    _references(axes, figure, info)


def _references(axes: Axes, figure: Figure, info: RanksInfo) -> None:
    handles = []
    for name, value in info.references.items():
        dashes, color = REFERENCES.get(name, OTHER), INK if name == TITLES["real"] else GRAY
        inside = info.axis.holds(value)
        if inside:
            axes.axvline(value, color=color, linestyle=dashes, linewidth=0.9, zorder=1)
        handles.append(Line2D([], [], color=color, linestyle=dashes if inside else "none", linewidth=0.9))
    if handles:
        texts = _reference_texts(info)
        legend(figure, handles, texts, legend_columns(texts, width_of(figure)))


def _reference_texts(info: RanksInfo) -> list[str]:
    return [
        f"{name} {number(value)}" + ("" if info.axis.holds(value) else " (off the axis)")
        for name, value in info.references.items()
    ]
