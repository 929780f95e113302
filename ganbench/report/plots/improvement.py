"""Draws probabilities of improvement: one row per pair of variants, with its interval."""

from __future__ import annotations

from functools import partial

from matplotlib.figure import Figure

from ganbench.analysis.figure_data.axes import AxisRange
from ganbench.analysis.figure_data.improvement import Improvement, ImprovementInfo
from ganbench.report.plots.interval_rows import IntervalRow, beside, draw_rows, rows_height
from ganbench.report.plots.style import GRAY, PaperFigure, set_axis


def plot_improvement(info: ImprovementInfo) -> PaperFigure:
    """Pairs from top to bottom, the surest improvement first; the line is at one half."""
    rows = [_row(pair, info.against) for pair in info.pairs]
    return PaperFigure(partial(_draw, info, rows), lambda width: rows_height(rows, width) + 0.2, info.notes)


def _row(pair: Improvement, against: str) -> IntervalRow:
    value, low, high = pair.over
    name = pair.better if against else f"{pair.better} > {pair.other}"
    return IntervalRow(name, (), value, low, high, (f"{value:.2f}",), first=low > 0.5 or high < 0.5)


def _draw(info: ImprovementInfo, rows: list[IntervalRow], figure: Figure) -> None:
    axes = figure.subplots()
    heading = info.heading + (f"; against {info.against}" if info.against else "")
    draw_rows(axes, rows, heading, ("P",), beside([("P",), *(row.beside for row in rows)]))
    axes.axvline(0.5, color=GRAY, linewidth=0.9, linestyle=(0, (1, 1.5)), zorder=1)
    set_axis(axes, "x", AxisRange(0, 1))
    axes.set_xlabel("probability of improvement")
