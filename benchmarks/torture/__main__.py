"""`python -m benchmarks.torture`: faults injected for real, and one table of what they cost (docs/reliability.md)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # the made-up results, the damaged shapes, and processes that start at once

from warm import Warm  # noqa: E402

from benchmarks import report  # noqa: E402
from benchmarks.torture.crowd import crowd  # noqa: E402
from benchmarks.torture.damage import damage_files  # noqa: E402
from benchmarks.torture.disk import fill_disk  # noqa: E402
from benchmarks.torture.ground import LIMIT_S, Ground  # noqa: E402
from benchmarks.torture.kills import kill_runs  # noqa: E402
from benchmarks.torture.plugins import misbehave  # noqa: E402
from benchmarks.torture.row import Row  # noqa: E402
from benchmarks.torture.strangers import read_folders  # noqa: E402

FULL = {"kills": 50, "compiled": 50, "flips": 300, "cuts": 100, "offsets": 20, "rounds": 5, "plugins": 27, "shapes": 99}
QUICK = {"kills": 2, "compiled": 0, "flips": 6, "cuts": 6, "offsets": 2, "rounds": 1, "plugins": 5, "shapes": 4}
"""How much of everything; `compiled` are kills of compiled runs."""
Part = Callable[[Ground], list[Row]]


def _parts(size: dict[str, int]) -> dict[str, Part]:
    """By name, what is done."""
    return {
        "kills": lambda ground: [kill_runs(ground, size["kills"], "eager")],
        "compiled": lambda ground: [kill_runs(ground, size["compiled"], "compiled")] if size["compiled"] else [],
        "damage": lambda ground: damage_files(ground, size["flips"], size["cuts"], size["compiled"] > 0),
        "disk": lambda ground: [fill_disk(ground, size["offsets"])],
        "crowd": lambda ground: [crowd(ground, size["rounds"])],
        "plugins": lambda ground: [misbehave(ground, size["plugins"])],
        "strangers": lambda ground: [read_folders(ground, size["shapes"])],
    }


@click.command()
@click.option("--quick", is_flag=True, help="A part of everything, in two minutes; compiles nothing by itself.")
@click.option("--only", multiple=True, type=click.Choice(list(_parts(FULL))), help="Only this part; can be repeated.")
@click.option("--size", "sizes", multiple=True, metavar="NAME=N", help=f"Another number of: {', '.join(FULL)}.")
@click.option("--write", is_flag=True, help="Save the rows, and put the table into docs/reliability.md.")
def main(quick: bool, only: tuple[str, ...], sizes: tuple[str, ...], write: bool) -> None:
    """Inject faults into real runs and files, and print one table. Exit code 1 if anything went wrong."""
    parts = _parts(dict(QUICK if quick else FULL) | _sizes(sizes))
    rows = _measured({name: part for name, part in parts.items() if not only or name in only}, write)
    sys.exit(1 if any(row.faults for row in rows) else 0)


def _measured(parts: dict[str, Part], write: bool) -> list[Row]:
    """Do all parts, and print the table; with `write`, also after each part, lest an interrupt cost them."""
    rows: list[Row] = []
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # to leave nothing behind
    warm = Warm()
    try:
        warm.run(["-c", "pass"], os.environ, ROOT, LIMIT_S)  # so that threads find it started
        with tempfile.TemporaryDirectory(prefix="torture-", ignore_cleanup_errors=True) as name:
            for part, torture in parts.items():
                rows += _done(part, torture, Ground(_below(Path(name).resolve(), part), warm))
                if write:
                    _show(rows, write=True)
    finally:
        warm.close()
    if not write:
        _show(rows, write=False)
    return rows


def _done(part: str, torture: Part, ground: Ground) -> list[Row]:
    began = time.monotonic()
    rows = torture(ground)
    shutil.rmtree(ground.root, ignore_errors=True)
    for row in rows:
        row.part, row.seconds = part, round(time.monotonic() - began)
    return rows


def _show(rows: list[Row], write: bool) -> None:
    made = [{name: value for name, value in asdict(row).items() if name != "total"} for row in rows]
    if write:
        order = list(_parts(FULL))
        made = sorted([*_others(made), *made], key=lambda row: order.index(row["part"]))
    report.write("torture", report.machine(), made, whole=write)


def _below(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir()
    return path


def _others(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the parts that were measured before, and not now."""
    path = report.RESULTS / "torture.json"
    saved = json.loads(path.read_text())["rows"] if path.exists() else []
    now = {row["part"] for row in made}
    return [row for row in saved if row["part"] not in now]


def _sizes(texts: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in FULL or not number.isdecimal():
            raise click.BadParameter(f"{text!r}: write NAME=N with one of {', '.join(FULL)}")
        found[name] = int(number)
    return found


if __name__ == "__main__":
    main()
