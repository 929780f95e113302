"""`ganbench publish`: a suite's report as a folder of pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.options import plugin_option, results_option, started
from ganbench.cli.progress_bar import progress_bar
from ganbench.errors import UsageError, printable
from ganbench.results.literature import published_rows

if TYPE_CHECKING:
    from ganbench.registry.choice import Kind
    from ganbench.registry.registry import Registry
    from ganbench.results.records import Record
    from ganbench.results.store import Store

KINDS: tuple[Kind, ...] = ("loss", "architecture")


@click.command("publish")
@click.option("--suite", required=True, metavar="NAME|FILE", help="A suite that has run in this results folder.")
@click.option(
    "--to", "place", required=True, type=click.Path(path_type=Path), metavar="DIR",
    help="Where the report goes; an earlier report there is replaced when the new one is complete.",
)  # fmt: skip
@plugin_option
@results_option
def command(suite: str, place: Path, plugins: tuple[Path, ...], results: Path) -> int:
    """Write a suite's report: pages, tables, plots and records, in a folder that needs nothing else.

    Put it on any static host, mail it, commit it, or open its index.html. Nothing is uploaded.
    `--plugin` shows the code of a local plugin and adds its published values.

    Exit code: 0 it is written, 1 it is and a record in it is not what its run left, 2 wrong usage.
    """
    from ganbench.registry.registry import Registry
    from ganbench.report.html import Content, Site
    from ganbench.report.plots.suite_plots import drawable, suite_plots
    from ganbench.report.publish import check_target, publish

    layout = started(suite, results)
    check_target(place)
    registry = Registry.load(plugins)
    with progress_bar() as on_progress:
        on_progress(0, 1, "reading results")
        content = Content(layout, results, published_rows(registry, (row.dataset for row in layout.rows)))
        if not content.records:
            raise UsageError(f"no run of suite {layout.suite!r} has ended in {results}; run the suite first")
        figures = suite_plots(layout, content.tables, content.store, content.datasets)
        plots, notes = drawable(figures, on_progress)
        count = publish(Site(content, registry, plots=plots), place, on_progress)
    lacking = _lacking(registry, content.records)
    if lacking:
        notes.append(f"{', '.join(lacking)}: not installed; --plugin FILE.py shows its source and citation")
    for note in notes:
        click.echo(printable(f"note: {note}"), err=True)
    what = f"the report of {layout.suite}, {len(content.records)} runs, {count} files and the manifest"
    click.echo(f"{place / 'index.html'}: {what}")
    return _checked(place, content.store)


def _lacking(registry: Registry, records: list[Record]) -> list[str]:
    """Losses and architectures of the runs whose code is not here."""
    named = {(kind, choice.name) for record in records for kind, choice in record.spec.choices() if kind in KINDS}
    return sorted(f"{kind} {name!r}" for kind, name in named if registry.problem_with(kind, name))


def _checked(place: Path, store: Store) -> int:
    """Check every record of the report as `ganbench verify` does: 1 where one is not what its run left."""
    from ganbench.results.verify import WRONG, check

    wrong = [finding for finding in check(place, store.at(place)).findings if finding.kind in WRONG]
    for finding in wrong:
        click.echo(printable(f"warning: {finding.path} {finding.text}"), err=True)
    return 1 if wrong else 0
