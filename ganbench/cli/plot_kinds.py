"""`ganbench plot` of one dataset: curves, samples, ranks, cost and modes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import click

from ganbench.cli.options import options_as
from ganbench.cli.plot_options import (
    METRIC,
    PlotOptions,
    SuiteOptions,
    all_tables,
    find_table,
    option,
    plot_options,
    read_results,
    write,
)
from ganbench.errors import UsageError
from ganbench.results.store import Store

if TYPE_CHECKING:
    from ganbench.report.plots.style import PaperFigure


@dataclass(frozen=True)
class CurvesOptions(PlotOptions):
    """The options of `curves`: a suite, or a single run."""

    suite: str | None
    signals: tuple[str, ...]
    metrics: tuple[str, ...]
    band: Literal["range", "interval"]
    run: str | None


@dataclass(frozen=True)
class SamplesOptions(SuiteOptions):
    """The options of `samples`."""

    film: bool


@dataclass(frozen=True)
class RanksOptions(SuiteOptions):
    """The options of `ranks`."""

    metric: str | None
    overall: bool


@dataclass(frozen=True)
class CostOptions(SuiteOptions):
    """The options of `cost`."""

    metric: str | None
    against: Literal["seconds", "samples"]


@dataclass(frozen=True)
class ModesOptions(SuiteOptions):
    """The options of `modes`."""

    captured: bool


@click.command("curves")
@plot_options(
    option("--signal", "signals", multiple=True, metavar="NAME",
            help="A training signal, a column of history.csv; can be repeated: one panel each."),
    option("--metric", "metrics", multiple=True, metavar="SCORE",
            help="A score over the snapshots of training; can be repeated."),
    option("--band", type=click.Choice(["range", "interval"]), default="range", show_default=True,
            help="Around the mean: all seeds, or the 95 % interval of their mean."),
    option("--run", metavar="ID", help="A single run, by its id or the beginning of it."),
    required=False,
)  # fmt: skip
@options_as(CurvesOptions)
def curves_command(options: CurvesOptions) -> int:
    """Training signals, or scores at snapshots, over the steps: the mean of the seeds and a band."""
    if options.run is not None:
        return write(options, partial(_run_curves, options, options.run))
    if options.suite is None:
        raise UsageError("name a suite with --suite, or one run with --run")
    return write(options, partial(_suite_curves, options, options.suite))


def _run_curves(options: CurvesOptions, run: str, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.curves import run_curves_info
    from ganbench.report.plots.curves import plot_curves

    if options.suite or options.dataset or options.variants:
        raise UsageError("--run draws a single run; leave out --suite, --dataset and --variant")
    store = Store(options.results)
    run_id = store.only_run(run)[1].name
    return plot_curves(run_curves_info(store, run_id, options.signals, options.metrics))


def _suite_curves(options: CurvesOptions, suite: str, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.curves import curves_info
    from ganbench.analysis.figure_data.selection import find_dataset
    from ganbench.report.plots.curves import plot_curves

    plan, store = read_results(options.results, suite)
    name = find_dataset(plan, options.dataset)
    chosen = options.signals, options.metrics, options.variants, options.band
    return plot_curves(curves_info(plan, store, name, *chosen))


@click.command("samples")
@plot_options(option("--film", is_flag=True, help="One seed of each variant during training, one column per step."))
@options_as(SamplesOptions)
def samples_command(options: SamplesOptions) -> int:
    """Samples side by side: one row per variant, one column per seed, real data below."""
    return write(options, partial(_samples, options))


def _samples(options: SamplesOptions, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.selection import find_dataset
    from ganbench.report.plots.samples import film_info, plot_samples, samples_info

    plan, store = read_results(options.results, options.suite)
    name = find_dataset(plan, options.dataset)
    get_info = film_info if options.film else samples_info
    return plot_samples(get_info(plan, store, name, wide, options.variants))


@click.command("ranks")
@plot_options(
    METRIC,
    option("--overall", is_flag=True, help="All datasets together: interquartile means, as below the tables."),
)
@options_as(RanksOptions)
def ranks_command(options: RanksOptions) -> int:
    """Variants by a score: seeds, mean, 95 % interval, tier and rank, with the references as lines.

    Without --dataset, a suite with several datasets is drawn as with --overall.
    """
    return write(options, partial(_ranks, options))


def _ranks(options: RanksOptions, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.aggregate import aggregate_info
    from ganbench.analysis.figure_data.ranks import ranks_info
    from ganbench.analysis.figure_data.selection import datasets
    from ganbench.report.plots.aggregate import plot_aggregate
    from ganbench.report.plots.ranks import plot_ranks

    plan, store = read_results(options.results, options.suite)
    several = len(datasets(plan)) > 1
    if options.overall or (options.dataset is None and several):
        if options.metric or (options.overall and options.dataset):
            raise UsageError(
                "the aggregate is over the primary scores of all datasets; to draw another score, name one dataset "
                "with --dataset and leave out --overall"
            )
        return plot_aggregate(aggregate_info(all_tables(plan, store), options.variants))
    return plot_ranks(ranks_info(find_table(plan, store, options.dataset), options.metric, options.variants))


@click.command("cost")
@plot_options(
    METRIC,
    option("--against", type=click.Choice(["seconds", "samples"]), default="seconds", show_default=True,
            help="The cost of a seed: seconds of training, or real samples that D saw."),
)  # fmt: skip
@options_as(CostOptions)
def cost_command(options: CostOptions) -> int:
    """Quality against the cost of a seed; the line is the Pareto front."""
    return write(options, partial(_cost, options))


def _cost(options: CostOptions, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.cost import cost_info
    from ganbench.report.plots.cost import plot_cost

    plan, store = read_results(options.results, options.suite)
    table = find_table(plan, store, options.dataset)
    return plot_cost(cost_info(table, plan, store, options.metric, options.against, options.variants))


@click.command("modes")
@plot_options(option("--captured", is_flag=True, help="How many modes are captured of how many, over all datasets."))
@options_as(ModesOptions)
def modes_command(options: ModesOptions) -> int:
    """The share of samples in every mode or class, by variant, with real data as a line.

    Whether a mode is captured is decided as in the table, by the hyperparameters of the score that counts them.
    """
    return write(options, partial(_modes, options))


def _modes(options: ModesOptions, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.modes import mode_capture_info, modes_info
    from ganbench.analysis.figure_data.selection import find_dataset
    from ganbench.report.plots.mode_capture import plot_mode_capture
    from ganbench.report.plots.modes import plot_modes

    plan, store = read_results(options.results, options.suite)
    if options.captured:
        if options.dataset:
            raise UsageError("--captured is over all datasets; leave out --dataset")
        return plot_mode_capture(mode_capture_info(plan, store, options.variants))
    name = find_dataset(plan, options.dataset)
    return plot_modes(modes_info(plan, store, name, options.variants))
