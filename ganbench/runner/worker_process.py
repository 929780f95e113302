"""A worker process as its parent sees it: started as a module of ganbench, reached through a pipe, ended for sure."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from ganbench.engine.devices import CUBLAS_WORKSPACE
from ganbench.files import programs_folder
from ganbench.registry import effects
from ganbench.registry.registry import Needed
from ganbench.runner.jobs import Job
from ganbench.runner.places import CPU, Place
from ganbench.runner.retries import Attempt

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
EXIT_TIMEOUT_S, SAVE_TIMEOUT_S = 5.0, 60.0
"""Seconds that an idle worker has to leave, and a training one to end its block and save its state."""


@dataclass(frozen=True)
class WorkerSettings:
    """What every worker is given: where to write, and how often to save its state."""

    staging: Path
    checkpoints: Path
    checkpoint_interval_s: float


@dataclass(frozen=True)
class Task:
    """A job, and the sources of the plugins that it names: a worker loads no others.

    `retried` says that the job is tried again with less if the device runs out of memory. `ahead` says that a cell's
    programs are to be compiled, and nothing else.
    """

    job: Job
    needed: Needed
    retried: bool = False
    ahead: bool = False


@dataclass
class WorkerProcess:
    """A process, the pipe to it, its place, and what it has been running since a time of `time.monotonic`.

    `done` are the seeds of the job that have been recorded, `needed` the plugin sources of its last job; `changed` says
    that a plugin changed its state.
    """

    process: subprocess.Popen[bytes]
    pipe: Connection
    place: Place = CPU
    attempt: Attempt | None = None
    since: float = 0.0
    done: set[int] = field(default_factory=set)
    needed: Needed | None = None
    changed: bool = False

    @classmethod
    def start(cls, settings: WorkerSettings, place: Place) -> WorkerProcess:
        """Start a worker of one thread, which sees the device of its place alone.

        The process runs `ganbench.runner.worker_main` and never imports the caller's `__main__`, so a script
        needs no guard. It gets this process's `sys.path` and environment as they were before plugins changed them:
        its own plugins change them again.
        """
        ours, theirs = Pipe()
        number = theirs.fileno()
        code = (
            f"import sys; sys.path[:] = {[str(entry) for entry in effects.search_path()]!r}; "
            "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
            f"from ganbench.runner.worker_main import main; main({number})"
        )
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        command = [sys.executable, *flags, "-c", code]
        environment = worker_environment(place)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[number], env=environment)
        theirs.close()
        with suppress(OSError):  # a worker that has died already is found by the end of its pipe
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

    def assign(self, attempt: Attempt, needed: Needed, ahead: bool = False) -> None:
        """Hand over a job. If the worker has died, the end of the pipe will say so."""
        self.attempt, self.needed, self.since, self.done = attempt, needed, time.monotonic(), set()
        with suppress(OSError):
            self.pipe.send(Task(attempt.job, needed, retried=not attempt.alone, ahead=ahead))

    @property
    def killed_by_system(self) -> bool:
        """Whether the process was killed from outside; the system does that to one that takes too much memory."""
        return self.process.returncode == -signal.SIGKILL

    def exit_reason(self) -> str:
        """Why a worker whose pipe has ended is gone."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(2 * EXIT_TIMEOUT_S)
        code = self.process.returncode
        if code is not None and code < 0:
            hint = "; the usual cause is that the system ran out of memory" if code == -signal.SIGKILL else ""
            return f"its worker process was killed by {signal.Signals(-code).name}{hint}"
        return f"its worker process ended with exit code {code}"

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()

    def stop(self) -> None:
        """End the process: an idle one leaves by itself when its pipe closes, a busy one saves its state first.

        One that does not, because a plugin left a thread or ignores signals, is killed.
        """
        if self.attempt is None:
            self.pipe.close()
            self._wait(EXIT_TIMEOUT_S)
        else:
            self.process.terminate()
            self._wait(SAVE_TIMEOUT_S)
        self.kill()

    def _wait(self, timeout: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout)


def worker_environment(place: Place) -> dict[str, str]:
    """The environment of a worker at a place."""
    return {**_environment(), **place.environment}


def _environment() -> dict[str, str]:
    """One thread per worker; programs are compiled in the worker itself, and cached between runs.

    On a GPU, cuBLAS computes the same bits in every run.
    """
    compiling = {"TORCHINDUCTOR_COMPILE_THREADS": "1", "TORCHINDUCTOR_CACHE_DIR": str(programs_folder().absolute())}
    return {**CUBLAS_WORKSPACE, **effects.environment(), **dict.fromkeys(THREAD_VARIABLES, "1"), **compiling}
