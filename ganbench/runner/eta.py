"""Estimates when a run will be done, from the phases measured so far."""

from __future__ import annotations

import heapq
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganbench.formatting import duration
from ganbench.runner.events import (
    Event,
    JobEnded,
    JobProgress,
    JobRetried,
    JobStarted,
    Phase,
    PhaseStarted,
    RunRecorded,
    Stopping,
    SuiteStarted,
)
from ganbench.runner.jobs import CellJob, Job, ReferenceJob
from ganbench.runner.retries import seeds_of

if TYPE_CHECKING:
    from ganbench.engine.state import Progress

MIN_FRACTION, MIN_TRAINING_S = 0.02, 2.0
"""How much of one cell must be trained, and for how long, before its speed is used."""
DEFAULT_STARTING_S, DEFAULT_PREPARATION_S, DEFAULT_EVALUATION_S = 6.0, 2.0, 1.0
"""Start-up of a worker, loading and compiling of a cell, evaluation of a seed or reference, until one is measured."""
DEFAULT_EVALUATION_SHARE = 0.1
"""Evaluation of a seed over its training, until one is measured, if that is more than `DEFAULT_EVALUATION_S`."""


@dataclass
class JobTimes:
    """What is known of one job. `seconds` are those of each phase that has ended.

    `training_s` is the time from the start of training to the last progress, snapshots included;
    `first_fraction` is the part that was trained before, `fraction` the part that is trained now.
    """

    job: Job
    weight: float
    phase: Phase | None = None
    phase_since: float = 0.0
    seconds: dict[Phase, float] = field(default_factory=dict)
    training_since: float | None = None
    training_s: float = 0.0
    first_fraction: float = 0.0
    fraction: float = 0.0
    progress: Progress | None = None
    snapshot_s: float = 0.0
    snapshot_seeds: int = 0
    recorded: int = 0
    last_record: float = 0.0
    ended: bool = False

    @property
    def seeds(self) -> int:
        return 1 if isinstance(self.job, ReferenceJob) else len(self.job.cell.seeds)

    @property
    def trains(self) -> bool:
        """Whether the job trains; others only evaluate."""
        return isinstance(self.job, CellJob)

    @property
    def labels(self) -> tuple[str, str, str]:
        """Loss, architecture and dataset."""
        return ("", "", self.job.dataset) if isinstance(self.job, ReferenceJob) else self.job.cell.texts

    @property
    def waiting(self) -> bool:
        return self.phase is None and not self.ended

    @property
    def finally_evaluating(self) -> bool:
        """Whether training is over; before, `Phase.EVALUATING` is that of a snapshot."""
        return self.phase is Phase.EVALUATING and self.fraction >= 1

    def preparation(self) -> float:
        """Seconds of loading and compiling, those of phases that have ended."""
        return sum(self.seconds.get(phase, 0.0) for phase in (Phase.LOADING, Phase.COMPILING))

    def training_known(self) -> bool:
        """Whether enough of the cell was trained here to know its speed."""
        return self.fraction - self.first_fraction >= MIN_FRACTION and self.training_s >= MIN_TRAINING_S

    def enter(self, phase: Phase | None, now: float) -> None:
        """End the current phase and start another; None ends the job."""
        if self.phase is not None:
            spent = now - self.phase_since
            self.seconds[self.phase] = self.seconds.get(self.phase, 0.0) + spent
            if self.trains and self.phase is Phase.EVALUATING and not self.finally_evaluating and phase is not None:
                self.snapshot_s += spent
                self.snapshot_seeds += self.seeds if self.progress is None else self.progress.alive
        self.phase, self.phase_since = phase, now

    def evaluated(self) -> tuple[float, int]:
        """Seconds of evaluation and how many sets of samples they were for: those at the end, else snapshots."""
        if not self.trains:
            spent = sum(self.seconds.get(phase, 0.0) for phase in (Phase.REFERENCES, Phase.EVALUATING))
            return spent, self.seeds * self.ended
        if self.finally_evaluating and self.recorded:
            return self.last_record - self.phase_since, self.recorded
        final = self.seconds.get(Phase.EVALUATING, 0.0) - self.snapshot_s
        return (final, self.recorded) if self.ended and final > 0 else (self.snapshot_s, self.snapshot_seeds)


class Averages:
    """Ratios of sums, by keys from the most to the least similar."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, ...], tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))

    def add(self, keys: Iterable[tuple[str, ...]], amount: float, count: float) -> None:
        for key in keys:
            before = self.sums[key]
            self.sums[key] = (before[0] + amount, before[1] + count)

    def get(self, keys: Iterable[tuple[str, ...]], default: float) -> float:
        """The average under the first key that has one."""
        found = (self.sums[key] for key in keys if key in self.sums)
        return next((amount / count for amount, count in found if count), default)


class Costs:
    """Seconds that the phases of a job take, as measured in similar jobs."""

    def __init__(self, jobs: Iterable[JobTimes], workers: int) -> None:
        self.start, self.preparation, self.training, self.evaluation = Averages(), Averages(), Averages(), Averages()
        for index, one in enumerate(jobs):
            if index < workers and Phase.STARTING in one.seconds:
                self.start.add([()], one.seconds[Phase.STARTING], 1)
            if one.training_since is not None:
                self.preparation.add(_cell_keys(one), one.preparation(), 1)
            if one.training_known():
                self.training.add(_cell_keys(one), one.training_s, one.weight * (one.fraction - one.first_fraction))
            self.evaluation.add(_evaluation_keys(one), *one.evaluated())

    def of_start(self) -> float:
        return self.start.get([()], DEFAULT_STARTING_S)

    def of_preparation(self, one: JobTimes) -> float:
        return self.preparation.get(_cell_keys(one), DEFAULT_PREPARATION_S)

    def of_training(self, one: JobTimes) -> float:
        return one.weight * self.training.get(_cell_keys(one), 0.0)

    def of_evaluation(self, one: JobTimes) -> float:
        training = self.of_training(one) / one.seeds if one.trains else 0.0
        default = max(DEFAULT_EVALUATION_S, DEFAULT_EVALUATION_SHARE * training)
        return one.seeds * self.evaluation.get(_evaluation_keys(one), default)

    def of_job(self, one: JobTimes) -> float:
        """Seconds of a whole job in a worker that is already there."""
        evaluation = self.of_evaluation(one)
        if not one.trains:
            return evaluation
        return self.of_preparation(one) + self.of_training(one) + evaluation

    def remaining(self, one: JobTimes, now: float) -> float:
        """Seconds until a running job ends."""
        spent = now - one.phase_since
        if one.phase is Phase.STARTING:
            return max(0.0, self.of_start() - spent) + self.of_job(one)
        if not one.trains:
            return max(0.0, self.of_evaluation(one) - spent)
        if one.phase in (Phase.LOADING, Phase.COMPILING):
            left = max(0.0, self.of_preparation(one) - one.preparation() - spent)
            return left + self.of_training(one) + self.of_evaluation(one)
        if one.finally_evaluating:
            since = now - max(one.phase_since, one.last_record)
            return max(0.0, self.of_evaluation(one) * (one.seeds - one.recorded) / one.seeds - since)
        return self._training_left(one, now) + self.of_evaluation(one)

    def _training_left(self, one: JobTimes, now: float) -> float:
        """Seconds until the last step of a cell that is training, from its own speed as soon as it is known."""
        assert one.training_since is not None
        trained = one.fraction - one.first_fraction
        whole = one.training_s / trained if one.training_known() else self.of_training(one)
        return max(0.0, whole * (1 - one.fraction) - (now - one.training_since - one.training_s))


def _cell_keys(one: JobTimes) -> list[tuple[str, ...]]:
    _, architecture, dataset = one.labels
    return [(architecture, dataset), (architecture,), ()]


def _evaluation_keys(one: JobTimes) -> list[tuple[str, ...]]:
    kind, dataset = type(one.job).__name__, one.job.dataset
    return [(kind, dataset), ("", dataset), (kind,), ()]


class Estimator:
    """An observer that knows how far every job is, and estimates the time until all are done.

    Jobs that have not been measured take the speed of those that were, of the same architecture
    and dataset if there are any. The jobs that wait are dealt to the workers as an executor does.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.jobs: dict[str, JobTimes] = {}
        self.workers, self.began, self.stopping = 1, clock(), False

    def __call__(self, event: Event) -> None:
        now = self.clock()
        match event:
            case SuiteStarted(jobs, workers):
                self.jobs = {job.key: JobTimes(job, weight) for job, weight in jobs}
                self.workers, self.began = workers, now
            case JobStarted(job):
                self.jobs[job.key].enter(Phase.STARTING, now)
            case PhaseStarted(job, phase, step):
                self._phase(self.jobs[job.key], phase, step, now)
            case JobProgress(job, progress):
                one = self.jobs[job.key]
                if isinstance(job, CellJob) and one.training_since is not None:
                    one.fraction, one.progress = progress.step / job.steps, progress
                    one.training_s = now - one.training_since
            case RunRecorded(job, _):
                one = self.jobs[job.key]
                one.recorded, one.last_record = one.recorded + 1, now
            case JobRetried(job, parts, _):
                before = self.jobs.pop(job.key)
                share = before.weight / max(1, len(seeds_of(job)))
                self.jobs |= {part.key: JobTimes(part, share * max(1, len(seeds_of(part)))) for part in parts}
            case JobEnded(job, _, _):
                one = self.jobs[job.key]
                one.enter(None, now)
                one.ended = True
            case Stopping():
                self.stopping = True

    def _phase(self, one: JobTimes, phase: Phase, step: int, now: float) -> None:
        if phase is Phase.TRAINING and one.training_since is None and isinstance(one.job, CellJob):
            one.training_since = now
            one.first_fraction = one.fraction = step / one.job.steps
        one.enter(phase, now)

    @property
    def elapsed(self) -> float:
        return self.clock() - self.began

    @property
    def total(self) -> int:
        return len(self.jobs)

    @property
    def done(self) -> int:
        """How many jobs have ended."""
        return sum(one.ended for one in self.jobs.values())

    def running(self) -> list[JobTimes]:
        return [one for one in self.jobs.values() if one.phase is not None]

    def text(self) -> str:
        """`ETA 3 min 5 s`, `ETA unknown yet`, or `stopping`."""
        if self.stopping:
            return "stopping"
        remaining = self.remaining()
        return "ETA unknown yet" if remaining is None else f"ETA {duration(remaining)}"

    def remaining(self) -> float | None:
        """Seconds until all jobs are done; None if it is too early to say, or if the run is stopping."""
        jobs, now = list(self.jobs.values()), self.clock()
        cells = [one for one in jobs if isinstance(one.job, CellJob)]
        if self.stopping or (cells and not any(one.training_known() for one in cells)):
            return None
        costs, running = Costs(jobs, self.workers), self.running()
        free_at = [costs.remaining(one, now) for one in running]
        idle = max(0, self.workers - len(running))
        not_started = self.workers - sum(not one.waiting for one in jobs)
        waiting = [one for one in jobs if one.waiting]
        free_at += [costs.of_start() if index < not_started else 0.0 for index in range(min(idle, len(waiting)))]
        heapq.heapify(free_at)
        for one in waiting:
            heapq.heappush(free_at, heapq.heappop(free_at) + costs.of_job(one))
        return max(free_at, default=0.0)
