"""`ganbench compare`: is one variant better than another, by how much, and is that more than noise?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

from ganbench.analysis import comparison, tables
from ganbench.analysis.score_table import TableRow
from ganbench.cli.options import is_file, planned, results_option
from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.report.text import sentences
from ganbench.results import protocol as cards
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan


@click.command("compare")
@click.argument("a")
@click.argument("b")
@click.option(
    "--suite", "suites", multiple=True, metavar="NAME|FILE",
    help="The suite whose runs are compared; twice: A of the first, B of the second. Not needed where the results "
    "hold one suite.",
)  # fmt: skip
@click.option(
    "--metric", "metrics", multiple=True, metavar="SCORE",
    help="A score as the table names it, or all; can be repeated. By default each data set's first.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="JSON for scripts.")
@results_option
def command(a: str, b: str, suites: tuple[str, ...], metrics: tuple[str, ...], as_json: bool, results: Path) -> int:
    """Compare A with B: two losses, two architectures, or two variants as 'loss x architecture'.

    Prints one sentence a data set that can be quoted. Scores that were measured under different
    protocols are refused.
    """
    store = Store.existing(results)
    layouts = [planned(suite, (), (), (), results) for suite in _suites(suites, store)]
    built = [tables.build(layout, store) for layout in layouts]
    left = comparison.named(a, built[0], layouts[0].suite)
    right = comparison.named(b, built[-1], layouts[-1].suite)
    found = comparison.compare(left, right, metrics)
    if as_json:
        data = [sentences.comparison_data(one) for one in found]
        click.echo(json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False))
        return 0
    order = ("a better", "b better", "no difference seen", "too few seeds")
    for one in sorted(found, key=lambda one: order.index(one.verdict)):
        click.echo(sentences.sentence(one))
    click.echo()
    for text in dict.fromkeys(_footing(one, layouts, store) for one in found):
        click.echo(text)
    return 0


def _suites(asked: tuple[str, ...], store: Store) -> list[str]:
    """The suites named, or the only one that ran here."""
    if len(asked) > 2:
        raise UsageError("--suite is given once, or twice for A and B")
    there = store.suites()
    for name in asked:
        if name not in there and not is_file(name):
            raise UsageError(f"suite {name!r} has not run in {store.root}{suggestion(name, there)}")
    if asked:
        return list(asked)
    if len(there) != 1:
        what = f"holds the suites {', '.join(there)}" if there else "holds no suite"
        raise UsageError(f"{store.root} {what}; name one with --suite")
    return there


def _footing(one: comparison.Comparison, layouts: list[SavedPlan], store: Store) -> str:
    """Under which recipe and protocol a data set's sentences hold."""
    recipes = []
    for row, layout in zip(one.rows, (layouts[0], layouts[-1]), strict=True):
        ids = next(r.runs for r in layout.rows if r.texts == _labels(row)).values()
        record = next((found for id_ in ids if (found := store.run(id_))), None)
        recipes.append(record.spec.train.text if record else "")
    recipe = recipes[0] if recipes[0] == recipes[1] else f"{one.a}: {recipes[0]}; {one.b}: {recipes[1]}"
    seeds = sorted({seed for row in one.rows for seed in row.scores[one.score].seeds})
    card = next((row.scores[one.score].protocol for row in one.rows if row.scores[one.score].values), None)
    protocol = f" Protocol: {cards.sentence(replace(card, seeds=tuple(seeds)))}." if card else ""
    setting = f" with {one.setting}" if one.setting else ""
    return f"{one.dataset}{setting}: under this recipe only: {recipe}.{protocol}"


def _labels(row: TableRow) -> tuple[str, str, str]:
    return row.loss, row.architecture, row.dataset
