"""An observer that keeps the live state of a run: what is running, how far, the curves so far, what has ended."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from ganbench.results import live
from ganbench.results.records import Record
from ganbench.runner.eta import Estimator, JobTimes
from ganbench.runner.events import (
    Event,
    JobEnded,
    JobProgress,
    JobRetried,
    JobStarted,
    RunRecorded,
    Stopping,
    SuiteFinished,
    SuiteStarted,
    Tick,
)
from ganbench.runner.jobs import CellJob, ReferenceJob
from ganbench.signals import SIGNALS, TABLE

CURVES = tuple(signal.name for signal in TABLE if signal.live)
"""The signals whose curves are in the file."""
COLUMNS = [SIGNALS.index(name) for name in CURVES]
WRITE_INTERVAL_S, IDLE_INTERVAL_S = 1.0, 10.0
"""Seconds between two writes if something has happened, and if nothing has."""
MAX_POINTS, MAX_CELL_POINTS = 200, 6400
"""The most points of one curve, and of all seeds of a cell together."""
MAX_FINISHED = 100
"""How many of the jobs that ended are listed, the last ones."""


@dataclass
class _Job:
    """What is shown of a job beside its times; `curves` are rows (step, the signals `CURVES`) by seed."""

    times: JobTimes
    began: float
    curves: dict[int, list[tuple[float, ...]]] = field(default_factory=dict)
    statuses: dict[int, str] = field(default_factory=dict)


class LiveWriter:
    """Keeps `results/.live.json` while a suite runs; the file is removed when it has ended."""

    def __init__(self, results: Path, suite: str) -> None:
        self.path, self.suite = results / live.NAME, suite
        self.estimator = Estimator()
        self.running: dict[str, _Job] = {}
        self.finished: list[dict[str, Any]] = []
        self.counts: dict[str, int] = {}
        self.started_at, self.written, self.pending = "", 0.0, False

    def __call__(self, event: Event) -> None:
        if isinstance(event, SuiteFinished):
            self.path.unlink(missing_ok=True)
            live.temporary_path(self.path).unlink(missing_ok=True)
            return
        self.estimator(event)
        self._record(event)
        self.pending = self.pending or not isinstance(event, Tick)
        due = WRITE_INTERVAL_S if self.pending else IDLE_INTERVAL_S
        if isinstance(event, SuiteStarted | Stopping) or time.monotonic() - self.written > due:
            self._write()

    def _record(self, event: Event) -> None:
        match event:
            case SuiteStarted():
                self.started_at = live.now()
            case JobStarted(job):
                self.running[job.key] = _Job(self.estimator.jobs[job.key], time.monotonic())
            case JobProgress(job, progress):
                curves = self.running[job.key].curves
                for seed, (steps, rows) in progress.fresh.items():
                    points = [(step, *(row[i] for i in COLUMNS)) for step, row in zip(steps, rows, strict=True)]
                    curves.setdefault(seed, []).extend(points)
            case RunRecorded(job, Record() as record):
                self.running[job.key].statuses[record.spec.seed] = record.status
                self.counts[record.status] = self.counts.get(record.status, 0) + 1
            case JobRetried(job):
                del self.running[job.key]
            case JobEnded(job, _, reason):
                one = self.running.pop(job.key)
                seconds = round(time.monotonic() - one.began, 1)
                self.finished = [*self.finished, {**_facts(one), "reason": reason, "seconds": seconds}][-MAX_FINISHED:]

    def _write(self) -> None:
        """Atomically; without a sync, because the file is of no use after a crash."""
        temporary = live.temporary_path(self.path)
        temporary.write_text(json.dumps(self._state(), allow_nan=False), encoding="utf-8")
        temporary.replace(self.path)
        self.written, self.pending = time.monotonic(), False

    def _state(self) -> dict[str, Any]:
        remaining = self.estimator.remaining()
        return {
            "schema": live.SCHEMA,
            "state": "stopping" if self.estimator.stopping else "running",
            "suite": self.suite,
            **live.process(),
            "started": self.started_at,
            "updated": live.now(),
            "elapsed": round(self.estimator.elapsed, 1),
            "eta": None if remaining is None else round(remaining, 1),
            "jobs": {"total": self.estimator.total, "done": self.estimator.done},
            "statuses": self.counts,
            "signals": list(CURVES),
            "running": [{**_facts(one), "phase": one.times.phase, **_progress(one)} for one in self.running.values()],
            "finished": self.finished,
        }


def _facts(one: _Job) -> dict[str, Any]:
    """Which job it is, and the statuses of its seeds that have ended."""
    job = one.times.job
    if isinstance(job, ReferenceJob):
        return {
            "kind": "reference",
            "name": job.name,
            "dataset": job.label,
            "reference": job.title or job.spec.reference,
        }
    labels = dict(zip(("loss", "architecture", "dataset"), job.cell.texts, strict=True))
    seeds = job.cell.seeds
    runs = {seed: job.cell.run(seed).id for seed in seeds}
    kind = "cell" if isinstance(job, CellJob) else "evaluation"
    return {"kind": kind, "name": job.name, **labels, "seeds": seeds, "runs": runs, "statuses": one.statuses}


def _progress(one: _Job) -> dict[str, Any]:
    """How far a cell is; before its first progress only its length."""
    job, progress = one.times.job, one.times.progress
    if not isinstance(job, CellJob):
        return {}
    if progress is None:
        return {"step": 0, "steps": job.steps, "alive": None, "images_per_second": None, "curves": {}}
    limit = max(2, min(MAX_POINTS, MAX_CELL_POINTS // len(job.cell.seeds)))
    return {
        "step": round(progress.step),
        "steps": job.steps,
        "alive": progress.alive,
        "images_per_second": _finite(progress.images_per_second),
        "curves": {seed: _curve(rows, limit) for seed, rows in one.curves.items()},
    }


def _curve(rows: list[tuple[float, ...]], limit: int) -> dict[str, list[Any]]:
    """Columns of at most `limit` rows, evenly spaced, with the first and the last among them."""
    if len(rows) > limit:
        rows = [rows[round(i * (len(rows) - 1) / (limit - 1))] for i in range(limit)]
    columns = [[row[i] for row in rows] for i in range(len(CURVES) + 1)]
    named = zip(CURVES, columns[1:], strict=True)
    return {"step": columns[0], **{name: [_finite(value) for value in column] for name, column in named}}


def _finite(value: float) -> float | None:
    return float(f"{value:.5g}") if isfinite(value) else None
