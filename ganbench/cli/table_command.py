"""`ganbench table`: a suite's table from its records, without training anything."""

from __future__ import annotations

from typing import Any

import click

from ganbench.analysis import budget, tables
from ganbench.cli.options import metric_option, planned, suite_options
from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.report.text import budget as reached
from ganbench.report.text import formats
from ganbench.report.text.terminal import print_tables
from ganbench.results.literature import Published, published_rows
from ganbench.results.manifest import NAME as MANIFEST
from ganbench.results.store import Store

VIEWS = {"searched": "--search", "published": "--published", "equal": "--equal", "reach": "--reach"}


@click.command("table")
@suite_options
@click.option(
    "--format", "form", type=click.Choice(["terminal", *formats.FORMATS]), default="terminal", show_default=True,
    help="What to print; terminal means Markdown where stdout is none.",
)  # fmt: skip
@click.option("--published", is_flag=True, help="With values of publications, each under its own protocol.")
@click.option(
    "--equal", type=click.Choice(["steps", "time"]),
    help="Every run as it stood after equal steps or equal seconds of training; wants evaluation.snapshots.",
)  # fmt: skip
@click.option("--reach", metavar="SCORE=VALUE", help="How soon each variant reached a score: modes=8; wants snapshots.")
@click.option("--search", "searched", is_flag=True, help="The table of the suite's last `run --search`.")
@metric_option
def command(**options: Any) -> int:
    """Print a suite's table, and write it as Markdown, CSV, LaTeX and JSON beside the results.

    The table holds what the suite's last `ganbench run` in this folder planned, additions
    included; in a folder where it never ran, what the suite itself says. Other views of it
    (--published, --equal, --reach, --search) are printed, not written.
    """
    results, form = options["results"], options["form"]
    store = Store.existing(results)
    views = [view for view in VIEWS if options[view]]
    if len(views) > 1 and set(views) != {"published", "equal"}:
        raise UsageError(f"{' and '.join(VIEWS[view] for view in views)} are different tables; ask for one at a time")
    if options["searched"]:
        from ganbench.cli import search_run

        return search_run.table(options["suite"], options["sets"], results, options["metrics"], form)
    if options["metrics"]:
        raise UsageError("--metric chooses the score of --search; without --search all scores are shown")
    files = () if options["published"] else options["plugins"]  # they may hold published values alone
    content = planned(options["suite"], options["sets"], options["adds"], files, results)
    if options["reach"]:
        if form not in ("terminal", "markdown", "json"):
            raise UsageError(f"--reach is printed as markdown or json, not as {form}")
        found = budget.reach(options["reach"], content.rows, store)
        click.echo(reached.json_text(found) if form == "json" else reached.markdown(found), nl=False)
        return 0
    beside: Published = {}
    if options["published"]:
        beside = published_rows(Registry.load(options["plugins"]), (row.dataset for row in content.rows))
    built = tables.build(content, store, budget.equal(options["equal"]) if options["equal"] else None, beside)
    published = (results / MANIFEST).exists()  # what a manifest vouches for stays as it is
    if any(store.root.glob("runs/*")) and not views and not published:
        formats.write_all(results / content.suite, content, built)
    if form == "terminal":
        print_tables(content, built)
    else:
        click.echo(formats.FORMATS[form][1](content, built), nl=False)
    return 0
