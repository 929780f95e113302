"""`ganbench serve`: the report of a results folder in a browser, while a suite runs or afterwards."""

from __future__ import annotations

import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.api.results import Results
from ganbench.api.suites import suite_name
from ganbench.cli import Terminated
from ganbench.cli.options import plugin_option, results_option
from ganbench.errors import ResultsError
from ganbench.results.store import Store

if TYPE_CHECKING:
    from ganbench.registry.registry import Registry
    from ganbench.report.server.reports import Pages


@click.command("serve")
@click.option("--suite", metavar="NAME|FILE", help="Show only this suite; by default all suites of the folder.")
@click.option("--port", type=click.IntRange(0, 65535), default=8420, show_default=True, help="0: any free port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--open", "opened", is_flag=True, help="Open the report in the browser.")
@plugin_option
@results_option
def command(suite: str | None, port: int, host: str, opened: bool, plugins: tuple[Path, ...], results: Path) -> int:
    """Show the report of a results folder in a browser; while a suite runs, with its progress.

    Read-only, and only for this machine unless --host says otherwise. Prints the address. Ctrl-C ends it.
    """
    from ganbench.registry.registry import Registry
    from ganbench.report.server.http import Server
    from ganbench.report.server.reports import Shelf

    Store.existing(results)
    name = None if suite is None else suite_name(suite)
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
        if opened:  # in a thread: a browser in the terminal would wait for a server that does not serve yet
            threading.Thread(target=_open, args=(server.url,), daemon=True).start()
        try:
            server.serve_forever()
        except (KeyboardInterrupt, Terminated):  # the way to end it, no failure
            return 0
    return 0


def _open(url: str) -> None:
    if not webbrowser.open(url):
        click.echo("no browser was found; open the address above", err=True)


def _pages(results: Path, suite: str, registry: Registry) -> Pages:
    """The report of a suite as its results are now."""
    from ganbench.report.html import Content, Site
    from ganbench.report.publication import read as read_publication
    from ganbench.results import live
    from ganbench.results.literature import all_rows
    from ganbench.suite.plan_file import load_plan

    plan = load_plan(results, suite)
    if plan is None:
        raise ResultsError(f"suite {suite!r} is no longer in {results}")
    state = live.read(results)
    own = state if state is not None and state.get("suite") == suite else None
    store = Store(results)
    published = Results(plan, store, registry).published
    content = Content(plan, store, published, literature=all_rows(registry))
    return Site(content, registry, live=own, served=True, publication=read_publication(results))
