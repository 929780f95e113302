"""`ganbench serve`: the report of a results folder in a browser, while a suite runs or afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli import Terminated
from ganbench.cli.options import is_file, plugin_option, results_option
from ganbench.errors import ResultsError
from ganbench.results.literature import published_rows

if TYPE_CHECKING:
    from ganbench.registry.registry import Registry
    from ganbench.report.server.reports import Pages


@click.command("serve")
@click.option("--suite", metavar="NAME|FILE", help="This suite alone; without it, all that have run in the folder.")
@click.option("--port", type=click.IntRange(0, 65535), default=8420, show_default=True, help="0: any free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@plugin_option
@results_option
def command(suite: str | None, port: int, host: str, plugins: tuple[Path, ...], results: Path) -> int:
    """Show the report of a results folder in a browser; while a suite runs, with what is under way.

    Read-only, and for this machine alone unless --host says otherwise. Prints the address; Ctrl-C ends it.
    """
    from ganbench.registry.registry import Registry
    from ganbench.report.server.http import Server
    from ganbench.report.server.reports import Shelf
    from ganbench.results.store import Store

    Store.existing(results)
    name = Path(suite).stem if suite is not None and is_file(suite) else suite
    registry = Registry.load(plugins)
    with Server(host, port, Shelf(results, lambda one: _pages(results, one, registry), name), results) as server:
        if not server.local:
            click.echo(
                f"warning: --host {host} shows these results to everyone who can reach this machine; "
                "there is no password",
                err=True,
            )
        click.echo(server.url)
        click.echo(f"the report of {results}, read-only; Ctrl-C ends it", err=True)
        try:
            server.serve_forever()
        except (KeyboardInterrupt, Terminated):  # the way to end it, no failure
            return 0
    return 0


def _pages(results: Path, suite: str, registry: Registry) -> Pages:
    """The report of a suite as its results are now."""
    from ganbench.report.html import Content, Site
    from ganbench.results import live
    from ganbench.suite.plan_file import load_plan

    layout = load_plan(results, suite)
    if layout is None:
        raise ResultsError(f"suite {suite!r} is no longer in {results}")
    state = live.read(results)
    own = state if state is not None and state.get("suite") == suite else None
    published = published_rows(registry, (row.dataset for row in layout.rows))
    return Site(Content(layout, results, published), registry, live=own, served=True)
