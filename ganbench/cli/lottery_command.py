"""`ganbench lottery`: what comparisons by one, three or five seeds would have said."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ganbench.api.results import open_results
from ganbench.cli.options import results_option


@click.command("lottery")
@click.option("--suite", metavar="NAME|FILE", help="A suite that has run; not needed if the results contain only one.")
@click.option("--dataset", metavar="NAME", help="Only this dataset.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="The seed of random draws.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
@results_option
def command(suite: str | None, dataset: str | None, seed: int, as_json: bool, results: Path) -> int:
    """How often do a few seeds name the wrong winner? Drawn from runs with many seeds.

    Needs variants with at least eight seeds; 32 are a good number. `ganbench plot lottery` draws it.
    """
    from ganbench.report.text.lottery import lottery_data, markdown

    found = open_results(results, suite).lottery(dataset, seed)
    if as_json:
        click.echo(json.dumps(lottery_data(found), indent=1, allow_nan=False, ensure_ascii=False))
    else:
        click.echo(markdown(found), nl=False)
    return 0
