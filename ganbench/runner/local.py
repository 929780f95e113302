"""Worker processes on this machine: one job each at a time, none able to take the others down."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from ganbench.files import cache_folder
from ganbench.results.records import AnyRecord, Failure
from ganbench.runner.jobs import CellJob, Job, JobFailure, Listener, ReferenceJob
from ganbench.runner.rate_limit import Pulse

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
GRACE = 60
"""Seconds that a worker has to end its block and save its state when it is told to stop."""


@dataclass
class Worker:
    """A process, the pipe to it, and what it is doing since when."""

    process: BaseProcess
    pipe: Connection
    job: Job | None = None
    since: float = 0.0


@dataclass(frozen=True)
class Setting:
    """What every worker is given: the device, plugin files with their hashes, and where to write."""

    device: str
    files: dict[Path, str]
    staging: Path
    checkpoints: Path
    every: float
    """Seconds between two checkpoints."""


class LocalExecutor:
    """Runs jobs in `workers` processes of one thread each.

    One thread, because the same spec must give the same bits, and because two threads on a busy
    machine are slower than one. A worker that dies or exceeds `timeout` seconds fails its job
    alone and is replaced. A worker that is told to stop saves its state first.
    """

    def __init__(self, workers: int, setting: Setting, timeout: float | None) -> None:
        self.count, self.setting, self.timeout = workers, setting, timeout

    def __call__(self, jobs: list[Job], listener: Listener) -> None:
        waiting = list(jobs)
        workers: list[Worker] = []
        try:
            while waiting or any(worker.job for worker in workers):
                while waiting and (idle := self._idle(workers)) is not None:
                    self._give(idle, waiting.pop(0), listener)
                ready = wait([worker.pipe for worker in workers if worker.job], timeout=1.0)
                for worker in list(workers):
                    if worker.pipe in ready and not self._hear(worker, listener):
                        workers.remove(worker)
                    elif worker.job and self.timeout and time.monotonic() - worker.since > self.timeout:
                        self._overdue(worker, listener)
                        workers.remove(worker)
        finally:
            training = [worker for worker in workers if worker.job]
            if training:
                print(f"saving the state of {len(training)} jobs", file=sys.stderr, flush=True)
            for worker in training:
                worker.process.terminate()  # all at once, so that they save side by side
            for worker in workers:
                _stop(worker)

    def _idle(self, workers: list[Worker]) -> Worker | None:
        """A worker without a job: one that is there, or a new one while there may be more."""
        idle = next((worker for worker in workers if worker.job is None), None)
        if idle is None and len(workers) < self.count:
            idle = self._start()
            workers.append(idle)
        return idle

    def _start(self) -> Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, self.setting), daemon=True)
        with environment(dict.fromkeys(THREADS, "1") | _compiling()):
            process.start()
        theirs.close()
        return Worker(process, ours)

    def _give(self, worker: Worker, job: Job, listener: Listener) -> None:
        worker.job, worker.since = job, time.monotonic()
        listener.started(job)
        try:
            worker.pipe.send(job)
        except OSError:
            return  # it has died; _hear finds the end of the pipe

    def _hear(self, worker: Worker, listener: Listener) -> bool:
        """Pass one message on; False where the worker has died."""
        assert worker.job is not None
        try:
            kind, *content = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(10)
            listener.ended(worker.job, JobFailure(Failure("failed", _death(worker.process.exitcode))))
            worker.job = None
            return False
        if kind == "ready":
            worker.since = time.monotonic()  # importing torch is not the job's time
        elif kind == "progress":
            listener.advanced(worker.job, *content)
        elif kind == "record":
            listener.recorded(worker.job, *content)
        else:
            job, worker.job = worker.job, None
            listener.ended(job, *content)
        return True

    def _overdue(self, worker: Worker, listener: Listener) -> None:
        assert worker.job is not None
        worker.process.kill()  # at once: waiting for one that hangs would hold up all the others
        worker.process.join()
        worker.pipe.close()
        late = Failure("timeout", f"it ran longer than {self.timeout:g} s", limit_seconds=self.timeout)
        listener.ended(worker.job, JobFailure(late))


def _compiling() -> dict[str, str]:
    """Programs are compiled in the worker itself, and kept between runs."""
    kept = os.environ.get("TORCHINDUCTOR_CACHE_DIR") or str(cache_folder() / "programs")
    return {"TORCHINDUCTOR_COMPILE_THREADS": "1", "TORCHINDUCTOR_CACHE_DIR": kept}


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = "; the usual cause is that the system ran out of memory" if code == -signal.SIGKILL else ""
        return f"its worker process was killed by {name}{hint}"
    return f"its worker process ended with exit code {code}"


def _stop(worker: Worker) -> None:
    """End a worker: an idle one leaves by itself when its pipe closes, a busy one is told to."""
    if worker.job is None:
        worker.pipe.close()
        worker.process.join(5)
    if worker.process.is_alive():
        worker.process.terminate()
        worker.process.join(GRACE)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    worker.pipe.close()


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables for the processes that are started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def work(pipe: Connection, setting: Setting) -> None:
    """The life of a worker: take a job, do it, say how it ended.

    SIGTERM ends an idle worker at once; a training one saves its state first.
    """
    busy, stopping = False, False

    def stop(number: int, frame: Any) -> None:
        nonlocal stopping
        stopping = True
        if not busy:
            sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    os.dup2(2, 1)  # whatever a plugin prints must not mix with results on stdout
    import torch

    from ganbench.registry.registry import Registry

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # vanishing gradients end in denormals, which cost ten times a number
    registry = Registry.load(setting.files)
    changed = _changed(setting.files, registry.files)
    with suppress(BrokenPipeError, ConnectionResetError):
        pipe.send(("ready",))
    while not stopping:
        try:
            job = pipe.recv()
            busy = True
            failure = changed or _attempt(job, registry, torch.device(setting.device), setting, pipe, lambda: stopping)
            pipe.send(("ended", failure))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # the parent is done, or gone
        busy = False


def _changed(planned: dict[Path, str], loaded: dict[Path, str]) -> JobFailure | None:
    """A plugin file that is not what the run's ids were made from: its results would lie."""
    other = [str(path) for path, version in planned.items() if loaded.get(path) != version]
    if not other:
        return None
    return JobFailure(Failure("failed", f"plugin {', '.join(other)} changed while the suite ran; run it again"))


def _attempt(
    job: Job, registry: Any, device: Any, setting: Setting, pipe: Connection, stopping: Callable[[], bool]
) -> JobFailure | None:
    from ganbench.engine.checkpoints import Checkpoints, Stopped
    from ganbench.runner.run_record import failure
    from ganbench.runner.worker import Keeping, measure_reference, train_cell

    progress = Pulse(lambda news: pipe.send(("progress", news)))

    def stage(name: str) -> Path:
        folder = setting.staging / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def record(content: AnyRecord, folder: Path) -> None:
        progress.flush()
        pipe.send(("record", content, folder))

    try:
        if isinstance(job, CellJob):
            keeping = Keeping(Checkpoints(setting.checkpoints), setting.every, stopping)
            train_cell(registry, job.suite, job.cell, device, stage, progress, record, keeping)
        elif isinstance(job, ReferenceJob):
            measure_reference(registry, job.label, job.spec, device, stage, record)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Stopped:
        sys.exit(128 + signal.SIGTERM)
    except Exception as error:  # a plugin may raise anything; the job fails, the worker lives
        progress.flush()
        return JobFailure(*failure(error))
    return None
