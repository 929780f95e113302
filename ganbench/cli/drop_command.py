"""`ganbench drop`: removes what was added from a suite's table; the runs stay in the results."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.api.actions import drop
from ganbench.cli.options import results_option
from ganbench.formatting import counted


@click.command("drop")
@click.argument("what", metavar="KIND=NAME")
@click.option("--suite", required=True, metavar="NAME|FILE", help="A suite's name, or its YAML file.")
@results_option
def command(what: str, suite: str, results: Path) -> int:
    """Remove what was added to a suite from its table: loss=NAME, architecture=NAME,
    dataset=NAME, or external=LABEL for samples made elsewhere.

    The runs stay in the results folder. `ganbench run` with --add KIND=NAME shows them again without
    training. What the suite itself lists cannot be dropped.
    """
    gone = drop(results, suite, what)
    rows = counted(gone, "row")
    click.echo(f"{rows} of {what} dropped from the table of {suite}; the runs stay in {results / 'runs'}")
    return 0
