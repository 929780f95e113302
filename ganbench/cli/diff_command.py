"""`ganbench diff`: what changed between two published or results folders."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import click

from ganbench.analysis.diff import Side, changes
from ganbench.analysis.table_diff import Change
from ganbench.errors import UsageError, printable
from ganbench.formatting import suggestion
from ganbench.results.store import Store
from ganbench.suite.plan_file import load_plan

MOST = 10
"""Lines of one kind; --json has all."""
HEADS = {
    "conclusion": "Conclusions that changed",
    "protocol": "Measured another way, so not compared",
    "status": "The same run, another end",
    "cell": "Means that left the other's 95 % interval",
    "content": "The same run, other numbers or files",
    "settings": "The same names, another run",
    "only in A": "Only in A",
    "only in B": "Only in B",
    "environment": "Made with (no difference of results by itself)",
}


@click.command("diff")
@click.argument("a", type=click.Path(file_okay=False, path_type=Path))
@click.argument("b", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--suite", "suites", multiple=True, metavar="NAME",
    help="The suite, where the folders hold several; twice: that of A, and that of B.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="All changes as JSON.")
def command(a: Path, b: Path, suites: tuple[str, ...], as_json: bool) -> int:
    """What changed from folder A to folder B, published ones or results: worst first.

    Changed conclusions, table cells that moved beyond their intervals, runs that one folder alone
    has, runs of the same id that hold something else, settings, code and environment.

    Exit code: 0 the same results, 1 they differ, 2 a folder or a suite is not there.
    """
    if len(suites) > 2:
        raise UsageError("--suite is given once, or twice for A and B")
    names = suites * 2 if len(suites) == 1 else suites or (None, None)
    sides = [_side(folder, name) for folder, name in zip((a, b), names, strict=True)]
    found = changes(*sides)
    same = all(change.kind == "environment" for change in found)
    if as_json:
        plain = [{**asdict(one), "size": one.size if math.isfinite(one.size) else None} for one in found]
        click.echo(json.dumps({"same": same, "changes": plain}, indent=1, ensure_ascii=False))
    else:
        click.echo(_text([f"{folder}, suite {side.layout.suite}" for folder, side in zip((a, b), sides, strict=True)],
                         found, same))  # fmt: skip
    return 0 if same else 1


def _side(folder: Path, suite: str | None) -> Side:
    if not folder.is_dir():
        raise UsageError(f"no folder {str(folder)!r}")
    there = Store(folder).suites()
    if suite is None and len(there) != 1:
        what = f"holds the suites {', '.join(there)}" if there else "holds no suite"
        raise UsageError(f"{folder} {what}; " + ("name one with --suite" if there else "is it a results folder?"))
    name = suite or there[0]
    content = load_plan(folder, name) if name in there else None
    if content is None:
        raise UsageError(f"suite {name!r} is not in {folder}{suggestion(name, there)}")
    return Side.read(folder, content)


def _text(sides: list[str], found: list[Change], same: bool) -> str:
    lines = [*(f"{name}: {side}" for name, side in zip("AB", sides, strict=True)), ""]
    lines.append("The same results." if same else "The results differ.")
    for kind, head in HEADS.items():
        own = [change for change in found if change.kind == kind]
        if own:
            lines += ["", f"{head} ({len(own)}):"] + [f"  {one.where}: {one.text}" for one in own[:MOST]]
            lines += [f"  ... and {len(own) - MOST} more; --json has all"] if len(own) > MOST else []
    return "\n".join(map(printable, lines))
