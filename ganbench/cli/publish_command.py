"""`ganbench publish`: a suite's report as a folder of pages."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.api.actions import publish
from ganbench.api.results import open_results
from ganbench.cli.options import plugin_option, results_option
from ganbench.cli.progress_bar import progress_bar
from ganbench.errors import printable


@click.command("publish")
@click.option("--suite", required=True, metavar="NAME|FILE", help="A suite that has run in this results folder.")
@click.option(
    "--to",
    "place",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of the report; an earlier report there is replaced when the new one is complete.",
)
@click.option(
    "--compact",
    is_flag=True,
    help="Leave out the pages of single runs, and the pictures of all but each variant's first seed.",
)
@plugin_option
@results_option
def command(suite: str, place: Path, compact: bool, plugins: tuple[Path, ...], results: Path) -> int:
    """Write a suite's report: pages, tables, plots and records, in a folder that needs nothing else.

    Put it on any static host, mail it, commit it, or open its index.html. Nothing is uploaded.
    `--plugin` shows the code of a local plugin and adds its published values.

    Exit code: 0 the report is written, 1 it is written but a record in it is not what its run left, 2 wrong usage.
    """
    found = open_results(results, suite, plugins)
    with progress_bar() as on_progress:
        report = publish(found, place, on_progress, compact)
    for note in report.notes:
        click.echo(printable(f"note: {note}"), err=True)
    what = f"the report of {found.suite}, {report.runs} runs, {report.files} files and the manifest"
    click.echo(f"{report.index}: {what}")
    for finding in report.findings:
        click.echo(printable(f"warning: {finding.path} {finding.text}"), err=True)
    return 1 if report.findings else 0
