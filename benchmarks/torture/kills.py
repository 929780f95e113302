"""SIGKILL at random moments of real runs: of the command, of one of its processes, or of everything at once."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.torture.ground import (
    LIMIT_S,
    RUN,
    Fingerprints,
    Ground,
    compare,
    inside,
    kill_all,
    suite_text,
    wait_gone,
)
from benchmarks.torture.row import Row

GONE_S = 30.0
"""Seconds after which nothing is left of a run that was killed; on a quiet machine it takes less than 10."""
LOSSES = {"eager": "nonsaturating, minimax", "compiled": "nonsaturating"}
STEPS = {"eager": 400, "compiled": 4000}
TARGETS = ("command", "command", "process", "everything")


@dataclass(frozen=True)
class _Task:
    """A suite, its runs without a fault, and how long a run takes: in seconds, to its first file and in all."""

    text: str
    whole: Fingerprints
    first: float
    longest: float


def kill_runs(ground: Ground, count: int, engine: str) -> Row:
    """Kill runs of a suite `count` times; each run is continued until it ends, and then compared."""
    row = Row(f"SIGKILL of real runs, {engine}", count)
    row.begin()
    text = suite_text(LOSSES[engine], STEPS[engine], engine, snapshots=2)
    _, whole = ground.whole(row, text)
    task = _Task(text, whole, *_measured(ground, text))

    def kill(number: int) -> None:
        """Half of all kills."""
        chance = random.Random(f"{engine} {number}")
        left, cold = (count + number) // 2, engine == "compiled"
        while left:
            folder = ground.folder(text)
            left -= _one_run(ground, row, task, folder, chance, left, folder / "cache" if cold else None)
            shutil.rmtree(folder)
            cold = False

    ground.each((0, 1), kill)
    return row


def _start(ground: Ground, folder: Path, cache: Path | None) -> subprocess.Popen[bytes]:
    return ground.spawn(folder, *RUN, "--checkpoint", 0, "--retries", 1000, cache=cache)


def _measured(ground: Ground, text: str) -> tuple[float, float]:
    """Seconds until a run that nobody kills writes its first file, and until it ends."""
    folder = ground.folder(text)
    began = time.monotonic()
    process = _start(ground, folder, None)
    while process.poll() is None and not (folder / "results").exists():
        time.sleep(0.02)
    first = time.monotonic() - began
    process.wait(LIMIT_S)
    return first, time.monotonic() - began


def _one_run(
    ground: Ground, row: Row, task: _Task, folder: Path, chance: random.Random, most: int, cache: Path | None
) -> int:  # fmt: skip
    """Kill and continue one run until it has ended by itself, or was killed often enough; then let it end.

    Returns how often it was killed. With a `cache`, it begins without compiled programs.
    """
    kills, ended = 0, False
    while not ended and kills < most:
        process = _start(ground, folder, cache)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(task.first / 2, task.longest))
        ended = process.returncode is not None
        if not ended:
            before = _runs(folder)
            ended = _kill(row, process, folder, chance)
            row.tried()
            kills += 1
            for id_ in before - _runs(folder):
                row.lose(f"run {id_} was finished before a kill")
    if not ended:
        process = _start(ground, folder, cache)
        _wait(row, process, folder, "a run that was continued")
    if process.returncode:
        row.lose(f"a run that was continued ended with exit code {process.returncode}")
    row.read((folder / "stderr").read_text(errors="replace"))
    compare(row, folder / "results", task.whole, f"after {kills} kills")
    return kills


def _runs(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("results/runs/*")}


def _wait(row: Row, process: subprocess.Popen[bytes], folder: Path, what: str) -> None:
    try:
        process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        row.hang(what)
        kill_all({process.pid, *inside(folder)})
        process.wait()


def _kill(row: Row, process: subprocess.Popen[bytes], folder: Path, chance: random.Random) -> bool:
    """Kill the command, one process that it has started, or everything; returns whether it went on to its end."""
    started = inside(folder) - {process.pid}
    target = chance.choice(TARGETS)
    if target == "process" and started:
        kill_all([chance.choice(sorted(started))])  # a worker, or the guard
        _wait(row, process, folder, "a run of which a process was killed")
    else:
        kill_all([process.pid, *(started if target == "everything" else ())])
        process.wait()
    if left := wait_gone(folder, GONE_S):
        row.hang(f"{len(left)} processes {GONE_S:g} s after SIGKILL of {target}")
        kill_all(left)
    return process.returncode != -signal.SIGKILL
