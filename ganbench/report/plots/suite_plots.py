"""The figures of a report, as the records of a suite allow: ranks, cost, curves, modes of each dataset, and of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ganbench.analysis import aggregate
from ganbench.analysis.figure_data.aggregate import aggregate_info
from ganbench.analysis.figure_data.cost import cost_info
from ganbench.analysis.figure_data.curves import curves_info
from ganbench.analysis.figure_data.improvement import improvement_info
from ganbench.analysis.figure_data.modes import captured_modes, has_histogram, mode_capture_info, modes_info
from ganbench.analysis.figure_data.profile import profile_info
from ganbench.analysis.figure_data.ranks import ranks_info
from ganbench.analysis.figure_data.selection import datasets
from ganbench.analysis.figure_data.tiers import tiers_info
from ganbench.analysis.lottery import drawn_pairs, lottery
from ganbench.analysis.score_table import COSTS, Table
from ganbench.errors import GanbenchError
from ganbench.report.plots.aggregate import plot_aggregate
from ganbench.report.plots.cost import plot_cost
from ganbench.report.plots.curves import plot_curves
from ganbench.report.plots.improvement import plot_improvement
from ganbench.report.plots.lottery import plot_lottery
from ganbench.report.plots.mode_capture import plot_mode_capture
from ganbench.report.plots.modes import plot_modes
from ganbench.report.plots.profile import plot_profile
from ganbench.report.plots.ranks import plot_ranks
from ganbench.report.plots.style import PaperFigure
from ganbench.report.plots.tiers import plot_tiers
from ganbench.results.records import Record
from ganbench.results.run_files import HISTORY
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan

MOST_PAIRS = 10_000
"""Pairs of variants of which a report has the lottery (about ten seconds); `ganbench plot lottery` has no limit."""


@dataclass(frozen=True)
class Plot:
    """A figure of a suite: its file name, its dataset's label (empty if it is of all), and what draws it."""

    name: str
    dataset: str
    make: Callable[[], PaperFigure]

    @cached_property
    def svg(self) -> bytes:
        """Drawn once. Raises `ResultsError` if a file is damaged, `UsageError` if there is nothing to draw."""
        return self.make().rendered("svg")


def drawable(
    plots: Sequence[Plot], on_progress: Callable[[int, int, str], None] = lambda done, total, what: None
) -> tuple[list[Plot], list[str]]:
    """The plots that can be drawn, and why the others cannot, so that one damaged history does not stop a report."""
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


def suite_plots(plan: SavedPlan, tables: list[Table], store: Store, slugs: Mapping[str, str]) -> list[Plot]:
    """Every plot that the records of a suite allow, not drawn yet.

    `overall.svg`, `captured.svg`, `tiers.svg`, `profile.svg`, `improvement.svg`, `lottery.svg`, and for each dataset
    `ranks-*.svg`, `cost-*.svg`, `curves-*.svg` and `modes-*.svg`; `slugs` maps its label to the part of the file name.
    """
    made = [Plot(f"{kind}.svg", "", make) for kind, make in _of_all(tables, plan, store).items()]
    counted = _datasets_with(plan, store, has_histogram)
    for table in tables:
        for kind, make in _of_one(table, plan, store, table.dataset in counted).items():
            made.append(Plot(f"{kind}-{slugs[table.dataset]}.svg", table.dataset, make))
    return made


def _of_all(tables: list[Table], plan: SavedPlan, store: Store) -> dict[str, Callable[[], PaperFigure]]:
    """The plots over all datasets that have something to show."""
    made: dict[str, Callable[[], PaperFigure]] = {}
    combined = aggregate.build(tables)
    if combined is not None:
        made["overall"] = lambda: plot_aggregate(aggregate_info(tables))
    if _datasets_with(plan, store, _captures):
        made["captured"] = lambda: plot_mode_capture(mode_capture_info(plan, store))
    if any(table.primary and row.tier for table in tables for row in table.variants):
        made["tiers"] = lambda: plot_tiers(tiers_info(tables))
    if combined is not None:
        made["profile"] = lambda: plot_profile(profile_info(tables))
    if combined is not None and len(combined.rows) > 1:
        made["improvement"] = lambda: plot_improvement(improvement_info(tables))
    if 0 < drawn_pairs(tables) <= MOST_PAIRS:
        made["lottery"] = lambda: plot_lottery(lottery(plan.suite, tables, plan.family))
    return made


def _of_one(table: Table, plan: SavedPlan, store: Store, counted: bool) -> dict[str, Callable[[], PaperFigure]]:
    """The plots of one dataset that have something to show."""
    made: dict[str, Callable[[], PaperFigure]] = {}
    scored = [row for row in table.variants if table.primary and row.scores[table.primary].values]
    if scored:
        made["ranks"] = lambda: plot_ranks(ranks_info(table))
    if any(row.cost.get(COSTS["train s"]) is not None for row in scored):
        made["cost"] = lambda: plot_cost(cost_info(table, plan, store))
    runs = [id_ for row in plan.rows if row.dataset.text == table.dataset for id_ in row.runs.values()]
    if any((store.runs / id_ / HISTORY).is_file() for id_ in runs):
        made["curves"] = lambda: plot_curves(curves_info(plan, store, table.dataset))
    if counted:
        made["modes"] = lambda: plot_modes(modes_info(plan, store, table.dataset))
    return made


def _captures(record: Record | None) -> bool:
    return bool(record and record.ok and captured_modes(record) is not None)


def _datasets_with(plan: SavedPlan, store: Store, has: Callable[[Record | None], bool]) -> set[str]:
    """The datasets with a run of which something is true."""
    return {
        dataset
        for dataset in datasets(plan)
        if any(has(one) for r in plan.rows if r.dataset.text == dataset for one in r.records(store).values())
    }
