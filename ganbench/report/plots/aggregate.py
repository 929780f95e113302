"""The variants over all data sets: interquartile means with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.figure import Figure

from ganbench.analysis import aggregate
from ganbench.analysis.figure_data import chosen, short
from ganbench.analysis.score_table import Table
from ganbench.errors import UsageError
from ganbench.report.plots import interval_rows
from ganbench.report.plots.style import Picture, scale


@dataclass(frozen=True)
class OverAll:
    """What is drawn: rows best first; `common` is what all their names would share."""

    heading: str
    rows: tuple[interval_rows.Row, ...]
    notes: tuple[str, ...]


def read(tables: list[Table], names: Sequence[str] = ()) -> OverAll:
    """Raises `UsageError` where the suite has no overall view."""
    found = aggregate.build(tables)
    if found is None:
        labels = ", ".join(table.dataset for table in tables)
        raise UsageError(
            "there is no overall view: it wants two data sets with yardsticks and a variant with enough seeds on all "
            f"of them; draw one with --dataset: {labels}"
        )
    pairs = {row.title: row for table in tables for row in table.variants}
    kept = chosen([(pairs[row.title].loss, pairs[row.title].architecture) for row in found.rows], names)
    shown, common = short(kept)
    rows = [
        interval_rows.Row(name, (), *row.iqm, (_over(row), f"{row.n - row.failed}/{row.n}"), not row.failed, True)
        for row in found.rows
        if (name := shown.get((pairs[row.title].loss, pairs[row.title].architecture))) is not None
    ]
    heading = "over " + ", ".join(found.scores) + (f"; {common}" if common else "")
    return OverAll(heading, tuple(rows), found.notes)


def _over(row: aggregate.OverallRow) -> str:
    return "" if row.over_next is None else f"{row.over_next[0]:.2f}"


def picture(data: OverAll) -> Picture:
    return Picture(partial(draw, data), lambda width: interval_rows.height(data.rows, width) + 0.2, data.notes)


def draw(data: OverAll, figure: Figure) -> None:
    axes = figure.subplots()
    interval_rows.draw(axes, data.rows, data.heading, ("P(>next)", "seeds"), at=(18.0, 50.0))
    axes.set_xlim(0, 1)
    scale(axes.xaxis, 0, 1, False)
    axes.set_xlabel("interquartile mean (0 uniform noise, 1 real data)")
