"""Runs jobs in worker processes: one job each at a time, none able to take the others down."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait

from ganbench.engine import devices
from ganbench.registry.registry import Needed, Registry
from ganbench.results.records import Failure, Record
from ganbench.runner import retries
from ganbench.runner.ahead import Ahead, processes
from ganbench.runner.channel import Garbled
from ganbench.runner.events import (
    ExecutorEvent,
    JobRetried,
    JobReturned,
    JobStarted,
    Phase,
    PhaseStarted,
    RunScored,
    RunStaged,
    StateChanged,
    Tick,
    WorkerMessage,
    WorkerReady,
    WorkerSaving,
    WorkerUnusable,
)
from ganbench.runner.jobs import Job, JobFailure
from ganbench.runner.places import Place, Places
from ganbench.runner.retries import NEVER, Attempt, Retry, RetryPolicy
from ganbench.runner.stopping import SAVE_TIMEOUT_S, stop_all
from ganbench.runner.worker_process import WorkerProcess, WorkerSettings

TICK_S = 1.0
KILLED_FOR_MEMORY = JobFailure(
    Failure("out-of-memory", "the system ran out of memory and killed its worker process"), trouble="memory",
    memory_needed="the system killed its process", memory_of="this machine",
)  # fmt: skip

Report = Callable[[ExecutorEvent], None]


@dataclass(frozen=True)
class Staff:
    """How an executor comes by workers, and the seconds that they have to save their state when the run is stopped."""

    start: Callable[[WorkerSettings, Place], WorkerProcess]
    save_timeout_s: float = SAVE_TIMEOUT_S


HERE = Staff(lambda settings, where: WorkerProcess.start(settings, where))
"""Workers are processes of this machine."""


class LocalExecutor:
    """Runs jobs in worker processes of one thread each, dealt over the `places` of a run.

    One thread, because the same spec must give the same bits, and because two threads on a busy machine are slower than
    one. A worker that dies or exceeds `timeout` seconds fails its job alone and is replaced. So is one that has run
    plugins of a file, or of other distributions than the next job's, or whose state was changed: no job can change
    another's results. A job for which a device has too little memory is tried again with fewer seeds, one whose GPU was
    lost on another (`ganbench.runner.retries`). If the run is interrupted, workers save their state first. `ahead`
    processes compile what waits; None: by the rule of `ganbench.runner.ahead`. `staff` starts the workers, here or
    elsewhere; `again` is what else is tried again, as the user asked. Raises `UsageError` if the user has set something
    that is not a number.
    """

    def __init__(
        self, places: Places, settings: WorkerSettings, registry: Registry, timeout: float | None,
        ahead: int | None = None, staff: Staff = HERE, again: RetryPolicy = NEVER,
    ) -> None:  # fmt: skip
        self.again = again
        self.places, self.settings, self.registry, self.timeout = places, settings, registry, timeout
        self.ahead = processes(places, devices.cores(), os.environ) if ahead is None else ahead
        self.staff = staff

    @property
    def workers(self) -> int:
        """How many jobs run at once."""
        return self.places.workers

    def __call__(self, jobs: list[Job], report: Report) -> None:
        _Execution(self, jobs, report).to_end()


class _Execution:
    """One run of an executor: the attempts that wait, in order, and the workers that there are."""

    def __init__(self, executor: LocalExecutor, jobs: list[Job], report: Report) -> None:
        self.executor, self.places, self.report = executor, executor.places, report
        self.waiting = [Attempt(job) for job in jobs]
        self.started: list[WorkerProcess] = []
        self.ahead = Ahead(executor.places, executor.settings, executor.registry, executor.ahead)

    def to_end(self) -> None:
        try:
            while self.waiting or any(worker.attempt for worker in self.started):
                self._assign()
                self.ahead.look(attempt.job for attempt in self.waiting)
                self._listen()
        finally:
            try:
                self.ahead.stop()
            finally:
                stop_all(self.started, self.report, self.executor.staff.save_timeout_s)

    def _listen(self) -> None:
        """Take the messages of every worker that has sent some; end those that have died or exceed the time limit."""
        timeout = self.executor.timeout
        ready = wait([worker.channel.socket for worker in self.started if worker.attempt], timeout=TICK_S)
        if not ready:
            self.report(Tick())
        for worker in list(self.started):
            if worker.channel.socket in ready or (worker.attempt and worker.ended):
                self._receive(worker)
            elif worker.attempt and timeout and time.monotonic() - worker.since > timeout:
                self._time_out(worker.attempt, worker, timeout)

    def _assign(self) -> None:
        """Give jobs to idle workers; new workers are started while there may be more."""
        self.places.refresh()
        if not self.places.usable:
            self._give_up()
        for attempt in list(self.waiting):
            if self._busy().total() >= self.places.workers:
                return
            free = self._free(attempt)
            if not free:
                continue
            needed = self.executor.registry.needed(attempt.job.spec.choices())
            worker = self._worker(attempt, free, needed)
            self.waiting.remove(attempt)
            worker.attempt = attempt
            self.report(JobStarted(attempt.job, worker.place.name if len(self.places.all) > 1 else ""))
            worker.assign(attempt, needed, self.executor.again)

    def _busy(self) -> Counter[str]:
        """How many workers at each place have a job."""
        return Counter(worker.place.name for worker in self.started if worker.attempt)

    def _free(self, attempt: Attempt) -> list[Place]:
        """Where an attempt can run now, the least busy place first."""
        busy = self._busy()
        reserved = {worker.place.name for worker in self.started if worker.attempt and worker.attempt.alone}
        most = 1 if attempt.alone else self.places.workers
        candidates = (one for one in self.places.candidates(attempt.lost_on) if one.name not in reserved)
        free = [one for one in candidates if busy[one.name] < min(most, self.places.room(one))]
        return sorted(free, key=lambda one: busy[one.name])

    def _worker(self, attempt: Attempt, free: list[Place], needed: Needed) -> WorkerProcess:
        """A worker for an attempt: an idle one that suits it, or a new one, in place of an idle one if it must be.

        An attempt that runs alone gets a new one, and idle ones, which hold memory, leave its place.
        """
        idle = [worker for worker in self.started if worker.attempt is None]
        here = [worker for worker in idle if worker.place == free[0]]
        if attempt.alone:
            surplus = here
        else:
            for worker in (one for place in free for one in idle if one.place == place):
                if worker.suits(needed):
                    return worker
            full = sum(worker.place == free[0] for worker in self.started) >= self.places.room(free[0])
            surplus = here[:1] if full else []
        if len(self.started) - len(surplus) >= self.places.workers:
            surplus = [*surplus, next(worker for worker in idle if worker not in surplus)]
        for worker in surplus:
            self._end(worker)  # it has nothing to save
        worker = self.executor.staff.start(self.executor.settings, free[0])
        self.started.append(worker)
        return worker

    def _end(self, worker: WorkerProcess) -> None:
        worker.kill()
        self.started.remove(worker)

    def _receive(self, worker: WorkerProcess) -> None:
        """Take the messages of a worker, or notice its death."""
        ended = worker.ended  # what it has sent is there by now, although a child of it may hold the connection
        messages, end = worker.channel.arrived()
        for message in messages:
            if worker.attempt is not None and worker in self.started:
                self._take(message, worker, worker.attempt)
        if worker.attempt is None or worker not in self.started:
            return
        if isinstance(end, Garbled):
            self._lost(worker, f"its worker process was ended: {end}")
        elif end is not None or (ended and not messages):
            self._lost(worker, worker.exit_reason())

    def _lost(self, worker: WorkerProcess, reason: str) -> None:
        """A worker is gone, or what it says cannot be understood: its job fails, or is tried again on another GPU."""
        attempt = worker.attempt
        assert attempt is not None
        counted = not worker.killed_by_system
        if worker.killed_for_memory:
            failure = KILLED_FOR_MEMORY
        else:
            failure = JobFailure(Failure("failed", reason), trouble="lost")
        self._end(worker)
        self._failed(attempt, worker, failure, counted)

    def _take(self, message: WorkerMessage, worker: WorkerProcess, attempt: Attempt) -> None:
        """Report one message, or do what it asks for."""
        match message:
            case WorkerSaving():
                return
            case WorkerReady():
                worker.since = time.monotonic()  # importing torch is not the job's time
                return
            case WorkerUnusable(reason):
                self._end(worker)
                self._unusable(attempt, worker.place, reason)
                return
            case JobReturned(_, JobFailure() as failure) if failure.trouble or self.executor.again.covers(failure):
                self._end(worker)  # what is left of the job holds memory, or the device is of no use to this process
                self._failed(attempt, worker, failure)
                return
            case JobReturned():
                worker.attempt = None
            case StateChanged():
                worker.changed = True
            case PhaseStarted(_, phase):
                worker.phase = phase
            case RunStaged(_, Record() as record, _) | RunScored(_, Record() as record):
                worker.done.add(record.spec.seed)
        self.report(message)

    def _failed(self, attempt: Attempt, worker: WorkerProcess, failure: JobFailure, counted: bool = True) -> None:
        """Try again what a device has failed, or report the failure. A `counted` loss is held against the GPU."""
        where, retry = worker.place, None
        seeds = retries.seeds_of(attempt.job)
        if seeds and worker.done.issuperset(seeds):
            self.report(JobReturned(attempt.job, None))
            return
        if worker.process.gone:
            retry = retries.after_end_of_machine(attempt, worker.done, failure.cause.text)
        elif failure.trouble == "memory":
            whose = failure.memory_of or where.name
            retry = retries.after_memory(attempt, worker.done, whose)
            failure = failure if retry else retries.out_of_memory(attempt.job, whose, failure)
        elif failure.trouble == "lost" and where.is_card:
            retry = self._after_loss(attempt, worker, failure.cause.text, counted)
            failure = failure if retry else retries.lost_twice(attempt, where.name, failure)
        elif failure.trouble == "lost" and worker.crashed and worker.phase is Phase.COMPILING:
            retry = retries.after_crash(attempt, worker.done, failure.cause.text)
        retry = retry or retries.after_fault(attempt, worker.done, failure, self.executor.again)
        if retry is None:
            self.report(JobReturned(attempt.job, failure))
        else:
            self._retry(attempt, retry)

    def _after_loss(self, attempt: Attempt, worker: WorkerProcess, reason: str, counted: bool) -> Retry | None:
        """What is tried after a loss, once per job: a job that is lost twice is at fault itself, and not the GPU."""
        where = worker.place
        if attempt.lost_on:
            if attempt.counted:
                self.places.forgive(attempt.lost_on)
            return None
        consequence = self.places.lost(where, reason) if counted else ""
        other = self.places.kind if any(one != where for one in self.places.usable) else ""
        retry = retries.after_loss(attempt, worker.done, where.name, reason, counted, other)
        return retry.and_then(consequence)

    def _unusable(self, attempt: Attempt, where: Place, reason: str) -> None:
        """A worker cannot use its device: a loss of the device, and no fault of the job."""
        consequence = self.places.refused(where, reason)
        text = f"{attempt.job.name}: {where.name} cannot be used ({reason}); trying it again"
        self._retry(attempt, Retry((attempt,), text).and_then(consequence))

    def _retry(self, attempt: Attempt, retry: Retry) -> None:
        """Put what is tried again before all that waits; after it if it needs a place for itself, or time."""
        self.report(JobRetried(attempt.job, tuple(one.job for one in retry.attempts), retry.text))
        self.waiting[:0] = [one for one in retry.attempts if not (one.alone or retry.later)]
        self.waiting += [one for one in retry.attempts if one.alone or retry.later]

    def _give_up(self) -> None:
        """No place is left: all that waits fails."""
        failure = JobFailure(Failure("failed", self.places.nothing_left))
        while self.waiting:
            job = self.waiting.pop(0).job
            self.report(JobStarted(job))
            self.report(JobReturned(job, failure))

    def _time_out(self, attempt: Attempt, worker: WorkerProcess, timeout: float) -> None:
        self._end(worker)  # at once: waiting for one that hangs would delay all the others
        late = Failure("timeout", f"it ran longer than {timeout:g} s", limit_seconds=timeout)
        self.report(JobReturned(attempt.job, JobFailure(late)))
