"""`ganbench table`: a suite's table from its records, without training anything."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench import formats, tables
from ganbench.cli.options import find_suite, is_file, metric_option, suite_options
from ganbench.cli.output import print_tables
from ganbench.errors import UsageError
from ganbench.layout import Layout, layout, save, saved
from ganbench.records import Store


@click.command("table")
@suite_options
@click.option(
    "--format", "form", type=click.Choice(["terminal", *formats.FORMATS]), default="terminal", show_default=True,
    help="What to print; terminal means Markdown where stdout is none.",
)  # fmt: skip
@click.option("--search", "searched", is_flag=True, help="The table of the suite's last `run --search`.")
@metric_option
def command(
    suite: str,
    sets: tuple[str, ...],
    adds: tuple[str, ...],
    plugins: tuple[Path, ...],
    results: Path,
    form: str,
    searched: bool,
    metrics: tuple[str, ...],
) -> int:
    """Print a suite's table, and write it as Markdown, CSV, LaTeX and JSON beside the results.

    The table holds what the suite's last `ganbench run` in this folder planned, additions
    included; in a folder where it never ran, what the suite itself says.
    """
    if not results.is_dir():
        raise UsageError(f"no results folder {str(results)!r}; run the suite first, or name its folder with --results")
    if searched:
        from ganbench.cli import search_run

        return search_run.table(suite, sets, results, metrics, form)
    if metrics:
        raise UsageError("--metric chooses the score of --search; without --search all scores are shown")
    store = Store(results)
    content = _content(suite, sets, adds, plugins, results)
    built = tables.build(content, store)
    if any(store.root.glob("runs/*")):
        formats.write_all(results / content.suite, content, built)
    if form == "terminal":
        print_tables(content, built)
    else:
        click.echo(formats.FORMATS[form][1](content, built), nl=False)
    return 0


def _content(
    suite: str, sets: tuple[str, ...], adds: tuple[str, ...], plugins: tuple[Path, ...], results: Path
) -> Layout:
    """The last run's layout where the suite is named and nothing is laid over it, else a fresh one."""
    if not (is_file(suite) or sets or adds or plugins):
        kept = saved(results, suite)
        if kept is not None:
            return kept
    asked = find_suite(suite, sets, adds, plugins)
    kept = saved(results, asked.suite.name)
    if kept is not None and kept.digest == asked.digest:
        return kept
    content = layout(asked.plan(), asked.digest)
    if kept is None:
        save(results, content)
    return content
