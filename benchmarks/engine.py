"""ganbench compared with a plain training loop: `python -m benchmarks.engine`, or `make bench`.

Sides are timed in turn (A B C, A B C, ...) in one call, and compared by the ratio within a round;
a ratio's median is reported with its range.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import click
import torch
from torch.utils.flop_counter import FlopCounterMode

import ganbench as gb
from benchmarks import report
from benchmarks.cases import CASES, Case
from benchmarks.plain import losses, serve
from benchmarks.same_game import differences
from ganbench.engine.devices import cores
from ganbench.results.records import Record
from ganbench.runner.worker_process import THREAD_VARIABLES

CORES = cores()


class Plain:
    """The plain loop in `processes` processes; `threads` each, or torch's default."""

    def __init__(self, case: Case, processes: int, threads: int | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipes: list[Connection] = []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            context.Process(target=serve, args=(theirs, case, threads), daemon=True).start()
            self.pipes.append(ours)
        self.threads = next(iter([pipe.recv() for pipe in self.pipes]))

    def measure(self, seconds: float) -> tuple[float, int]:
        """Seed-steps per second of all processes together, and the peak memory of one."""
        for pipe in self.pipes:
            pipe.send(seconds)
        answers = [pipe.recv() for pipe in self.pipes]
        return sum(rate for rate, _ in answers), max(peak for _, peak in answers)

    def close(self) -> None:
        for pipe in self.pipes:
            pipe.send(None)


def run_suite(case: Case, folder: Path) -> dict[str, Any]:
    """Train the case's suite, including signals and checkpoints; returns the cost from its records."""
    suite = folder / "case.yaml"
    suite.write_text(case.suite())
    cache = folder / "cache"  # empty in the first round; the compiler's own variable must not point elsewhere
    began = time.perf_counter()
    with environment({"GANBENCH_CACHE": str(cache), "TORCHINDUCTOR_CACHE_DIR": str(cache / "programs")}):
        results = gb.run(suite, results=folder / "results", force=True)
    wall = time.perf_counter() - began
    if not results.complete:
        reasons = {record.reason for record in results.records if record.reason}
        raise SystemExit(f"{case.name}: not every run ended well: {'; '.join(reasons)}")
    workers: dict[int, list[Record]] = {}
    for record in results.records:  # one cell's seeds are halved between two workers
        workers.setdefault(record.spec.seed * CORES // case.seeds, []).append(record)
    train = max(sum(record.cost.train_seconds or 0.0 for record in part) for part in workers.values())
    made = results.records[0].provenance
    return {
        "rate": case.seeds * case.steps / train,
        "train_seconds": train,
        "prepare_seconds": max(record.provenance.prepare_seconds or 0.0 for record in results.records),
        "wall_seconds": wall,
        "peak_memory_bytes": max(record.cost.peak_memory_bytes or 0 for record in results.records),
        "path": made.path,
        "lanes": made.lanes,
    }


def cold(case: Case) -> float:
    """Seconds to compile the case's step with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        short = replace(case, steps=50)  # compiling does not depend on the number of steps
        return float(run_suite(short, Path(folder))["prepare_seconds"])


def flops(case: Case) -> int:
    """Floating-point operations of one seed-step in matrix products and convolutions."""
    with FlopCounterMode(display=False) as counter:
        real = case.data()[: case.batch]
        losses(case, case.modules(), iter([(real, torch.randn(2, case.batch, case.latent))]))
    return int(counter.get_total_flops())


def peak_flops() -> float:
    """Floating-point operations per second of one core in a large matrix product, the best of several."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    best = 0.0
    for _ in range(20):
        began = time.perf_counter()
        torch.mm(a, b)
        best = max(best, 2 * 1024**3 / (time.perf_counter() - began))
    return best


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Processes started in this context have these environment variables."""
    before = {name: os.environ.pop(name, None) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def compare(case: Case, rounds: int, seconds: float) -> dict[str, Any]:
    """One case: all sides in turn, `rounds` times."""
    found = differences(case)
    one = Plain(case, 1, None)
    with environment(dict.fromkeys(THREAD_VARIABLES, "1")):
        many = Plain(case, CORES, 1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            rows.append(
                {
                    "plain": one.measure(seconds),
                    "processes": many.measure(seconds),
                    "ganbench": run_suite(case, Path(folder)),
                    "peak": peak_flops(),
                }
            )
            click.echo(f"{case.name}: {_ratio(rows[-1], 'plain'):.2f} {_ratio(rows[-1], 'processes'):.2f}", err=True)
    one.close()
    many.close()
    return {**_summary(case, rows, one.threads), "loss_difference": found}


def _ratio(row: dict[str, Any], side: str) -> float:
    return float(row["ganbench"]["rate"] / row[side][0])


def _summary(case: Case, rows: list[dict[str, Any]], threads: int) -> dict[str, Any]:
    ours = [row["ganbench"] for row in rows]
    plain = median(row["plain"][0] for row in rows)
    work, train = case.seeds * case.steps, median(one["train_seconds"] for one in ours)
    prepare = {
        "cold": cold(case),
        "kept": median(one["prepare_seconds"] for one in ours[1:]),  # the cache was empty in the first round
    }
    evaluating = median(one["wall_seconds"] - one["train_seconds"] - one["prepare_seconds"] for one in ours)
    peak = CORES * median(row["peak"] for row in rows)
    # only for matrix products: the counter overestimates transposed convolutions
    share = flops(case) * median(one["rate"] for one in ours) / peak if case.architecture == "mlp" else None
    return {
        "case": case.name, "seeds": case.seeds, "steps": case.steps, "batch": case.batch,
        "path": ours[0]["path"], "lanes": ours[0]["lanes"], "plain_threads": threads,
        "seed_steps_per_second": {
            "plain": plain,
            "processes": median(row["processes"][0] for row in rows),
            "ganbench": median(one["rate"] for one in ours),
        },
        "ratio": {side: _spread([_ratio(row, side) for row in rows]) for side in ("plain", "processes")},
        "ratio_with_compiling": {name: work / plain / (train + seconds) for name, seconds in prepare.items()},
        "goal": case.goal,
        "prepare_seconds": prepare,
        "start_and_evaluation_seconds": evaluating,
        "share_of_gemm_peak": share,
        "peak_memory_bytes": {
            "plain": max(row["plain"][1] for row in rows), "ganbench": max(one["peak_memory_bytes"] for one in ours)
        },
    }  # fmt: skip


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "low": min(values), "high": max(values)}


@click.command()
@click.option("--rounds", default=2, type=click.IntRange(2), show_default=True, help="How often every side is timed.")
@click.option("--seconds", default=4.0, show_default=True, help="Time of the plain loop per round.")
@click.option("--case", "wanted", default="", help="Only cases whose name contains this.")
def main(rounds: int, seconds: float, wanted: str) -> None:
    """Time ganbench against a plain training loop, and print the table of ratios."""
    torch.set_num_threads(1)
    rows = [compare(case, rounds, seconds) for case in CASES if wanted in case.name]
    report.write("engine", report.machine(), rows, whole=not wanted)


if __name__ == "__main__":
    main()
