"""`ganbench clean`: what a results folder can do without, listed or removed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import click

from ganbench.analysis.removable import KINDS
from ganbench.api.housekeeping import Cleaned, clean
from ganbench.cli.options import options_as, results_option
from ganbench.cli.run_filters import FilterOptions, run_filter_options
from ganbench.errors import printable
from ganbench.formatting import counted, file_size


@dataclass(frozen=True)
class CleanOptions(FilterOptions):
    """The options of the command, as click reads them."""

    weights: bool
    yes: bool
    as_json: bool
    results: Path


@click.command("clean")
@run_filter_options
@click.option("--weights", is_flag=True, help="List also the weights of runs whose scores are complete.")
@click.option("--yes", "--delete", "yes", is_flag=True, help="Remove what is listed; without it, nothing is removed.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@results_option
@options_as(CleanOptions)
def command(options: CleanOptions) -> int:
    """List what is not needed in a results folder, and with --yes remove it.

    These are runs and references that no plan of the folder refers to, checkpoints of runs that have
    ended, and what killed commands left. Weights are listed only with --weights: runs without them
    cannot be sampled, or evaluated in another way. --suite, --status, --loss, --architecture and
    --dataset choose runs, whose checkpoints are then listed too, and nothing else. No link is followed,
    and nothing is removed while a suite runs in the folder.

    Exit code: 0 it is listed or removed, 2 wrong usage, 3 a suite is running or the disk refuses,
    4 a plan is damaged, so that it is unknown what is needed.
    """
    found = clean(options.results, options.filter, options.weights, options.yes)
    if options.as_json:
        items = [{"kind": one.kind, "path": str(one.path), "bytes": one.bytes, "why": one.why} for one in found.items]
        click.echo(json.dumps({"removed": found.removed, "bytes": found.bytes, "items": items}, indent=1))
    else:
        _print(found, options.results)
    for path in found.links:
        click.echo(printable(f"{path} is a link, or is reached through one; left alone"), err=True)
    if found.running:
        what = "its checkpoints and leftovers are not listed, and nothing can be removed until it ends"
        click.echo(f"a suite is running in {options.results}: {what}", err=True)
    return 0


def _print(found: Cleaned, results: Path) -> None:
    sizes = [file_size(one.bytes) for one in found.items]
    width = max(map(len, sizes), default=0)
    for one, size in zip(found.items, sizes, strict=True):
        click.echo(printable(f"{one.kind:<10}  {size:>{width}}  {one.path}  ({one.why})"))
    kinds = Counter(one.kind for one in found.items)
    counts = [counted(kinds[kind], "weight file" if kind == "weights" else kind) for kind in KINDS if kinds[kind]]
    if not counts:
        click.echo(f"nothing in {results} can be removed")
        return
    total = f"{', '.join(counts)}: {file_size(found.bytes)} ({found.bytes:,} bytes)"
    click.echo(f"removed {total}" if found.removed else f"{total} can be removed; --yes removes them")
