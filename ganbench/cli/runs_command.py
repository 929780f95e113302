"""`ganbench runs`: the runs of a results folder, whichever suites they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from ganbench.analysis.run_list import DAMAGED, ENDED, SORTS, ListedRun, RunList, sorted_runs
from ganbench.cli.options import options_as, results_option
from ganbench.cli.run_filters import FilterOptions, run_filter_options
from ganbench.errors import ResultsError, printable
from ganbench.report.text import run_list as text
from ganbench.results.store import Store


@dataclass(frozen=True)
class RunsOptions(FilterOptions):
    """The options of the command, as click reads them."""

    sort: str | None
    form: str
    results: Path


@click.command("runs")
@run_filter_options
@click.option(
    "--sort",
    type=click.Choice([*SORTS, ENDED]),
    help="score: on each dataset the best first; ended: the last first; size: the largest first.",
)
@click.option("--format", "form", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True)
@results_option
@options_as(RunsOptions)
def command(options: RunsOptions) -> int:
    """List the runs of a results folder: id, variant, dataset, seed, status, primary score, suites, end and size.

    Runs that a plan names and that have not run yet are in the list, and so are runs that no plan
    names: they are marked as `no plan`, and `ganbench clean` removes them.

    Exit code: 0 the runs are listed, 2 wrong usage, 4 a record among them is damaged or newer.
    """
    found = options.filter(RunList(Store.existing(options.results), options.suites).runs)
    if options.sort:
        found = sorted_runs(found, options.sort)
    if options.form == "text":
        _print(found)
    else:
        click.echo((text.csv_text if options.form == "csv" else text.json_text)(found), nl=False)
    damaged = [run for run in found if run.status == DAMAGED]
    for run in damaged:
        click.echo(printable(run.problem), err=True)
    return ResultsError.exit_code if damaged else 0


def _print(runs: list[ListedRun]) -> None:
    """Print the runs as wide as the terminal; elsewhere a line each."""
    console = Console()
    if runs:
        click.echo(text.lines(runs, console.width if console.is_terminal else None), nl=False)
    click.echo(text.summary(runs))
