"""`ganbench compare`: is one variant better than another, by how much, and is the difference more than noise?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

from ganbench.analysis.comparison import Comparison
from ganbench.api.results import Results
from ganbench.api.suites import SuiteRequest, current_plan, is_file, saved_plan
from ganbench.cli.options import results_option
from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.report.text import sentences
from ganbench.results import protocol
from ganbench.results.store import Store

ORDER = ("a better", "b better", "equal", "inconclusive", "no variation", "too few seeds", "exploratory")


@click.command("compare")
@click.argument("a")
@click.argument("b")
@click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="NAME|FILE",
    help="The suite whose runs are compared. Given twice: A of the first, B of the second. Not needed if the "
    "results contain only one suite.",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="SCORE",
    help="A score as the table names it, or all; can be repeated. By default each dataset's primary one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
@results_option
def command(a: str, b: str, suites: tuple[str, ...], metrics: tuple[str, ...], as_json: bool, results: Path) -> int:
    """Compare A with B: two losses, two architectures, or two variants as 'loss x architecture'.

    Prints one sentence per dataset that can be quoted. Scores that were measured under different
    protocols are refused.
    """
    store = Store.existing(results)
    sides = [Results(current_plan(SuiteRequest(suite), results), store) for suite in _suites(suites, store)]
    found = sides[0].compare(a, b, metrics, other=sides[-1])
    if as_json:
        data = [sentences.comparison_data(one) for one in found]
        click.echo(json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False))
        return 0
    for one in sorted(found, key=lambda one: ORDER.index(one.verdict)):
        click.echo(str(one))
    click.echo()
    for text in dict.fromkeys(_footing(one, sides) for one in found):
        click.echo(text)
    return 0


def _suites(given: tuple[str, ...], store: Store) -> list[str]:
    """The suites named, or the only one that ran here."""
    if len(given) > 2:
        raise UsageError("--suite is given once, or twice for A and B")
    there = store.suites()
    for name in given:
        if name not in there and not is_file(name):
            raise UsageError(f"suite {name!r} has not run in {store.root}{suggestion(name, there)}")
    return list(given) or [saved_plan(store.root).suite]


def _footing(one: Comparison, sides: list[Results]) -> str:
    """Under which recipe and protocol a dataset's sentences hold."""
    recipes = []
    for row, side in zip(one.rows, (sides[0], sides[-1]), strict=True):
        labels = row.loss, row.architecture, row.dataset
        planned = next(planned for planned in side.plan.rows if planned.texts == labels)
        record = next((found for found in planned.records(side.store).values() if found), None)
        recipes.append(record.spec.train.text if record else "")
    recipe = recipes[0] if recipes[0] == recipes[1] else f"{one.a}: {recipes[0]}; {one.b}: {recipes[1]}"
    seeds = sorted({seed for row in one.rows for seed in row.scores[one.score].seeds})
    card = next((row.scores[one.score].protocol for row in one.rows if row.scores[one.score].values), None)
    measured = f" Protocol: {protocol.sentence(replace(card, seeds=tuple(seeds)))}." if card else ""
    setting = f" with {one.setting}" if one.setting else ""
    return f"{one.dataset}{setting}: under this recipe only: {recipe}.{measured}"
