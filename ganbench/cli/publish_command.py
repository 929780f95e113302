"""`ganbench publish`: a suite's report as a folder of pages."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import plugin_option, results_option, started
from ganbench.cli.published_rows import published_rows
from ganbench.errors import UsageError, printable


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
    """
    from ganbench.plots import drawable, suite_plots
    from ganbench.registry import Registry
    from ganbench.site import Content, Site, folder
    from ganbench.site.publication import publish

    layout = started(suite, results)
    folder.check(place)
    registry = Registry.load(plugins)
    content = Content(layout, results, published_rows(registry, [row.dataset for row in layout.rows]))
    if not content.records:
        raise UsageError(f"no run of suite {layout.suite!r} has ended in {results}; run the suite first")
    plots, notes = drawable(suite_plots(layout, content.tables, content.store, content.datasets))
    for note in notes:
        click.echo(printable(f"note: {note}"), err=True)
    count = publish(Site(content, registry, plots=plots), place)
    click.echo(f"{place / 'index.html'}: the report of {layout.suite}, {len(content.records)} runs, {count} files")
    return 0
