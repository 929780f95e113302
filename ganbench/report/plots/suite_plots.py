"""Plots for papers and reports: training curves, samples, ranks, cost and modes, made from records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ganbench.analysis import aggregate as over_all
from ganbench.analysis.figure_data import datasets
from ganbench.analysis.score_table import COSTS, Table
from ganbench.errors import GanbenchError
from ganbench.report.plots import aggregate, cost, curves, mode_capture, modes, ranks
from ganbench.report.plots.style import Picture
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan


@dataclass(frozen=True)
class Plot:
    """A figure of a suite: its file's name, its data set's label (empty: it is of all), and what draws it."""

    name: str
    dataset: str
    make: Callable[[], Picture]

    @cached_property
    def svg(self) -> bytes:
        """Drawn once. Raises `ResultsError` where a file is damaged, `UsageError` where there is nothing to draw."""
        return self.make().rendered("svg")


def drawable(
    plots: Sequence[Plot], on_progress: Callable[[int, int, str], None] = lambda done, total, what: None
) -> tuple[list[Plot], list[str]]:
    """The plots that can be drawn, and why the others cannot: one damaged history is no reason for no report."""
    found, notes = [], []
    for index, plot in enumerate(plots):
        on_progress(index, len(plots), "drawing plots")
        try:
            _ = plot.svg
        except GanbenchError as error:
            notes.append(f"{plot.name} is left out: {error}")
        else:
            found.append(plot)
    return found, notes


def suite_plots(layout: SavedPlan, tables: list[Table], store: Store, slugs: Mapping[str, str]) -> list[Plot]:
    """Every plot that the records of a suite allow, none of them drawn yet.

    `overall.svg`, `captured.svg`, and for each data set `ranks-*.svg`, `cost-*.svg`, `curves-*.svg`
    and `modes-*.svg`, where `slugs` says what stands for its label in a file's name.
    """
    made: list[Plot] = []
    if over_all.build(tables) is not None:
        made.append(Plot("overall.svg", "", lambda: aggregate.picture(aggregate.read(tables))))
    counted = _counted(layout, store)
    if counted:
        made.append(Plot("captured.svg", "", lambda: mode_capture.picture(mode_capture.read(layout, store))))
    for table in tables:
        for kind, make in _of_one(table, layout, store, table.dataset in counted).items():
            made.append(Plot(f"{kind}-{slugs[table.dataset]}.svg", table.dataset, make))
    return made


def _of_one(table: Table, layout: SavedPlan, store: Store, counted: bool) -> dict[str, Callable[[], Picture]]:
    """The plots of one data set that have something to show."""
    made: dict[str, Callable[[], Picture]] = {}
    scored = [row for row in table.variants if table.primary and row.scores[table.primary].values]
    if scored:
        made["ranks"] = lambda: ranks.picture(ranks.read(table))
    if any(row.cost.get(COSTS["train s"]) is not None for row in scored):
        made["cost"] = lambda: cost.picture(cost.read(table, layout, store))
    runs = [id_ for row in layout.rows if row.dataset.text == table.dataset for id_ in row.runs.values()]
    if any((store.runs / id_ / "history.csv").is_file() for id_ in runs):
        made["curves"] = lambda: curves.picture(curves.read(layout, store, table.dataset))
    if counted:
        made["modes"] = lambda: modes.picture(modes.read(layout, store, table.dataset))
    return made


def _counted(layout: SavedPlan, store: Store) -> set[str]:
    """The data sets with a run that counted its samples by mode."""
    return {
        dataset
        for dataset in datasets(layout)
        if any(modes.has(store.run(id_)) for r in layout.rows if r.dataset.text == dataset for id_ in r.runs.values())
    }
