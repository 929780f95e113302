"""`ganbench diff`: what changed between two published or results folders."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from ganbench.analysis.table_diff import Change
from ganbench.api.actions import diff
from ganbench.api.results import open_results
from ganbench.errors import UsageError, printable

MAX_LINES = 10
"""Lines of one kind; --json prints all."""
HEADS = {
    "conclusion": "Conclusions that changed",
    "protocol": "Measured under different protocols, so not compared",
    "status": "The same run ended differently",
    "cell": "Means outside the other's 95 % interval",
    "content": "The same run with different numbers or files",
    "settings": "The same names with different settings or code",
    "only in A": "Only in A",
    "only in B": "Only in B",
    "environment": "Environment (not a difference of the results)",
}


@click.command("diff")
@click.argument("a", type=click.Path(file_okay=False, path_type=Path))
@click.argument("b", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--suite", "suites", multiple=True, metavar="NAME",
    help="The suite, if a folder holds several. Given twice: that of A, and that of B.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print all changes as JSON.")
def command(a: Path, b: Path, suites: tuple[str, ...], as_json: bool) -> int:
    """Show what changed from folder A to folder B, two reports or results folders: worst first.

    Reports changed conclusions, means that left their intervals, runs that only one folder has, runs
    of the same id with different content, settings, code and environment.

    Exit code: 0 the results are the same, 1 they differ, 2 a folder or a suite does not exist.
    """
    if len(suites) > 2:
        raise UsageError("--suite is given once, or twice for A and B")
    names = suites * 2 if len(suites) == 1 else suites or (None, None)
    sides = [open_results(folder, name) for folder, name in zip((a, b), names, strict=True)]
    found = diff(*sides)
    if as_json:
        plain = [{**asdict(one), "size": one.size if math.isfinite(one.size) else None} for one in found.changes]
        click.echo(json.dumps({"same": found.same, "changes": plain}, indent=1, ensure_ascii=False))
    else:
        click.echo(_text([f"{side.folder}, suite {side.suite}" for side in sides], found.changes, found.same))
    return 0 if found.same else 1


def _text(sides: list[str], found: Sequence[Change], same: bool) -> str:
    lines = [*(f"{name}: {side}" for name, side in zip("AB", sides, strict=True)), ""]
    lines.append("The same results." if same else "The results differ.")
    for kind, head in HEADS.items():
        own = [change for change in found if change.kind == kind]
        if own:
            lines += ["", f"{head} ({len(own)}):"] + [f"  {one.where}: {one.text}" for one in own[:MAX_LINES]]
            lines += [f"  ... and {len(own) - MAX_LINES} more; --json prints all"] if len(own) > MAX_LINES else []
    return "\n".join(map(printable, lines))
