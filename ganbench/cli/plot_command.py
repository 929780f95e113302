"""`ganbench plot`: figures for papers from the records of a suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ganbench.api.suites import saved_plan
from ganbench.cli.options import options_as, results_option
from ganbench.errors import UsageError, printable
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan

if TYPE_CHECKING:
    from ganbench.analysis.score_table import Table
    from ganbench.report.plots.style import PaperFigure

_option = click.option
Command = Callable[..., int]


@dataclass(frozen=True)
class PlotOptions:
    """The options of every plot, as click reads them."""

    to: Path
    width: str
    dataset: str | None
    variants: tuple[str, ...]
    results: Path


@dataclass(frozen=True)
class CurvesOptions(PlotOptions):
    """The options of `curves`: a suite, or a single run."""

    suite: str | None
    signals: tuple[str, ...]
    metrics: tuple[str, ...]
    band: Literal["range", "interval"]
    run: str | None


@dataclass(frozen=True)
class SuiteOptions(PlotOptions):
    """The options of every plot of a whole suite."""

    suite: str


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


@click.group("plot")
def command() -> None:
    """Draw figures for papers: the same records give the same bytes.

    The file's extension chooses SVG, PDF or PNG. By default, a figure is as wide as a column of a paper.
    """


to = _option("--to", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE.svg|.pdf|.png",
             help="The file to write.")  # fmt: skip
width = _option("--width", default="column", show_default=True, metavar="column|page|INCHES",
                help="3.3 inches, 6.8 inches, or a number of inches.")  # fmt: skip
dataset = _option("--dataset", metavar="NAME", help="The dataset; not needed if the suite has only one.")
metric = _option("--metric", metavar="SCORE", help="The score; by default the dataset's primary one.")
variant = _option("--variant", "variants", multiple=True, metavar="NAME",
                  help="Draw only this loss, architecture or 'loss x architecture'; can be repeated.")  # fmt: skip


def _plot_options(*own: Callable[[Command], Command], required: bool = True) -> Callable[[Command], Command]:
    """A decorator with the options of every plot, and its own."""
    suite = _option("--suite", required=required, metavar="NAME|FILE", help="A suite that has run in this folder.")

    def decorated(function: Command) -> Command:
        options: tuple[Callable[[Command], Command], ...] = (suite, to, width, dataset, variant, *own, results_option)
        for option in reversed(options):
            function = option(function)
        return function

    return decorated


def _results(folder: Path, suite: str) -> tuple[SavedPlan, Store]:
    return saved_plan(folder, suite), Store(folder)


def _write(options: PlotOptions, make: Callable[[float], PaperFigure]) -> int:
    """Draw and write a figure: its path on stdout, notes on stderr. Invalid options are reported before it is drawn."""
    from ganbench.files import write_atomically
    from ganbench.report.plots.figure import form
    from ganbench.report.plots.style import inches

    kind, wide = form(options.to), inches(options.width)
    figure = make(wide)
    write_atomically(options.to, figure.rendered(kind, wide))
    click.echo(options.to)
    for note in figure.notes:
        click.echo(printable(f"note: {note}"), err=True)
    return 0


def _table(plan: SavedPlan, store: Store, asked: str | None) -> Table:
    """The table of a dataset."""
    from ganbench.analysis import tables
    from ganbench.analysis.figure_data.selection import find_dataset

    name = find_dataset(plan, asked)
    return next(table for table in tables.build(plan, store) if table.dataset == name)


@command.command("curves")
@_plot_options(
    _option("--signal", "signals", multiple=True, metavar="NAME",
            help="A training signal, a column of history.csv; can be repeated: one panel each."),
    _option("--metric", "metrics", multiple=True, metavar="SCORE",
            help="A score over the snapshots of training; can be repeated."),
    _option("--band", type=click.Choice(["range", "interval"]), default="range", show_default=True,
            help="Around the mean: all seeds, or the 95 % interval of their mean."),
    _option("--run", metavar="ID", help="A single run, by its id or the beginning of it."),
    required=False,
)  # fmt: skip
@options_as(CurvesOptions)
def curves_command(options: CurvesOptions) -> int:
    """Training signals, or scores at snapshots, over the steps: the mean of the seeds and a band."""
    if options.run is not None:
        return _write(options, partial(_run_curves, options, options.run))
    if options.suite is None:
        raise UsageError("name a suite with --suite, or one run with --run")
    return _write(options, partial(_suite_curves, options, options.suite))


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

    plan, store = _results(options.results, suite)
    name = find_dataset(plan, options.dataset)
    chosen = options.signals, options.metrics, options.variants, options.band
    return plot_curves(curves_info(plan, store, name, *chosen))


@command.command("samples")
@_plot_options(_option("--film", is_flag=True, help="One seed of each variant during training, one column per step."))
@options_as(SamplesOptions)
def samples_command(options: SamplesOptions) -> int:
    """Samples side by side: one row per variant, one column per seed, real data below."""
    return _write(options, partial(_samples, options))


def _samples(options: SamplesOptions, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.selection import find_dataset
    from ganbench.report.plots.samples import film_info, plot_samples, samples_info

    plan, store = _results(options.results, options.suite)
    name = find_dataset(plan, options.dataset)
    get_info = film_info if options.film else samples_info
    return plot_samples(get_info(plan, store, name, wide, options.variants))


@command.command("ranks")
@_plot_options(
    metric,
    _option("--overall", is_flag=True, help="All datasets together: interquartile means, as below the tables."),
)
@options_as(RanksOptions)
def ranks_command(options: RanksOptions) -> int:
    """Variants by a score: seeds, mean, 95 % interval, tier and rank, with the references as lines.

    Without --dataset, a suite with several datasets is drawn as with --overall.
    """
    return _write(options, partial(_ranks, options))


def _ranks(options: RanksOptions, wide: float) -> PaperFigure:
    from ganbench.analysis import tables
    from ganbench.analysis.figure_data.aggregate import aggregate_info
    from ganbench.analysis.figure_data.ranks import ranks_info
    from ganbench.analysis.figure_data.selection import datasets
    from ganbench.report.plots.aggregate import plot_aggregate
    from ganbench.report.plots.ranks import plot_ranks

    plan, store = _results(options.results, options.suite)
    several = len(datasets(plan)) > 1
    if options.overall or (options.dataset is None and several):
        if options.metric or (options.overall and options.dataset):
            raise UsageError(
                "the aggregate is over the primary scores of all datasets; to draw another score, name one dataset "
                "with --dataset and leave out --overall"
            )
        return plot_aggregate(aggregate_info(tables.build(plan, store), options.variants))
    return plot_ranks(ranks_info(_table(plan, store, options.dataset), options.metric, options.variants))


@command.command("lottery")
@_plot_options()
@options_as(SuiteOptions)
def lottery_command(options: SuiteOptions) -> int:
    """How often so many seeds name the wrong winner, of pairs of variants that all seeds tell apart."""
    return _write(options, partial(_lottery, options))


def _lottery(options: SuiteOptions, wide: float) -> PaperFigure:
    from ganbench.api.results import open_results
    from ganbench.report.plots.lottery import plot_lottery

    if options.variants:
        raise UsageError("the lottery is of all variants of a suite; leave out --variant")
    return plot_lottery(open_results(options.results, options.suite).lottery(options.dataset))


@command.command("cost")
@_plot_options(
    metric,
    _option("--against", type=click.Choice(["seconds", "samples"]), default="seconds", show_default=True,
            help="The cost of a seed: seconds of training, or real samples that D saw."),
)  # fmt: skip
@options_as(CostOptions)
def cost_command(options: CostOptions) -> int:
    """Quality against the cost of a seed; the line is the Pareto front."""
    return _write(options, partial(_cost, options))


def _cost(options: CostOptions, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.cost import cost_info
    from ganbench.report.plots.cost import plot_cost

    plan, store = _results(options.results, options.suite)
    table = _table(plan, store, options.dataset)
    return plot_cost(cost_info(table, plan, store, options.metric, options.against, options.variants))


@command.command("modes")
@_plot_options(_option("--captured", is_flag=True, help="How many modes are captured of how many, over all datasets."))
@options_as(ModesOptions)
def modes_command(options: ModesOptions) -> int:
    """The share of samples in every mode or class, by variant, with real data as a line.

    Whether a mode is captured is decided as in the table, by the hyperparameters of the score that counts them.
    """
    return _write(options, partial(_modes, options))


def _modes(options: ModesOptions, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.modes import mode_capture_info, modes_info
    from ganbench.analysis.figure_data.selection import find_dataset
    from ganbench.report.plots.mode_capture import plot_mode_capture
    from ganbench.report.plots.modes import plot_modes

    plan, store = _results(options.results, options.suite)
    if options.captured:
        if options.dataset:
            raise UsageError("--captured is over all datasets; leave out --dataset")
        return plot_mode_capture(mode_capture_info(plan, store, options.variants))
    name = find_dataset(plan, options.dataset)
    return plot_modes(modes_info(plan, store, name, options.variants))
