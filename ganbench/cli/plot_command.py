"""`ganbench plot`: figures for papers from the records of a suite."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cli.options import results_option, started
from ganbench.errors import UsageError, printable
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan

if TYPE_CHECKING:
    from ganbench.analysis.score_table import Table
    from ganbench.report.plots.style import Picture

_option = click.option
Option = Callable[[Any], Any]
"""What adds an option to a command."""


@click.group("plot")
def command() -> None:
    """Draw figures for papers: the same records give the same bytes.

    SVG, PDF or PNG by the file's ending, as wide as a column of a paper.
    """


to = _option("--to", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE.svg|.pdf|.png",
             help="The file to write.")  # fmt: skip
width = _option("--width", default="column", show_default=True, metavar="column|page|INCHES",
                help="3.3 inches, 6.8 inches, or so many.")  # fmt: skip
dataset = _option("--dataset", metavar="NAME", help="The data set; not needed where the suite has one.")
metric = _option("--metric", metavar="SCORE", help="The score; by default the data set's first.")
variant = _option("--variant", "variants", multiple=True, metavar="NAME",
                  help="Draw only this loss, architecture, or 'loss x architecture'; can be repeated.")  # fmt: skip


def _drawn(*own: Option, required: bool = True) -> Option:
    """The options of every plot, and its own."""
    suite = _option("--suite", required=required, metavar="NAME|FILE", help="A suite that has run in this folder.")

    def decorated(function: Any) -> Any:
        for option in reversed((suite, to, width, dataset, variant, *own, results_option)):
            function = option(function)
        return function

    return decorated


def _results(options: dict[str, Any]) -> tuple[SavedPlan, Store]:
    return started(options["suite"], options["results"]), Store(options["results"])


def _write(options: dict[str, Any], make: Callable[[float], Picture]) -> int:
    """Draw and write a picture; its name on stdout, what it leaves out on stderr. Bad options are told first."""
    from ganbench.files import write_atomically
    from ganbench.report.plots.figure import form
    from ganbench.report.plots.style import inches

    kind, wide = form(options["to"]), inches(options["width"])
    picture = make(wide)
    write_atomically(options["to"], picture.rendered(kind, wide))
    click.echo(options["to"])
    for note in picture.notes:
        click.echo(printable(f"note: {note}"), err=True)
    return 0


def _tables(content: SavedPlan, store: Store, dataset: str | None) -> tuple[Table, list[Table]]:
    """The data set's table, and all of the suite."""
    from ganbench.analysis import figure_data, tables

    name = figure_data.dataset(content, dataset)
    built = tables.build(content, store)
    return next(table for table in built if table.dataset == name), built


@command.command("curves")
@_drawn(
    _option("--signal", "signals", multiple=True, metavar="NAME",
            help="A training signal, a column of history.csv; can be repeated: one panel each."),
    _option("--metric", "metrics", multiple=True, metavar="SCORE",
            help="A score over the snapshots of training; can be repeated."),
    _option("--band", type=click.Choice(["range", "interval"]), default="range", show_default=True,
            help="Around the mean: all seeds, or the 95 % interval of their mean."),
    _option("--run", metavar="ID", help="One run alone, by its id or the beginning of it."),
    required=False,
)  # fmt: skip
def curves_command(**options: Any) -> int:
    """Training signals, or scores at snapshots, over the steps: the mean of the seeds and a band."""
    if options["run"] is None and options["suite"] is None:
        raise UsageError("name a suite with --suite, or one run with --run")
    return _write(options, partial(_curves, options))


def _curves(options: dict[str, Any], wide: float) -> Picture:
    from ganbench.analysis import figure_data
    from ganbench.report.plots import curves

    if options["run"] is not None:
        if options["suite"] or options["dataset"] or options["variants"]:
            raise UsageError("--run draws one run alone; leave out --suite, --dataset and --variant")
        store = Store(options["results"])
        id_ = store.only_run(options["run"])[1].name
        return curves.picture(curves.read_run(store, id_, options["signals"], options["metrics"]))
    content, store = _results(options)
    name = figure_data.dataset(content, options["dataset"])
    chosen = options["signals"], options["metrics"], options["variants"], options["band"]
    return curves.picture(curves.read(content, store, name, *chosen))


@command.command("samples")
@_drawn(_option("--film", is_flag=True, help="One seed of each variant while it was trained, a column a step."))
def samples_command(**options: Any) -> int:
    """Samples side by side: a row a variant, a column a seed, with real data below."""
    return _write(options, partial(_samples, options))


def _samples(options: dict[str, Any], wide: float) -> Picture:
    from ganbench.analysis import figure_data
    from ganbench.report.plots import samples

    content, store = _results(options)
    name = figure_data.dataset(content, options["dataset"])
    read = samples.read_film if options["film"] else samples.read
    return samples.picture(read(content, store, name, wide, options["variants"]))


@command.command("ranks")
@_drawn(
    metric,
    _option("--overall", is_flag=True, help="All data sets together: interquartile means, as below the tables."),
)
def ranks_command(**options: Any) -> int:
    """Variants by a score: seeds, mean, 95 % interval, rank, and the yardsticks as lines.

    Without --dataset, a suite of several data sets is drawn as with --overall.
    """
    return _write(options, partial(_ranks, options))


def _ranks(options: dict[str, Any], wide: float) -> Picture:
    from ganbench.analysis import figure_data, tables
    from ganbench.report.plots import aggregate, ranks

    content, store = _results(options)
    several = len(figure_data.datasets(content)) > 1
    if options["overall"] or (options["dataset"] is None and several):
        if options["metric"] or (options["overall"] and options["dataset"]):
            raise UsageError("the overall view is of the first scores of all data sets; name one with --dataset alone")
        return aggregate.picture(aggregate.read(tables.build(content, store), options["variants"]))
    table, _ = _tables(content, store, options["dataset"])
    return ranks.picture(ranks.read(table, options["metric"], options["variants"]))


@command.command("cost")
@_drawn(metric, _option("--against", type=click.Choice(["seconds", "samples"]), default="seconds", show_default=True,
                        help="The cost of a seed: seconds of training, or real samples seen."))  # fmt: skip
def cost_command(**options: Any) -> int:
    """Quality against the cost of a seed; the line joins the variants that none beats in both."""
    return _write(options, partial(_cost, options))


def _cost(options: dict[str, Any], wide: float) -> Picture:
    from ganbench.report.plots import cost

    content, store = _results(options)
    table, _ = _tables(content, store, options["dataset"])
    return cost.picture(cost.read(table, content, store, options["metric"], options["against"], options["variants"]))


@command.command("modes")
@_drawn(_option("--captured", is_flag=True, help="How many modes are captured of how many, over all data sets."))
def modes_command(**options: Any) -> int:
    """Where samples fall: their share in every mode or class, by variant, with real data as a line.

    A mode is captured where it holds at least a tenth of its fair share of the samples, whatever a suite sets.
    """
    return _write(options, partial(_modes, options))


def _modes(options: dict[str, Any], wide: float) -> Picture:
    from ganbench.analysis import figure_data
    from ganbench.report.plots import mode_capture, modes

    content, store = _results(options)
    if options["captured"]:
        if options["dataset"]:
            raise UsageError("--captured is over all data sets; leave out --dataset")
        return mode_capture.picture(mode_capture.read(content, store, options["variants"]))
    return modes.picture(
        modes.read(content, store, figure_data.dataset(content, options["dataset"]), options["variants"])
    )
