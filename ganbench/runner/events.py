"""What happens during a run, as one stream of events that any number of observers receive."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ganbench.results.records import AnyRecord, Record, Status
from ganbench.runner.jobs import Job, JobFailure

if TYPE_CHECKING:
    from ganbench.engine.state import Progress


class Phase(StrEnum):
    """What a job is doing. `STARTING` is the start of its worker process."""

    STARTING = "starting"
    LOADING = "loading"
    COMPILING = "compiling"
    TRAINING = "training"
    EVALUATING = "evaluating"
    REFERENCES = "references"


@dataclass(frozen=True)
class SuiteStarted:
    """The first event: all jobs in order, each with an estimate of its cost, and the number of workers."""

    jobs: tuple[tuple[Job, float], ...]
    workers: int


@dataclass(frozen=True)
class JobStarted:
    """A job was given to a worker, which may still have to start: the job is in `Phase.STARTING`.

    `place` names the worker's device, if the run uses several.
    """

    job: Job
    place: str = ""


@dataclass(frozen=True)
class PhaseStarted:
    """A job entered a phase. `step` is the training step at which it did, above 0 after a resume."""

    job: Job
    phase: Phase
    step: int = 0


@dataclass(frozen=True)
class JobRetried:
    """A device failed a job: it ran out of memory or was lost. The `parts` are tried in its place, and `text` says how.

    A part is the job itself, or has some of its seeds. Its progress starts anew.
    """

    job: Job
    parts: tuple[Job, ...]
    text: str


@dataclass(frozen=True)
class JobProgress:
    """A cell's progress. All events of a cell contain every row of its history, once for each attempt."""

    job: Job
    progress: Progress


@dataclass(frozen=True)
class RunRecorded:
    """A record was stored, that of a failed run or of a reference included."""

    job: Job
    record: AnyRecord


@dataclass(frozen=True)
class JobEnded:
    """A job ended: the statuses of its runs, and the first reason given for one that is not ok."""

    job: Job
    statuses: tuple[Status, ...]
    reason: str


@dataclass(frozen=True)
class StateChanged:
    """A job's plugins changed the state of their worker process, which is replaced: the first changes in a line."""

    job: Job
    what: str

    @property
    def text(self) -> str:
        return f"{self.job.name} changed {self.what} for its whole process; its worker was replaced for the other cells"


@dataclass(frozen=True)
class Tick:
    """No worker has reported anything for a second."""


@dataclass(frozen=True)
class Stopping:
    """The run was interrupted; its workers are saving the state of their jobs."""

    jobs: int


@dataclass(frozen=True)
class SuiteFinished:
    """The last event, however the run ended."""


Event: TypeAlias = (
    SuiteStarted
    | JobStarted
    | JobRetried
    | PhaseStarted
    | JobProgress
    | RunRecorded
    | StateChanged
    | JobEnded
    | Tick
    | Stopping
    | SuiteFinished
)
Observer: TypeAlias = Callable[[Event], None]


@dataclass(frozen=True)
class WorkerReady:
    """A worker process has started and takes its job."""


@dataclass(frozen=True)
class WorkerSaving:
    """A worker that was asked to leave still trains the steps after which it can save its state, or saves it."""


@dataclass(frozen=True)
class WorkerUnusable:
    """A worker process has started, and cannot use its device, for a reason; it ends."""

    reason: str


@dataclass(frozen=True)
class RunStaged:
    """A record and its folder are ready to be moved into the results."""

    job: Job
    record: AnyRecord
    folder: Path


@dataclass(frozen=True)
class RunScored:
    """The scores of a run that is in the results already are ready to be added to it."""

    job: Job
    record: Record


@dataclass(frozen=True)
class JobReturned:
    """A worker is done with a job. Runs of a failed job that left no record share its failure."""

    job: Job
    failure: JobFailure | None


WorkerMessage: TypeAlias = (
    WorkerReady
    | WorkerSaving
    | WorkerUnusable
    | PhaseStarted
    | JobProgress
    | RunStaged
    | RunScored
    | StateChanged
    | JobReturned
)
"""What a worker process sends to the runner."""
ExecutorEvent: TypeAlias = (
    JobStarted
    | JobRetried
    | PhaseStarted
    | JobProgress
    | RunStaged
    | RunScored
    | StateChanged
    | JobReturned
    | Tick
    | Stopping
)
"""What an executor reports, in the order in which it happens, in the process that called it."""


def broadcast(*observers: Observer) -> Observer:
    """One observer that passes every event to each of several, also if one of them raises."""

    def send(event: Event) -> None:
        with ExitStack() as stack:
            for observer in reversed(observers):
                stack.callback(observer, event)

    return send
