"""`ganbench table`: a suite's table from its records, without training anything."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench import formats, tables
from ganbench.cli.options import planned, suite_options
from ganbench.cli.output import print_tables
from ganbench.errors import UsageError
from ganbench.records import Store


@click.command("table")
@suite_options
@click.option(
    "--format", "form", type=click.Choice(["terminal", *formats.FORMATS]), default="terminal", show_default=True,
    help="What to print; terminal means Markdown where stdout is none.",
)  # fmt: skip
def command(
    suite: str, sets: tuple[str, ...], adds: tuple[str, ...], plugins: tuple[Path, ...], results: Path, form: str
) -> int:
    """Print a suite's table, and write it as Markdown, CSV, LaTeX and JSON beside the results.

    The table holds what the suite's last `ganbench run` in this folder planned, additions
    included; in a folder where it never ran, what the suite itself says.
    """
    if not results.is_dir():
        raise UsageError(f"no results folder {str(results)!r}; run the suite first, or name its folder with --results")
    store = Store(results)
    content = planned(suite, sets, adds, plugins, results)
    built = tables.build(content, store)
    if any(store.root.glob("runs/*")):
        formats.write_all(results / content.suite, content, built)
    if form == "terminal":
        print_tables(content, built)
    else:
        click.echo(formats.FORMATS[form][1](content, built), nl=False)
    return 0
