"""Draws the aggregate over datasets: interquartile means with their intervals."""

from __future__ import annotations

from functools import partial

from matplotlib.figure import Figure

from ganbench.analysis.aggregate import OverallRow
from ganbench.analysis.figure_data.aggregate import AGGREGATE_AXIS, AggregateInfo
from ganbench.report.plots.interval_rows import IntervalRow, beside, draw_rows, rows_height
from ganbench.report.plots.style import PaperFigure, set_axis


def plot_aggregate(info: AggregateInfo) -> PaperFigure:
    """One row per variant, best first."""
    rows = [_row(name, row) for name, row in info.rows]
    return PaperFigure(partial(_draw, info.heading, rows), lambda width: rows_height(rows, width) + 0.2, info.notes)


def _row(name: str, row: OverallRow) -> IntervalRow:
    over_next = "" if row.over_next is None else f"{row.over_next[0]:.2f}"
    beside = (over_next, f"{row.n - row.failed}/{row.n}")
    return IntervalRow(name, (), *row.iqm, beside, not row.failed, True)


def _draw(heading: str, rows: list[IntervalRow], figure: Figure) -> None:
    axes = figure.subplots()
    header = ("P(>next)", "seeds")
    draw_rows(axes, rows, heading, header, beside([header, *(row.beside for row in rows)]))
    set_axis(axes, "x", AGGREGATE_AXIS)
    axes.set_xlabel("interquartile mean (0 uniform noise, 1 real data)")
