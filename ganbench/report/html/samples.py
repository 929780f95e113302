"""Samples on a dataset's page: large and beside real data, the training of the best, and quality over training."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.analysis.figure_data.curves import Line
from ganbench.analysis.figure_data.selection import dataset_variants
from ganbench.analysis.figure_data.series import Series, snapshot_series
from ganbench.analysis.score_table import Table, TableRow
from ganbench.errors import UsageError
from ganbench.report.html.charts import Chart, curves_chart
from ganbench.report.html.content import Content, Reference, Run
from ganbench.report.text.grid import ARROWS
from ganbench.report.text.spread import shown

MAX_LARGE = 24
"""The most variants whose samples are shown large; the gallery of all seeds shows the others."""
MAX_LINES = 8
"""The most variants in a chart of quality over training: as many as there are colors."""


@dataclass(frozen=True)
class Sheet:
    """A large picture of a variant's samples: its first seed that has some, with the mean over all seeds."""

    row: TableRow
    run: Run
    score: str
    classes: tuple[int, ...]
    """The classes of the picture's rows; empty if it is not by class."""


@dataclass(frozen=True)
class Sheets:
    """The sheets of a dataset, best first, with real data to hold them against; `best` has more pictures."""

    real: Reference | None
    sheets: tuple[Sheet, ...]
    images: bool
    more: int
    best: Run | None


def sheets(content: Content, table: Table) -> Sheets:
    """The variants of a dataset by their primary score, each with the samples of one seed."""
    found = []
    score = table.primary
    for row in table.best_first:
        run = content.pictured_run(row)
        if run is not None and run.record is not None:
            text = str(shown(row.scores[score], row.n)) if score else ""
            found.append(Sheet(row, run, text, run.record.class_rows))
    images = any(one.run.of_images for one in found)
    best = found[0].run if found and {"film.png", "neighbours.png"} & {*content.files(found[0].run)} else None
    return Sheets(
        content.real_data(table.dataset), tuple(found[:MAX_LARGE]), images, max(0, len(found) - MAX_LARGE), best
    )


def progress_chart(content: Content, table: Table) -> Chart | None:
    """The primary score at the snapshots and at the end, mean over seeds, of the variants that are best at the end.

    None if no run has snapshots with it.
    """
    score = table.primary
    if not score:
        return None
    try:
        variants, _ = dataset_variants(content.plan, content.store, table.dataset)
    except UsageError:  # nothing has run on it
        return None
    series = {
        variant.title: (variant.name, found) for variant in variants if (found := snapshot_series(variant, score))
    }
    order = [row.title for row in table.best_first if row.title in series]
    if not order:
        return None
    chosen = [series[title] for title in order[:MAX_LINES]]
    log = table.averaged(score) == "log" and all(found.positive for _, found in chosen)
    lines = [_line(name, Series(found.steps, found.values, log)) for name, found in chosen]
    better = ARROWS[table.columns[score]]
    more = f", the best {MAX_LINES} of {len(order)} variants" if len(order) > MAX_LINES else ""
    title = f"{score} {better} during training, mean over seeds{more}" + (", log scale" if log else "")
    return curves_chart(title, lines, int(max(found.steps[-1] for _, found in chosen)), log)


def _line(name: str, series: Series) -> Line:
    return Line(name, [float(step) for step in series.steps], [float(value) for value in series.mean])
