"""`ganbench table`: a suite's table from its records, without training anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from ganbench.analysis import budget
from ganbench.analysis.table_selection import score_names
from ganbench.api.results import Results
from ganbench.api.suites import SuiteRequest, current_plan
from ganbench.cli.latex_options import LatexOptions, latex_options
from ganbench.cli.options import options_as, suite_options
from ganbench.cli.view_options import view_options
from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.report.latex.paper import latex
from ganbench.report.text import budget as reached
from ganbench.report.text import formats
from ganbench.report.text.terminal import print_tables
from ganbench.results.manifest import NAME as MANIFEST
from ganbench.results.store import Store
from ganbench.suite.plan_union import earlier_rows, not_shown, own_rows

VIEWS = {
    "searched": "--search",
    "published": "--published",
    "equal": "--equal",
    "reach": "--reach",
    "only_plan": "--only-plan",
    "earlier": "--earlier",
}


@dataclass(frozen=True)
class TableOptions(LatexOptions):
    """The options of the command, as click reads them."""

    suite: str
    sets: tuple[str, ...]
    adds: tuple[str, ...]
    plugins: tuple[Path, ...]
    results: Path
    form: str
    published: bool
    equal: Literal["steps", "time"] | None
    reach: str | None
    only_plan: bool
    earlier: bool
    searched: bool

    @property
    def views(self) -> list[str]:
        """The views asked for, other than the suite's own table."""
        return [view for view in VIEWS if getattr(self, view)]


@click.command("table")
@suite_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", *formats.FORMATS]),
    default="terminal",
    show_default=True,
    help="What to print; `terminal` falls back to Markdown if stdout is not a terminal.",
)
@click.option("--published", is_flag=True, help="Add values of publications, each under its own protocol.")
@click.option(
    "--equal",
    type=click.Choice(["steps", "time"]),
    help="Compare the runs after equal steps, or equal seconds of training; requires evaluation.snapshots.",
)
@click.option(
    "--reach",
    metavar="SCORE=VALUE",
    help="How soon each variant reached a score, for example modes=8; requires evaluation.snapshots.",
)
@click.option(
    "--only-plan", is_flag=True, help="Show the suite's own variants and seeds alone, without what was added."
)
@click.option("--earlier", is_flag=True, help="Show the runs of earlier settings, data and evaluations of the suite.")
@click.option("--search", "searched", is_flag=True, help="The table of the suite's last `run --search`.")
@view_options
@latex_options
@options_as(TableOptions)
def command(options: TableOptions) -> int:
    """Print a suite's table, and write it as Markdown, CSV, LaTeX and JSON beside the results.

    The table contains everything that was trained for the suite in this folder, additions included,
    until `ganbench drop` takes it out; if the suite never ran there, what the suite itself contains.
    The other views (--published, --equal, --reach, --only-plan, --earlier, --search) are printed,
    not written.
    """
    if options.form != "latex":
        options.refuse_without_latex()
    paper = options.paper
    Store.existing(options.results)
    if len(options.views) > 1 and {*options.views} != {"published", "equal"}:
        names = " and ".join(VIEWS[view] for view in options.views)
        raise UsageError(f"{names} are different tables; ask for one at a time")
    if options.searched:
        return _search(options)
    if options.reach:
        options.refuse_with("--reach")
    if options.form == "overall":
        options.refuse_with("--format overall")
    results = _results(options)
    if options.reach:
        return _reach(options.reach, options.form, results)
    whole = results.viewed(options.equal, options.published)
    options.selection.check(score_names(whole))
    built = options.selection(whole)
    published = (options.results / MANIFEST).exists()  # a manifest lists every file with its checksum
    if any(results.store.root.glob("runs/*")) and not options.views and not published:
        _save(results)
    if options.form == "terminal":
        print_tables(results.plan, built, options.results, options.view)
    elif options.form == "latex":
        click.echo(latex(results.plan, built, paper), nl=False)
    else:
        click.echo(formats.FORMATS[options.form][1](results.plan, built), nl=False)
    missing = "" if options.form in ("terminal", "markdown") else not_shown(results.plan, options.results)
    if missing:
        click.echo(missing, err=True)
    return 0


def _save(results: Results) -> None:
    """Write the tables beside the results; if that is not possible, say so and go on, because they are printed too."""
    try:
        results.save_tables()
    except OSError as error:
        where = results.folder / results.suite
        click.echo(f"the tables are not written to {where}: {error.strerror or error}", err=True)


def _results(options: TableOptions) -> Results:
    """The results of the suite as asked for; with --published the plugins may contain published values alone."""
    files = () if options.published else options.plugins
    plan = current_plan(SuiteRequest(options.suite, options.sets, options.adds, files), options.results)
    registry = Registry.load(options.plugins) if options.published else None
    if options.only_plan:
        return Results(own_rows(plan), Store(options.results), registry, whole=plan)
    if options.earlier:
        plan = earlier_rows(plan)
    return Results(plan, Store(options.results), registry)


def _reach(goal: str, form: str, results: Results) -> int:
    if form not in ("terminal", "markdown", "json"):
        raise UsageError(f"--reach is printed as markdown or json, not as {form}")
    found = budget.reach(goal, results.plan.rows, results.store)
    click.echo(reached.json_text(found) if form == "json" else reached.markdown(found), nl=False)
    return 0


def _search(options: TableOptions) -> int:
    from ganbench.api.searching import open_search
    from ganbench.cli.search_output import print_search
    from ganbench.report.text import search

    options.refuse_with_search()
    if options.form not in ("terminal", *search.FORMATS):
        raise UsageError(f"--search prints {', '.join(search.FORMATS)}, not {options.form}")
    results = open_search(options.results, options.suite, options.sets, options.metrics)
    results.save_tables()
    if options.form == "terminal":
        print_search(results)
    else:
        click.echo(search.FORMATS[options.form][1](results.saved, results.tables), nl=False)
    return 0
