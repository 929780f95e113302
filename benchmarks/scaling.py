"""How cost grows with seeds, steps and cells, and what the command line costs: `python -m benchmarks.scaling`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import click
import yaml

from benchmarks import report

RECIPE: dict[str, Any] = {"batch": 128, "lr": 2e-3, "betas": [0, 0.99], "schedule": "cosine"}
FEW = {"samples": 1000, "real_samples": 1000, "metrics": ["sliced-wasserstein"]}


def ganbench(folder: Path, *arguments: object) -> float:
    """Seconds of one command, with its own cache."""
    environment = {**os.environ, "GANBENCH_CACHE": str(folder / "cache")}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "ganbench", *map(str, arguments)],
        capture_output=True, text=True, env=environment, cwd=folder, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"ganbench {arguments} ended with {done.returncode}\n{done.stderr}")
    return time.perf_counter() - began


def suite(folder: Path, name: str, losses: list[Any], seeds: int, **train: Any) -> Path:
    path = folder / f"{name}.yaml"
    content = {"losses": losses, "architectures": ["mlp"], "datasets": ["ring8"], "seeds": seeds}
    path.write_text(yaml.safe_dump({**content, "train": {**RECIPE, **train}, "evaluation": FEW}))
    return path


def trained(folder: Path, name: str, seeds: int, steps: int) -> dict[str, Any]:
    """One cell of the 2-D recipe by `ganbench run`; its two halves are trained in parallel."""
    results = folder / name
    path = suite(folder, name, ["nonsaturating"], seeds, steps=steps, engine="compiled")
    wall = ganbench(folder, "run", "--suite", path, "--results", results)
    records = [json.loads(record.read_text()) for record in results.glob("runs/*/record.json")]
    halves = [0.0, 0.0]
    for record in records:
        halves[record["spec"]["seed"] >= seeds // 2] += record["cost"]["train_seconds"]
    memory = max(record["cost"]["peak_memory_bytes"] for record in records)
    rate = seeds * steps / max(halves)
    return {"seeds": seeds, "steps": steps, "rate": rate, "train": max(halves), "wall": wall, "memory": memory}


def many_cells(folder: Path, count: int) -> dict[str, Any]:
    losses = [{"loss": ["rpgan", {"r1": {"gamma": 0.01 * (i + 1)}}, "r2"]} for i in range(count)]
    path = suite(folder, f"cells{count}", losses, 2, steps=50)
    wall = ganbench(folder, "run", "--suite", path, "--results", folder / f"cells{count}")
    return {"cells": count, "wall": wall, "each": wall / count}


def shell(folder: Path, runs: int) -> list[dict[str, Any]]:
    """Commands that train nothing, each the median of five."""
    path, results = suite(folder, "thousand", ["nonsaturating"], runs, steps=1), folder / "thousand"
    first = ganbench(folder, "run", "--suite", path, "--results", results)
    where = ("--suite", path, "--results", results)
    commands = {
        "ganbench --help": ("--help",),
        "ganbench list": ("list",),
        f"ganbench table, {runs} runs": ("table", *where),
        f"ganbench run, {runs} runs finished": ("run", *where),
    }
    rows = [{"command": f"ganbench run, {runs} new runs of one step", "seconds": first}]
    for name, arguments in commands.items():
        rows.append({"command": name, "seconds": median(ganbench(folder, *arguments) for _ in range(5))})
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return [*rows, {"command": "python -c 'import torch', for comparison", "seconds": time.perf_counter() - began}]


@click.command()
@click.option("--quick", is_flag=True, help="Small sizes, to test the benchmark itself; nothing is saved.")
def main(quick: bool) -> None:
    """Train growing numbers of seeds, steps and cells, and print the tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained(folder, "warm", 2, 50)  # so that the program is cached, as in a user's second suite
        seeds = [trained(folder, f"seeds{n}", n, 3000) for n in ((2, 4) if quick else (1, 4, 8, 16, 64))]
        steps = [trained(folder, f"steps{n}", 8, n) for n in ((1000,) if quick else (1000, 100_000))]
        cells = [many_cells(folder, n) for n in ((1, 2) if quick else (1, 20, 200))]
        rows = {"seeds": seeds, "steps": steps, "cells": cells, "shell": shell(folder, 20 if quick else 1000)}
    report.write("scaling", report.machine(), rows, whole=not quick)


if __name__ == "__main__":
    main()
