"""Workers that are threads of a test: the executor starts them, and each plays what a test says of its job."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from factories import make_record

from ganbench.registry.registry import Needed, Registry
from ganbench.results.records import Failure
from ganbench.runner.channel import Channel
from ganbench.runner.events import ExecutorEvent, JobReturned, RunStaged, WorkerMessage, WorkerReady
from ganbench.runner.jobs import CellJob, Job, JobFailure
from ganbench.runner.local import LocalExecutor
from ganbench.runner.places import Place, Places
from ganbench.runner.retries import NEVER, Attempt, RetryPolicy, seeds_of
from ganbench.runner.worker_process import Task, WorkerProcess, WorkerSettings

Play = Callable[[Job, "FakeWorker"], Iterable[WorkerMessage]]
"""What a worker sends for a job. `Dead` raised from it ends the worker."""


class Dead(Exception):
    """The worker dies with an exit code."""


@dataclass
class FakeWorker:
    """The process of a worker as the executor sees it, and the thread that plays it."""

    place: Place
    number: int
    play: Play
    channel: Channel
    returncode: int | None = None
    gone: str = ""
    tasks: list[Task] = field(default_factory=list)

    def work(self) -> None:
        try:
            self.channel.receive()  # device and settings
            self.channel.send(WorkerReady())
            while True:
                task: Task = self.channel.receive()
                self.tasks.append(task)
                for message in self.play(task.job, self):
                    self.channel.send(message)
        except Dead as dead:
            self.returncode = dead.args[0]
        except (EOFError, OSError):
            self.returncode = 0
        self.channel.close()

    def kill(self) -> None:
        self.returncode = -9 if self.returncode is None else self.returncode

    terminate = kill

    def forget(self) -> None:
        """Nothing watches it."""

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and timeout == 0:
            raise subprocess.TimeoutExpired("a thread", timeout)
        return self.returncode or 0


class NoPlugins(Registry):
    def __init__(self) -> None:
        pass

    def needed(self, choices: Any) -> Needed:
        return Needed((), frozenset(), {})


@dataclass
class Stage:
    """Runs jobs with fake workers; what happened is in `events`, `starts` are the places of the workers in order."""

    monkeypatch: pytest.MonkeyPatch
    events: list[ExecutorEvent] = field(default_factory=list)
    workers: list[FakeWorker] = field(default_factory=list)

    def run(self, jobs: list[Job], places: Places, play: Play, again: RetryPolicy = NEVER) -> None:
        def start(settings: WorkerSettings, place: Place) -> WorkerProcess:
            ours, theirs = Channel.pair()
            fake = FakeWorker(place, len(self.workers), play, Channel(theirs))
            self.workers.append(fake)
            threading.Thread(target=fake.work, daemon=True).start()
            ours.send((place.device, settings))
            return WorkerProcess(fake, ours, place)

        self.monkeypatch.setattr(WorkerProcess, "start", staticmethod(start))
        settings = WorkerSettings(Path("staging"), Path("checkpoints"), 60)
        LocalExecutor(places, settings, NoPlugins(), None, ahead=0, again=again)(jobs, self.events.append)

    @property
    def tried(self) -> list[tuple[str, str, tuple[int, ...], bool]]:
        """Every task: worker's place, the job's loss, its seeds, and whether it would be tried again with less."""
        return [
            (one.place.name, task.job.name.split()[0], seeds_of(task.job), "memory" in task.retried)
            for one in self.workers
            for task in one.tasks
        ]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def cards(count: int, workers: int) -> Places:
    """GPUs that are none."""
    return Places([Place(f"cuda:{index}", "cpu", is_card=True) for index in range(count)], workers)


def well(job: Job) -> Iterable[WorkerMessage]:
    """All seeds of a job end well."""
    assert isinstance(job, CellJob)
    yield from (recorded(job, seed) for seed in job.cell.seeds)
    yield JobReturned(job, None)


def recorded(job: CellJob, seed: int) -> RunStaged:
    return RunStaged(job, make_record(f"a{seed}", spec=job.cell.run(seed)), Path("staging"))


def full(job: Job, needed: str = "") -> JobReturned:
    """The device runs out of memory."""
    return JobReturned(job, JobFailure(Failure("out-of-memory", "CUDA out of memory"), "traceback", "memory", needed))


def gone(job: Job, reason: str = "CUDA error: unspecified launch failure") -> JobReturned:
    """The device fails."""
    return JobReturned(job, JobFailure(Failure("failed", reason), "traceback", "lost"))


__all__ = ["Attempt", "Dead", "NoPlugins", "Stage", "cards", "full", "gone", "recorded", "well"]
