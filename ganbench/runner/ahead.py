"""Processes that compile the programs of cells whose turn has not come, while the workers train others."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress

from ganbench.errors import UsageError
from ganbench.registry.registry import Needed, Registry
from ganbench.runner.channel import Garbled
from ganbench.runner.events import JobReturned, StateChanged, WorkerUnusable
from ganbench.runner.jobs import CellJob, Job
from ganbench.runner.places import Places
from ganbench.runner.retries import Attempt
from ganbench.runner.worker_process import WorkerProcess, WorkerSettings

VARIABLE = "GANBENCH_AHEAD"
MOST = 4
"""Processes that compile ahead on a machine with GPUs, if there are cores for them."""
MAX_LOSSES = 3
"""After this many processes have died, no more are started."""

log = logging.getLogger("ganbench.ahead")


def processes(places: Places, cores: int, environment: Mapping[str, str]) -> int:
    """How many processes compile ahead: none on a CPU, whose cores all train; the cores that are left beside GPUs.

    `$GANBENCH_AHEAD` sets another number. Raises `UsageError` if its value is not a number.
    """
    asked = environment.get(VARIABLE, "")
    if asked:
        if not asked.isdecimal():
            raise UsageError(f"{VARIABLE}={asked!r} is not a number of processes; use 0 or more, or unset it")
        return int(asked)
    return max(0, min(MOST, cores - places.workers)) if places.all[0].is_card else 0


class Ahead:
    """Compiles the cells that wait, in their order, each program once.

    A result never depends on it: a worker that finds no program compiles it. What fails here is counted in `failures`,
    and fails again, with its reason, when its turn comes.
    """

    def __init__(self, places: Places, settings: WorkerSettings, registry: Registry, count: int) -> None:
        self.places, self.settings, self.registry, self.count = places, settings, registry, count
        self.workers: list[WorkerProcess] = []
        self.begun: set[str] = set()
        self.done, self.losses = 0, 0
        self.failures: list[str] = []

    def look(self, waiting: Iterable[Job]) -> None:
        """Take what the processes say, and give the next cells to those that are idle. Never waits."""
        for worker in list(self.workers):
            self._receive(worker)
        for job in waiting if self.count else ():
            if isinstance(job, CellJob) and job.spec.train.engine != "eager" and _program(job) not in self.begun:
                needed = self.registry.needed(job.spec.choices())
                free = self._idle(needed)
                if free is None:
                    return
                self.begun.add(_program(job))
                free.assign(Attempt(job), needed, ahead=True)
        for worker in [one for one in self.workers if one.attempt is None]:
            self._end(worker)  # nothing is left for it, and it holds memory

    def _idle(self, needed: Needed) -> WorkerProcess | None:
        """A process for a cell, new if it must be; None if all are busy or none can be had."""
        idle = [worker for worker in self.workers if worker.attempt is None]
        for worker in idle:
            if worker.suits(needed):
                return worker
        if len(self.workers) >= self.count:
            if not idle:
                return None
            self._end(idle[0])
        usable = self.places.usable
        if self.losses >= MAX_LOSSES or not usable:
            return None
        with suppress(OSError):  # no process can be started
            worker = WorkerProcess.start(self.settings, usable[len(self.begun) % len(usable)])
            self.workers.append(worker)
            return worker
        return None

    def _receive(self, worker: WorkerProcess) -> None:
        try:
            messages, end = worker.channel.arrived()
            for message in messages:
                match message:
                    case JobReturned(job, failure):
                        worker.attempt = None
                        self.done += failure is None
                        if failure is not None:
                            self.failures.append(f"{job.name}: {failure.cause.text}")
                    case StateChanged():
                        worker.changed = True
                    case WorkerUnusable(reason):
                        raise OSError(reason)
            if end is not None:
                raise end
        except (EOFError, OSError, Garbled) as error:
            self.losses += 1
            what = worker.attempt.job.name if worker.attempt else "a process that compiles ahead"
            self.failures.append(f"{what}: {error or worker.exit_reason()}")
            self._end(worker)

    def _end(self, worker: WorkerProcess) -> None:
        worker.kill()  # it has nothing to save
        self.workers.remove(worker)

    def stop(self) -> None:
        """End all processes at once."""
        for worker in list(self.workers):
            self._end(worker)
        if self.done or self.failures:
            log.info("compiled ahead: %d cells; failed: %s", self.done, "; ".join(self.failures) or "none")


def _program(job: CellJob) -> str:
    """What the programs of a cell depend on: everything that is trained but its seeds."""
    return job.cell.run(0).id
