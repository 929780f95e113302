"""Runs jobs in worker processes on this machine: one job each at a time, none able to take the others down."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.connection import wait

from ganbench.registry.registry import Registry
from ganbench.results.records import Failure
from ganbench.runner.events import (
    ExecutorEvent,
    JobReturned,
    JobStarted,
    StateChanged,
    Stopping,
    Tick,
    WorkerMessage,
    WorkerReady,
)
from ganbench.runner.jobs import Job, JobFailure
from ganbench.runner.worker_process import Task, WorkerProcess, WorkerSettings

TICK_S = 1.0

Report = Callable[[ExecutorEvent], None]


class LocalExecutor:
    """Runs jobs in `workers` processes of one thread each.

    One thread, because the same spec must give the same bits, and because two threads on a busy
    machine are slower than one. A worker that dies or exceeds `timeout` seconds fails its job
    alone and is replaced. So is one that has run plugins of a file, or of other distributions than
    the next job's, or whose state was changed: no job can change another's results. If the run is
    interrupted, workers save their state first.
    """

    def __init__(self, workers: int, settings: WorkerSettings, registry: Registry, timeout: float | None) -> None:
        self.workers, self.settings, self.registry, self.timeout = workers, settings, registry, timeout

    def __call__(self, jobs: list[Job], report: Report) -> None:
        waiting = list(jobs)
        started: list[WorkerProcess] = []
        try:
            while waiting or any(worker.job for worker in started):
                self._assign(waiting, started, report)
                ready = wait([worker.pipe for worker in started if worker.job], timeout=TICK_S)
                if not ready:
                    report(Tick())
                for worker in list(started):
                    if worker.pipe in ready and not self._receive(worker, report):
                        started.remove(worker)
                    elif worker.job and self.timeout and time.monotonic() - worker.since > self.timeout:
                        self._time_out(worker, report)
                        started.remove(worker)
        finally:
            _stop_all(started, report)

    def _assign(self, waiting: list[Job], started: list[WorkerProcess], report: Report) -> None:
        """Give jobs to idle workers; new workers are started while there may be more."""
        while waiting:
            task = Task(waiting[0], self.registry.needed(waiting[0].spec.choices()))
            worker = self._worker(task, started)
            if worker is None:
                return
            job = waiting.pop(0)
            worker.job = job
            report(JobStarted(job))
            worker.assign(task)

    def _worker(self, task: Task, started: list[WorkerProcess]) -> WorkerProcess | None:
        """A worker for a task: an idle one that suits it, or a new one, in place of an idle one if there are enough."""
        idle = [worker for worker in started if worker.job is None]
        for worker in idle:
            if worker.suits(task.needed):
                return worker
        if len(started) == self.workers:
            if not idle:
                return None
            idle[0].kill()  # it has nothing to save
            started.remove(idle[0])
        worker = WorkerProcess.start(self.settings)
        started.append(worker)
        return worker

    def _receive(self, worker: WorkerProcess, report: Report) -> bool:
        """Report one message; False if the worker has died."""
        job = worker.job
        assert job is not None
        try:
            message: WorkerMessage = worker.pipe.recv()
        except (EOFError, OSError):
            reason = worker.exit_reason()
            worker.job = None
            worker.kill()
            report(JobReturned(job, JobFailure(Failure("failed", reason))))
            return False
        if isinstance(message, WorkerReady):
            worker.since = time.monotonic()  # importing torch is not the job's time
            return True
        if isinstance(message, StateChanged):
            worker.changed = True
        if isinstance(message, JobReturned):
            worker.job = None
        report(message)
        return True

    def _time_out(self, worker: WorkerProcess, report: Report) -> None:
        job = worker.job
        assert job is not None
        worker.kill()  # at once: waiting for one that hangs would delay all the others
        late = Failure("timeout", f"it ran longer than {self.timeout:g} s", limit_seconds=self.timeout)
        report(JobReturned(job, JobFailure(late)))


def _stop_all(workers: list[WorkerProcess], report: Report) -> None:
    """End all workers; those that train save their state side by side."""
    training = [worker for worker in workers if worker.job]
    try:
        if training:
            report(Stopping(len(training)))
    finally:
        for worker in training:
            worker.process.terminate()
        for worker in workers:
            worker.stop()
