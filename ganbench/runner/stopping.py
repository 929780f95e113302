"""How workers are stopped before their jobs are done: they save their state, those that hang are killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait

from ganbench.runner.events import ExecutorEvent, JobReturned, RunScored, RunStaged, Stopping, WorkerSaving
from ganbench.runner.worker_process import WorkerProcess, kill_all

QUIET_TIMEOUT_S, SAVE_TIMEOUT_S = 5.0, 60.0
"""Seconds after which a worker that was asked to leave is killed: without a sign that its training goes on, or with."""
LOOK_S = 0.2


def stop_all(
    workers: list[WorkerProcess], report: Callable[[ExecutorEvent], None], save_timeout_s: float = SAVE_TIMEOUT_S
) -> None:
    """End all workers; those that train save their state side by side, and what they have finished is reported.

    They are killed after `save_timeout_s` seconds. A second interrupt kills them at once.
    """
    training = [worker for worker in workers if worker.attempt]
    try:
        for worker in workers:
            worker.ask()
        if training:
            report(Stopping(len(training)))
        _wait(workers, report, save_timeout_s)
    finally:
        kill_all(workers)


def _wait(workers: Iterable[WorkerProcess], report: Callable[[ExecutorEvent], None], save_timeout_s: float) -> None:
    """Wait until all have left, or have been given enough time."""
    end = time.monotonic() + save_timeout_s
    left = {worker: time.monotonic() + QUIET_TIMEOUT_S for worker in workers}
    open_ = {worker for worker in left if worker.attempt}
    while left := {one: until for one, until in left.items() if not one.ended and time.monotonic() < min(until, end)}:
        heard = [worker for worker in left if worker in open_]
        ready = wait([worker.channel.socket for worker in heard], LOOK_S)
        for worker in (one for one in heard if one.channel.socket in ready):
            messages, end_of_messages = worker.channel.arrived()
            if _take(messages, report):
                left[worker] = time.monotonic() + QUIET_TIMEOUT_S
            if end_of_messages is not None:
                open_.remove(worker)


def _take(messages: Iterable[object], report: Callable[[ExecutorEvent], None]) -> bool:
    """Report what was finished; returns whether the worker says that it still works."""
    works = False
    for message in messages:
        match message:
            case RunStaged() | RunScored() | JobReturned(_, None):
                report(message)
                works = True
            case WorkerSaving():
                works = True
    return works
