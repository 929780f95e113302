"""Measures the parts that are asked for, and merges them into one file and one table."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks import report
from benchmarks.gpu import commands, kernels, scores
from benchmarks.gpu.budget import Budget, Row
from benchmarks.gpu.cases import GPU_CASES, small

PARTS = ("kernels", "commands", "evaluation")
BUDGET_S = 520.0
"""A part takes less than nine minutes, its start included."""
SIDE, TINY_SIDE = 8192, 256
MISSING = 3


def measured(part: str, device: torch.device, seconds: float, tiny: bool, wanted: str) -> Row:
    """One part, with where and how long it was measured."""
    budget = Budget(seconds)
    with tempfile.TemporaryDirectory(prefix="ganbench-gpu-") as name:
        folder = Path(name)
        cases = [small(one) if tiny else one for one in GPU_CASES if wanted in one.title]
        work: dict[str, Callable[[], Row]] = {
            "kernels": lambda: kernels.measure(
                cases, device, budget, 0.05 if tiny else 2.0, TINY_SIDE if tiny else SIDE
            ),
            "commands": lambda: commands.measure(str(device), budget, folder, tiny),
            "evaluation": lambda: scores.measure(device, budget, folder, tiny),
        }
        found = work[part]()
    return {
        "device": {"kind": device.type, **kernels.device_facts(device)}, "machine": report.machine(), "tiny": tiny,
        "seconds": budget.spent, "budget": seconds, "left_out": budget.left_out, "found": found,
    }  # fmt: skip


def earlier(folder: Path) -> dict[str, Any]:
    """The parts that were measured before, on this machine or another."""
    path = folder / "gpu.json"
    rows: dict[str, Any] = json.loads(path.read_text())["rows"] if path.is_file() else {}
    return rows


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; all by default.")
@click.option("--to", type=click.Path(path_type=Path), help="Folder of gpu.json and gpu.md; else the repository's.")
@click.option("--device", default="cuda", show_default=True, help="cuda, cuda:1; with --tiny also cpu.")
@click.option("--tiny", is_flag=True, help="Little work, to test the benchmark itself; kept only with --to.")
@click.option("--case", "wanted", default="", help="Only cases of the kernels whose title contains this.")
@click.option("--budget", default=BUDGET_S, show_default=True, help="Seconds that a part may take.")
@click.option("--table", "only_table", is_flag=True, help="Measure nothing: write the tables of what was measured.")
@click.pass_context
def main(
    context: click.Context, parts: tuple[str, ...], to: Path | None, device: str, tiny: bool, wanted: str,
    budget: float, only_table: bool,
) -> None:  # fmt: skip
    """Time ganbench on a GPU; exit with 3 if there is none, with 1 if a part takes longer than it may."""
    folder = to or report.RESULTS
    merged = earlier(folder)
    place = torch.device(device)
    if not only_table:
        if place.type == "cpu" and not tiny:
            raise click.UsageError("on a CPU this benchmark only tests itself: add --tiny")
        if place.type != "cpu" and not torch.cuda.is_available():
            click.echo(
                f"benchmarks.gpu needs a CUDA GPU and torch {torch.__version__} finds none; "
                "--device cpu --tiny runs every part in small",
                err=True,
            )
            context.exit(MISSING)
        for part in parts or PARTS:
            merged[part] = measured(part, place, budget, tiny, wanted)
            _write(merged, to, whole=not tiny and not wanted)
    else:
        _write(merged, to, whole=True)
    late = [name for name in parts or PARTS if name in merged and merged[name]["seconds"] > merged[name]["budget"] + 20]
    if late:
        raise SystemExit(f"over its budget: {', '.join(late)}")


def _write(merged: dict[str, Any], to: Path | None, whole: bool) -> None:
    rows = {name: merged[name] for name in PARTS if name in merged}
    if to is None:
        report.write("gpu", {}, rows, whole)
    else:
        report.save("gpu", {"machine": {}, "rows": rows}, to)


if __name__ == "__main__":
    main()
