"""A data set's variants by one score: every seed, the mean with its interval, the rank, and the yardsticks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.analysis.figure_data import chosen, heading, short
from ganbench.analysis.score_table import TITLES, Table, TableRow
from ganbench.errors import UsageError
from ganbench.formatting import number, suggestion
from ganbench.report.plots import interval_rows
from ganbench.report.plots.style import (
    GREY,
    INK,
    TEXT,
    Dashes,
    Picture,
    columns,
    fitted,
    legend,
    legend_height,
    limits,
    literal,
    scale,
)

REFERENCES: dict[str, Dashes] = {TITLES["real"]: "-", TITLES["gaussian"]: (0, (5, 2)), TITLES["noise"]: (0, (1, 1.5))}
OTHER: Dashes = (0, (6, 2, 1, 2))
FAR = 5.0
"""A yardstick that would make the axis so many times longer is named, not drawn."""


@dataclass(frozen=True)
class Ranks:
    """What is drawn: rows best mean first, and yardsticks by name."""

    heading: str
    score: str
    better: str
    log: bool
    rows: tuple[interval_rows.Row, ...]
    references: dict[str, float]

    @property
    def values(self) -> list[float]:
        """Everything of the variants that the axis shows."""
        return [value for row in self.rows for value in row.everything]


def score_of(table: Table, asked: str | None) -> str:
    """The score to draw: the one asked for, or the first. Raises `UsageError`."""
    if not table.columns:
        raise UsageError(f"no run on {table.dataset} has a score yet; run the suite first")
    if asked is not None and asked not in table.columns:
        raise UsageError(f"{table.dataset} has no score {asked!r}{suggestion(asked, list(table.columns))}")
    return asked or next(iter(table.columns))


def read(table: Table, asked: str | None = None, names: Sequence[str] = ()) -> Ranks:
    """The rows of a table by one score. Raises `UsageError` where there is no such score, or no value of it."""
    score = score_of(table, asked)
    pairs = chosen([(row.loss, row.architecture) for row in table.variants], names)
    shown, common = short(pairs)
    kept = [row for row in table.variants if (row.loss, row.architecture) in shown]
    if not any(row.scores[score].values for row in kept):
        raise UsageError(f"no variant has a value of {score!r} on {table.dataset}")
    better = table.columns[score]
    rows = [
        _row(row, shown[row.loss, row.architecture], score) for row in sorted(kept, key=lambda row: row.place(score))
    ]
    references = {
        row.title: found
        for row in table.rows
        if row.kind == "reference" and (found := row.scores[score].mean) is not None
    }
    log = kept[0].scores[score].scale == "log" and min(v for row in rows for v in row.everything) > 0
    return Ranks(heading(table.dataset, common), score, better, log, tuple(rows), references)


def _row(row: TableRow, name: str, score: str) -> interval_rows.Row:
    cell = row.scores[score]
    rank = row.rank.get(score)
    beside = ("–" if rank is None or cell.mean is None else str(rank), f"{row.n_ok}/{row.n}")  # noqa: RUF001
    return interval_rows.Row(name, cell.values, cell.mean, cell.low, cell.high, beside, row.n_ok == row.n, rank == 1)


def picture(data: Ranks) -> Picture:
    def height(width: float) -> float:
        names = _names(data)
        return (
            interval_rows.height(data.rows, width)
            + 0.2
            + (legend_height(len(names), columns(names, width)) if names else 0)
        )

    return Picture(partial(draw, data), height)


def draw(data: Ranks, figure: Figure) -> None:
    axes = figure.subplots()
    ends = _ends(data)
    interval_rows.draw(axes, data.rows, data.heading, ("rank", "ok"))
    score = fitted(literal(data.score), 0.4 * float(figure.get_size_inches()[0]), TEXT)
    axes.set_xlabel(f"{score} ({data.better} is better{', log scale' if data.log else ''})")
    axes.set_xscale("log" if data.log else "linear")
    axes.set_xlim(*ends)
    scale(axes.xaxis, *ends, data.log)
    _yardsticks(axes, figure, data, ends)


def _ends(data: Ranks) -> tuple[float, float]:
    """The axis: all variants, and the yardsticks that do not squeeze them."""
    shown, span = data.values, _span(data.values)
    for value in sorted(data.references.values(), key=lambda value: _span([*data.values, value])):
        wider = [*shown, value]
        if (data.log and value > 0) or (not data.log and _span(wider) <= FAR * span) or span == 0:
            shown = wider
    return limits(shown, data.log)


def _span(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _yardsticks(axes: Axes, figure: Figure, data: Ranks, ends: tuple[float, float]) -> None:
    handles = []
    for name, value in data.references.items():
        dashes, colour = REFERENCES.get(name, OTHER), INK if name == TITLES["real"] else GREY
        inside = ends[0] <= value <= ends[1]
        if inside:
            axes.axvline(value, color=colour, linestyle=dashes, linewidth=0.9, zorder=1)
        handles.append(Line2D([], [], color=colour, linestyle=dashes if inside else "none", linewidth=0.9))
    if handles:
        legend(figure, handles, _names(data), columns(_names(data), float(figure.get_size_inches()[0])))


def _names(data: Ranks) -> list[str]:
    ends = _ends(data)
    return [
        f"{name} {number(value)}" + ("" if ends[0] <= value <= ends[1] else " (off the axis)")
        for name, value in data.references.items()
    ]
