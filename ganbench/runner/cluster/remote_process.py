"""A worker on a node as the executor sees it: a thread carries messages and files between the two."""

from __future__ import annotations

import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from ganbench.errors import describe_error
from ganbench.notices import LOG
from ganbench.results.records import Failure
from ganbench.runner.channel import Channel, Garbled
from ganbench.runner.cluster.connection import Actor, Lost
from ganbench.runner.cluster.parcels import (
    Files,
    News,
    Order,
    States,
    TooMuch,
    inputs,
    is_state,
    joined,
    of_job,
    packed,
    prefixed,
    unpack,
)  # fmt: skip
from ganbench.runner.events import JobReturned, RunStaged, WorkerMessage
from ganbench.runner.jobs import CellJob, Job, JobFailure
from ganbench.runner.worker_process import Task, WorkerSettings

LOOK_S = 0.5
"""Seconds after which a thread looks whether its worker was killed meanwhile."""
PATIENCE_S = 60.0
"""Seconds after which it is said that a cell still waits for its node."""
_NUMBERS = count()


@dataclass(frozen=True)
class Post:
    """Where a worker is: the `device` it uses there, how its process is started, and what is told if that is lost."""

    device: str
    hire: Callable[[bytes], Actor]
    lost: Callable[[], None]


class _Killed(Exception):
    """The executor has killed the worker."""


@dataclass(eq=False)
class RemoteProcess:
    """The process of a worker on a node, which takes one job. `channel` is the worker's end of the connection.

    What the node sends of a run is written below the driver's own folders before the executor hears of it, so that it
    commits runs as it does those of this machine.
    """

    post: Post
    channel: Channel
    settings: WorkerSettings
    returncode: int | None = None
    gone: str = ""
    _actor: Actor | None = None
    _handed_over: set[str] = field(default_factory=set)
    _killed: threading.Event = field(default_factory=threading.Event)
    _asked: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._serve, name="a worker of a node", daemon=True)

    def start(self) -> None:
        """Wait for a job in a thread of its own."""
        self._thread.start()

    def leave(self, until: float) -> bool:
        """Wait until a time of `time.monotonic` for the end of the thread; whether it has ended."""
        self._thread.join(max(0.0, until - time.monotonic()))
        return not self._thread.is_alive()

    def wait(self, timeout: float | None = None) -> int:
        if not self._ended.wait(timeout) or self.returncode is None:
            raise subprocess.TimeoutExpired("a worker of a node", timeout or 0)
        return self.returncode

    def terminate(self) -> None:
        self._asked.set()

    def kill(self) -> None:
        self._killed.set()

    def forget(self) -> None:
        """Nothing on this machine watches it."""

    def _serve(self) -> None:
        """Carry one job to its end; whatever happens, the executor learns that the worker is gone."""
        code = -signal.SIGKILL
        try:
            task: Task = self.channel.receive()
            code = self._carry(task)
        except Lost as lost:
            self.gone = f"the process that looked after it is gone with its node or was killed there ({lost})"
            self.post.lost()
        except (EOFError, OSError, Garbled, _Killed):
            pass
        finally:
            self.returncode = code
            self._ended.set()
            self.channel.close()
            if self._actor is not None:
                self._actor.end()

    def _carry(self, task: Task) -> int:
        """Send a job to the node, and everything back. Returns the exit code of its worker."""
        try:
            order = self._order(task)
        except (OSError, TooMuch) as error:
            failure = JobFailure(Failure("failed", f"its files cannot be sent to a node: {describe_error(error)}"))
            self.channel.send(JobReturned(task.job, failure))
            return 0
        self._actor = self.post.hire(pickle.dumps(order))
        placed = asked = told = False
        began = time.monotonic()
        while True:
            news = self._actor.news(LOOK_S)
            if self._killed.is_set() or (self._asked.is_set() and not placed and news is None):
                raise _Killed
            if self._asked.is_set() and not asked:
                asked = True
                self._actor.ask()
            if news is None:
                if not (placed or told) and time.monotonic() - began > PATIENCE_S:
                    told = True
                    LOG.info("%s has waited a minute for its node, whose CPUs or GPUs others use", task.job.name)
                continue
            placed = True
            code = self._take(news, task.job)
            if code is not None:
                return code

    def _order(self, task: Task) -> Order:
        """A job with all that it needs of this machine."""
        job, states = task.job, {}
        if isinstance(job, CellJob):
            root = self.settings.checkpoints
            states = joined(prefixed(packed(root / one, is_state), one) for one in job.cell.ids.values())
        interval = self.settings.checkpoint_interval_s
        return Order(task, self.post.device, interval, states, inputs(job), str(Path.cwd()))

    def _take(self, news: News, job: Job) -> int | None:
        """Pass on what has come; the exit code if nothing more will."""
        for content, files in news.messages:
            try:
                message: WorkerMessage = of_job(pickle.loads(content), job)
            except Exception as error:  # it may hold an object of a plugin's own class, which may do anything
                return self._garbled(job, f"what it sent cannot be read: {describe_error(error)}")
            if isinstance(message, RunStaged):
                message = self._staged(message, files)
            self.channel.send(message)
            if isinstance(message, JobReturned):
                return 0
        for states in news.states:
            self._keep(states)
        if news.ending is None:
            return None
        if news.ending.garbled:
            return self._garbled(job, news.ending.garbled)
        return -signal.SIGKILL if news.ending.returncode is None else news.ending.returncode

    def _garbled(self, job: Job, what: str) -> int:
        failure = Failure("failed", f"its worker process was ended: {what}")
        self.channel.send(JobReturned(job, JobFailure(failure, trouble="lost")))
        return 0

    def _staged(self, message: RunStaged, files: Files) -> RunStaged:
        """Write the files of a finished run to a folder of its own on the stage."""
        folder = self.settings.staging / f"{message.record.id}.node{next(_NUMBERS)}"
        shutil.rmtree(folder, ignore_errors=True)
        unpack(files, folder)
        self._handed_over.add(message.record.id)
        return RunStaged(message.job, message.record, folder)

    def _keep(self, states: States) -> None:
        """Keep the files from which a run goes on, and no older ones. If they cannot be written, training goes on."""
        if states.run_id in self._handed_over or self._killed.is_set():
            return
        root = self.settings.checkpoints
        try:
            unpack(states.new, root)
            for path in filter(is_state, (root / states.run_id).rglob("*")):
                if path.relative_to(root).as_posix() not in states.names:
                    path.unlink(missing_ok=True)
        except (OSError, ValueError) as error:
            print(f"no checkpoint of run {states.run_id}: {describe_error(error)}", file=sys.stderr, flush=True)
