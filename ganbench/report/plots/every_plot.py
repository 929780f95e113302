"""Every figure of every kind that `ganbench plot` can draw of a suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from ganbench.analysis.figure_data.improvement import improvement_info
from ganbench.analysis.figure_data.profile import profile_info
from ganbench.analysis.figure_data.selection import datasets
from ganbench.analysis.figure_data.tiers import tiers_info
from ganbench.analysis.lottery import Lottery
from ganbench.analysis.score_table import Table
from ganbench.report.plots.improvement import plot_improvement
from ganbench.report.plots.lottery import plot_lottery
from ganbench.report.plots.profile import plot_profile
from ganbench.report.plots.samples import SamplesInfo, film_info, plot_samples, samples_info
from ganbench.report.plots.style import PaperFigure
from ganbench.report.plots.suite_plots import suite_plots
from ganbench.report.plots.tiers import plot_tiers
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan


@dataclass(frozen=True)
class NamedFigure:
    """A figure's file name without its ending, and what draws it, which may find nothing to draw (`UsageError`)."""

    name: str
    make: Callable[[], PaperFigure]


def every_plot(
    plan: SavedPlan, tables: list[Table], store: Store, slugs: Mapping[str, str], draw_lots: Callable[[], Lottery],
    width: float,
) -> list[NamedFigure]:  # fmt: skip
    """All kinds, over all datasets and of each, not drawn yet. `width` (inches) is that of the figures."""
    found = [NamedFigure(plot.name.removesuffix(".svg"), plot.make) for plot in suite_plots(plan, tables, store, slugs)]
    overall = [
        NamedFigure("tiers", lambda: plot_tiers(tiers_info(tables))),
        NamedFigure("profile", lambda: plot_profile(profile_info(tables))),
        NamedFigure("improvement", lambda: plot_improvement(improvement_info(tables))),
        NamedFigure("lottery", lambda: plot_lottery(draw_lots())),
    ]
    listed = {one.name for one in found}
    found += [one for one in overall if one.name not in listed]  # they say why there is nothing to draw
    for dataset in datasets(plan):
        for kind, info in (("samples", samples_info), ("film", film_info)):
            make = partial(_samples, partial(info, plan, store, dataset, width))
            found.append(NamedFigure(f"{kind}-{slugs[dataset]}", make))
    return found


def _samples(info: Callable[[], SamplesInfo]) -> PaperFigure:
    return plot_samples(info())
