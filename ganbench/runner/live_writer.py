"""An observer of a run that keeps the live state: what is under way, how far, the curves so far, what has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from ganbench.results import live
from ganbench.results.records import AnyRecord, Record
from ganbench.runner.jobs import CellJob, Job
from ganbench.runner.progress import Clock
from ganbench.signals import SIGNALS

SHOWN = ("d_loss", "g_loss", "p_real_above_fake", "js", "diversity")
"""The signals whose curves are in the file."""
COLUMNS = [SIGNALS.index(name) for name in SHOWN]
EVERY, BEAT = 1.0, 10.0
"""Seconds between two writes where something has happened, and where nothing has."""
POINTS, ALL_POINTS = 200, 6400
"""Points of a curve at most, and of all seeds of a cell together."""
FINISHED = 100
"""The jobs that ended last."""


@dataclass
class _Running:
    """A job on its way; `curves` are rows (step, the signals `SHOWN`) by seed."""

    job: Job
    began: float
    progress: Any = None
    curves: dict[int, list[tuple[float, ...]]] = field(default_factory=dict)
    statuses: dict[int, str] = field(default_factory=dict)


class Watch:
    """Keeps `results/.live.json` while a suite runs; the file is gone when it has ended."""

    def __init__(self, results: Path, suite: str) -> None:
        self.path, self.suite = results / live.NAME, suite
        self.running: dict[int, _Running] = {}
        self.finished: list[dict[str, Any]] = []
        self.total, self.done, self.counts = 0, 0, dict[str, int]()

    def begin(self, weights: list[tuple[Job, float]]) -> None:
        self.clock, self.started_at, self.total = Clock(weights), live.now(), len(weights)
        self._write()

    def started(self, job: Job) -> None:
        self.running[id(job)] = _Running(job, time.monotonic())
        self._changed()

    def advanced(self, job: Job, progress: Any) -> None:
        one = self.running[id(job)]
        one.progress = progress
        for seed, (steps, rows) in progress.fresh.items():
            kept = [(step, *(row[i] for i in COLUMNS)) for step, row in zip(steps, rows, strict=True)]
            one.curves.setdefault(seed, []).extend(kept)
        if isinstance(job, CellJob):
            self.clock.update(job, progress.step / job.cell.spec.train.steps)
        self._changed()

    def recorded(self, job: Job, record: AnyRecord) -> None:
        if isinstance(record, Record):
            self.running[id(job)].statuses[record.spec.seed] = record.status
            self.counts[record.status] = self.counts.get(record.status, 0) + 1
        self._changed()

    def ended(self, job: Job, statuses: Sequence[str], reason: str) -> None:
        one = self.running.pop(id(job))
        self.clock.update(job, 1.0)
        self.done += 1
        seconds = round(time.monotonic() - one.began, 1)
        self.finished = [*self.finished, {**_facts(one), "reason": reason, "seconds": seconds}][-FINISHED:]
        self._changed()

    def idle(self) -> None:
        if self.stale or time.monotonic() - self.written > BEAT:
            self._write()

    def close(self) -> None:
        self.path.unlink(missing_ok=True)
        live.beside(self.path).unlink(missing_ok=True)

    def _changed(self) -> None:
        self.stale = True
        if time.monotonic() - self.written > EVERY:
            self._write()

    def _write(self) -> None:
        """Whole or not at all; without a sync, because the file is of no use after a crash."""
        temporary = live.beside(self.path)
        temporary.write_text(json.dumps(self._state(), allow_nan=False), encoding="utf-8")
        temporary.replace(self.path)
        self.written, self.stale = time.monotonic(), False

    def _state(self) -> dict[str, Any]:
        remaining = self.clock.remaining()
        return {
            "schema": live.SCHEMA,
            "state": "running",
            "suite": self.suite,
            **live.process(),
            "started": self.started_at,
            "updated": live.now(),
            "elapsed": round(self.clock.elapsed, 1),
            "eta": None if remaining is None else round(remaining, 1),
            "jobs": {"total": self.total, "done": self.done},
            "statuses": self.counts,
            "signals": list(SHOWN),
            "running": [{**_facts(one), **_standing(one)} for one in self.running.values()],
            "finished": self.finished,
        }


def _facts(one: _Running) -> dict[str, Any]:
    """Which job it is, and the statuses of its seeds that have ended."""
    job = one.job
    if not isinstance(job, CellJob):
        return {"kind": "reference", "name": job.name, "dataset": job.label, "reference": job.spec.reference}
    labels = dict(zip(("loss", "architecture", "dataset"), job.cell.texts, strict=True))
    seeds = job.cell.seeds
    runs = {seed: job.cell.run(seed).id for seed in seeds}
    return {"kind": "cell", "name": job.name, **labels, "seeds": seeds, "runs": runs, "statuses": one.statuses}


def _standing(one: _Running) -> dict[str, Any]:
    """How far a cell is; before its first progress, nothing but its length."""
    if not isinstance(one.job, CellJob):
        return {}
    steps, news = one.job.cell.spec.train.steps, one.progress
    if news is None:
        return {"step": 0, "steps": steps, "alive": None, "images_per_second": None, "curves": {}}
    limit = max(2, min(POINTS, ALL_POINTS // len(one.job.cell.seeds)))
    return {
        "step": round(news.step),
        "steps": steps,
        "alive": news.alive,
        "images_per_second": _plain(news.images_per_second),
        "curves": {seed: _curve(rows, limit) for seed, rows in one.curves.items()},
    }


def _curve(rows: list[tuple[float, ...]], limit: int) -> dict[str, list[Any]]:
    """Columns of at most so many rows, evenly spaced, the first and the last among them."""
    if len(rows) > limit:
        rows = [rows[round(i * (len(rows) - 1) / (limit - 1))] for i in range(limit)]
    columns = [[row[i] for row in rows] for i in range(len(SHOWN) + 1)]
    named = zip(SHOWN, columns[1:], strict=True)
    return {"step": columns[0], **{name: [_plain(value) for value in column] for name, column in named}}


def _plain(value: float) -> float | None:
    return float(f"{value:.5g}") if isfinite(value) else None
