"""Draws a dataset's variants by one score: every seed, the mean with its interval, tier and rank, and references."""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.analysis.figure_data.ranks import RankedVariant, RanksInfo
from ganbench.analysis.score_table import TITLES, TableRow
from ganbench.formatting import number
from ganbench.report.plots.interval_rows import IntervalRow, beside, draw_rows, rows_height
from ganbench.report.plots.style import (
    GRAY,
    INK,
    TEXT,
    Dashes,
    PaperFigure,
    drawable_text,
    extent,
    fitted,
    legend,
    legend_columns,
    legend_height,
    set_axis,
    width_of,
)
from ganbench.report.text.grid import rank, tier
from ganbench.statistics.letters import in_short

REFERENCES: dict[str, Dashes] = {TITLES["real"]: "-", TITLES["gaussian"]: (0, (5, 2)), TITLES["noise"]: (0, (1, 1.5))}
OTHER: Dashes = (0, (6, 2, 1, 2))
SHORT = {"inconclusive": "inconcl.", "reference": "ref.", "too few seeds": "few seeds", "no variation": "no var."}
"""Tiers that are shortened beside the panel."""
WIDEST_TIER = 0.7
"""Inches that a tier has beside the panel."""


def plot_ranks(info: RanksInfo) -> PaperFigure:
    """One row per variant, and references as vertical lines."""
    rows = [_row(variant, info.all_pairs) for variant in info.variants]

    def height(width: float) -> float:
        texts = _reference_texts(info)
        below = legend_height(len(texts), legend_columns(texts, width)) if texts else 0
        return rows_height(rows, width) + 0.2 + below

    return PaperFigure(partial(_draw, info, rows), height)


def _tier(row: TableRow) -> str:
    """The tier, in short where it is a long word or many letters, so that the panel keeps its room."""
    text = tier(row)
    if not row.tier:
        return text
    mark = text.removeprefix(row.tier)
    return fitted(SHORT.get(row.tier, in_short(row.tier)), WIDEST_TIER - extent(mark)) + mark


def _row(variant: RankedVariant, all_pairs: bool) -> IntervalRow:
    score, row = variant.score, variant.row
    place = ((_tier(row), rank(row)) if all_pairs else (_tier(row),)) if variant.ranked else ()
    return IntervalRow(
        variant.name, score.values, score.mean, score.low, score.high, (*place, f"{row.n_ok}/{row.n}"),
        row.n_ok == row.n, bool(row.led) and variant.ranked, row.failed,
    )  # fmt: skip


def _draw(info: RanksInfo, rows: list[IntervalRow], figure: Figure) -> None:
    axes = figure.subplots()
    header = (*(("tier", "rank") if info.all_pairs else ("tier",)), "ok") if info.ranked else ("ok",)
    at = beside([header, *(row.beside for row in rows)])
    draw_rows(axes, rows, info.heading, header, at, failed_left=info.better == "higher")
    score = fitted(drawable_text(info.score), 0.4 * width_of(figure), TEXT)
    failed = "× failed seed" if info.failed else ""  # noqa: RUF001
    exploratory = "" if info.ranked else "exploratory"
    facts = [f"{info.better} is better", exploratory, "log scale" if info.axis.log else "", failed]
    axes.set_xlabel(f"{score} ({', '.join(filter(None, facts))})")
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
