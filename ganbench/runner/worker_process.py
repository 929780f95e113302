"""A worker process as its parent sees it: started as a module of ganbench, connected with it, ended for sure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ganbench.engine.device_errors import Trouble
from ganbench.engine.devices import CUBLAS_WORKSPACE
from ganbench.files import programs_folder
from ganbench.registry import effects
from ganbench.registry.registry import Needed
from ganbench.runner.channel import Channel
from ganbench.runner.events import Phase
from ganbench.runner.guard import GUARD
from ganbench.runner.jobs import Job
from ganbench.runner.oom_kills import oom_kills
from ganbench.runner.places import CPU, Place
from ganbench.runner.retries import NEVER, Attempt, RetryPolicy

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
EXIT_TIMEOUT_S, KILL_TIMEOUT_S = 5.0, 2.0
"""Seconds that a process whose connection has ended has to end itself, and one that was killed has to be gone."""


CRASHES = tuple(-number for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT))


@dataclass(frozen=True)
class WorkerSettings:
    """What every worker is given: where to write, and how often to save its state."""

    staging: Path
    checkpoints: Path
    checkpoint_interval_s: float


@dataclass(frozen=True)
class Task:
    """A job, and the sources of the plugins that it names: a worker loads no others.

    `retried` is the trouble of the machine after which the job is tried again. `ahead` says that a cell's programs are
    to be compiled, and nothing else.
    """

    job: Job
    needed: Needed
    retried: frozenset[Trouble] = frozenset()
    ahead: bool = False


class Process(Protocol):
    """A process that runs jobs, here or on another machine; times are in seconds."""

    returncode: int | None
    gone: str
    """Why nothing more is known of the process, such as the end of its machine; empty otherwise."""

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises `subprocess.TimeoutExpired`."""

    def terminate(self) -> None:
        """Ask it to save its state and to leave."""

    def kill(self) -> None:
        """End it and all that it has started, at once; returns before they are gone."""

    def forget(self) -> None:
        """It has been waited for after it was killed."""


class Leader(subprocess.Popen[bytes]):
    """A process of this machine that leads a session of its own, and is watched by the guard."""

    gone = ""

    def kill(self) -> None:
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(OSError):
            super().kill()

    def forget(self) -> None:
        GUARD.forget(self.pid)


@dataclass(eq=False)
class WorkerProcess:
    """A process, the connection to it, its place, and what it has been running since a time of `time.monotonic`.

    `done` are the seeds of the job that have been recorded, `needed` the plugin sources of its last job; `changed` says
    that a plugin changed its state.
    """

    process: Process
    channel: Channel
    place: Place = CPU
    attempt: Attempt | None = None
    since: float = 0.0
    done: set[int] = field(default_factory=set)
    needed: Needed | None = None
    changed: bool = False
    phase: Phase = Phase.STARTING
    oom_kills_before: int = 0

    @classmethod
    def start(cls, settings: WorkerSettings, place: Place) -> WorkerProcess:
        """Start a worker of one thread, which sees the device of its place alone.

        It leads a session of its own: what it starts ends with it, and Ctrl-C reaches this process alone. A guard ends
        it if this process is killed. It runs `ganbench.runner.worker_main` and never imports the caller's `__main__`,
        so that a script needs no check of its name. It gets this process's `sys.path` and environment as they were
        before plugins changed them:
        its own plugins change them again.
        """
        ours, theirs = Channel.pair()
        number = theirs.fileno()
        code = (
            f"import sys; sys.path[:] = {[str(entry) for entry in effects.search_path()]!r}; "
            "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
            f"from ganbench.runner.worker_main import main; main({number})"
        )
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        command = [sys.executable, *flags, "-c", code]
        environment = worker_environment(place)
        process = Leader(command, stdin=subprocess.DEVNULL, pass_fds=[number], env=environment, start_new_session=True)
        GUARD.watch(process.pid)
        theirs.close()
        with suppress(OSError):  # a worker that has died already is found by the end of its connection
            ours.send((place.device, settings))
        return cls(process, ours, place)

    def suits(self, needed: Needed) -> bool:
        """Whether an idle worker may take a job.

        A fresh one takes any. A used one takes what comes from the distributions that it has loaded
        already, from all of them, and from no file: what a plugin does to its process stays in it.
        """
        if self.needed is None:
            return True
        files = self.needed.files or needed.files
        return not self.changed and not files and self.needed.distributions == needed.distributions

    def assign(self, attempt: Attempt, needed: Needed, again: RetryPolicy = NEVER, ahead: bool = False) -> None:
        """Hand over a job, which is tried `again` as the user asked.

        If the worker has died, the end of the connection will say so.
        """
        self.attempt, self.needed, self.since, self.done = attempt, needed, time.monotonic(), set()
        self.phase, self.oom_kills_before = Phase.STARTING, oom_kills()
        with suppress(OSError):
            self.channel.send(Task(attempt.job, needed, again.troubles(attempt), ahead))

    @property
    def killed_by_system(self) -> bool:
        """Whether the process was killed from outside; the system does that to one that takes too much memory."""
        return self.process.returncode == -signal.SIGKILL

    @property
    def killed_for_memory(self) -> bool:
        """Whether the system killed the process because memory was short, as the kernel's count says."""
        return self.killed_by_system and oom_kills() > self.oom_kills_before

    @property
    def crashed(self) -> bool:
        """Whether the process died of the machine code that it ran."""
        return self.process.returncode in CRASHES

    def exit_reason(self) -> str:
        """Why a worker whose connection has ended is gone."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(2 * EXIT_TIMEOUT_S)
        code = self.process.returncode
        if self.process.gone:
            return self.process.gone
        if code is None:
            return "its worker process closed its connection"
        if code < 0:
            hint = "; the usual cause is that the system ran out of memory" if code == -signal.SIGKILL else ""
            return f"its worker process was killed by {signal.Signals(-code).name}{hint}"
        if code == 128 + signal.SIGTERM:
            return "its worker process was asked to leave by a signal, and saved its state"
        return f"its worker process ended with exit code {code}"

    @property
    def ended(self) -> bool:
        """Whether the process has ended, also if a child of it still holds its end of the connection."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(0)
        return self.process.returncode is not None

    def ask(self) -> None:
        """Ask the process to leave: an idle one by closing its connection; a busy one saves its state first."""
        if self.attempt is None:
            self.channel.close()
        else:
            self.process.terminate()

    def kill(self) -> None:
        """End the process and all that it has started, at once."""
        kill_all([self])


def kill_all(workers: Iterable[WorkerProcess]) -> None:
    """End processes and all that they have started, at once."""
    killed = list(workers)
    for worker in killed:
        worker.process.kill()
        worker.channel.close()
    for worker in killed:
        with suppress(subprocess.TimeoutExpired):  # a process that waits for a device that does not answer
            worker.process.wait(KILL_TIMEOUT_S)
        worker.process.forget()


def worker_environment(place: Place) -> dict[str, str]:
    """The environment of a worker at a place."""
    return {**_environment(), **place.environment}


def _environment() -> dict[str, str]:
    """One thread per worker; programs are compiled in the worker itself, and cached between runs.

    On a GPU, cuBLAS computes the same bits in every run.
    """
    compiling = {"TORCHINDUCTOR_COMPILE_THREADS": "1", "TORCHINDUCTOR_CACHE_DIR": str(programs_folder().absolute())}
    return {**CUBLAS_WORKSPACE, **effects.environment(), **dict.fromkeys(THREAD_VARIABLES, "1"), **compiling}
