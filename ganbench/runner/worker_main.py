"""The main program of a worker process: take a job, run it, report how it ended."""

from __future__ import annotations

import gc
import io
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

import torch

from ganbench.engine import pulse, tensor_cache
from ganbench.engine.checkpoints import Checkpoints, Stopped
from ganbench.engine.device_errors import check_usable, memory_needed, trouble
from ganbench.errors import describe_error
from ganbench.registry.registry import Registry
from ganbench.results.records import Failure
from ganbench.runner.channel import Channel
from ganbench.runner.events import (
    JobProgress,
    JobReturned,
    Phase,
    PhaseStarted,
    RunScored,
    RunStaged,
    StateChanged,
    WorkerMessage,
    WorkerReady,
    WorkerSaving,
    WorkerUnusable,
)
from ganbench.runner.jobs import CellJob, EvaluationJob, JobFailure
from ganbench.runner.process_state import ProcessState, sentence
from ganbench.runner.rate_limit import RateLimiter
from ganbench.runner.run_record import failure
from ganbench.runner.worker import (
    CheckpointSettings,
    Outputs,
    compile_cell,
    evaluate_again,
    evaluate_reference,
    train_cell,
)
from ganbench.runner.worker_process import Task, WorkerSettings
from ganbench.stop_signals import handle_stop_signals

NICENESS = 10
"""Of processes that compile ahead."""
TELL_S = 1.0
"""Seconds between two signs that a worker that was asked to leave still works."""


class _Terminated:
    """Handles SIGTERM and its like: they end an idle worker at once; a training one saves its state first.

    Until it has, it tells the parent that its training goes on: one that hangs cannot.
    """

    def __init__(self, channel: Channel) -> None:
        self.busy = self.requested = False
        self.channel = channel
        handle_stop_signals(self._handle)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.busy:
            self.requested = True
            sys.exit(128 + signal.SIGTERM)
        if not self.requested:
            self.requested = True
            threading.Thread(target=self._tell, daemon=True).start()

    def _tell(self) -> None:
        seen = pulse.beats()
        with suppress(OSError):
            while True:
                time.sleep(TELL_S)
                if (now := pulse.beats()) != seen:
                    seen = now
                    self.channel.send(WorkerSaving())


def main(number: int) -> None:
    """Serve the connection of a file number until its other end closes, because the parent is done or gone."""
    channel = Channel(socket.socket(fileno=number))
    terminated = _Terminated(channel)
    os.set_inheritable(number, False)
    os.dup2(2, 1)  # what a plugin prints must not mix with results on stdout
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # it is not lost with a process that is killed
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # vanishing gradients end in denormals, which cost ten times a number
    state = ProcessState()
    with suppress(EOFError, OSError, _ParentGone):  # the parent is gone, or a plugin has closed the connection
        name, settings = _received(channel)
        device = torch.device(name)
        problem = _problem(device)
        if problem:
            channel.send(WorkerUnusable(problem))
            return
        channel.send(WorkerReady())
        while not terminated.requested:
            task: Task = channel.receive()
            terminated.busy = True
            send = _Sender(channel, terminated)
            with tensor_cache.filled_if(lambda: not state.changes()):
                failed = _serve(task, device, settings, state, send, lambda: terminated.requested)
            _release(device)
            changes = state.changes()
            if changes:
                send(StateChanged(task.job, sentence(changes)))
            send(JobReturned(task.job, failed))
            terminated.busy = False


class _ParentGone(Exception):
    """The parent takes no more messages. Not an `OSError`, which a plugin may raise about a connection of its own."""


class _Sender:
    """Sends what a job reports; if the parent is gone, training goes on to the end of its block and saves its state."""

    def __init__(self, channel: Channel, terminated: _Terminated) -> None:
        self.send, self.terminated = RateLimiter(channel.send), terminated

    def __call__(self, message: WorkerMessage) -> None:
        try:
            self.send(message)
        except (BrokenPipeError, ConnectionResetError) as error:
            self.terminated.requested = True
            if not isinstance(message, JobProgress | PhaseStarted):
                raise _ParentGone from error


def _received(channel: Channel) -> tuple[str, WorkerSettings]:
    """The device's name and the settings, with paths that do not depend on the current folder."""
    name: str
    settings: WorkerSettings
    name, settings = channel.receive()
    return name, replace(settings, staging=settings.staging.resolve(), checkpoints=settings.checkpoints.resolve())


def _problem(device: torch.device) -> str:
    """Why a device cannot be used; empty if it can."""
    try:
        if device.type != "cpu":
            check_usable(device)
    except Exception as error:  # torch raises several types, and drivers may raise any
        return describe_error(error)
    return ""


def _release(device: torch.device) -> None:
    """Give the memory of a job that has ended back to the device, for the workers beside this one."""
    if device.type == "cpu":
        return
    gc.collect()
    with suppress(RuntimeError):  # a device that has failed
        (torch.cuda if device.type == "cuda" else torch.mps).empty_cache()


def _stand_back() -> None:
    """Be silent, because what fails ahead fails again in its turn, and leave the cores to processes that train."""
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    if hasattr(os, "setpriority"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


def _serve(
    task: Task,
    device: torch.device,
    settings: WorkerSettings,
    state: ProcessState,
    send: Callable[[WorkerMessage], None],
    stop_requested: Callable[[], bool],
) -> JobFailure | None:
    """Load the plugins that a job needs, and run it in the state in which every job starts."""
    try:
        registry = Registry.of(task.needed)
    except Exception as error:  # a plugin may raise anything
        return JobFailure(*failure(error))
    finally:
        state.begin()
    changed = _changed(task.needed.files, registry.files)
    return changed or _run(task, registry, device, settings, send, stop_requested)


def _changed(planned: Mapping[Path, str], loaded: Mapping[Path, str]) -> JobFailure | None:
    """A failure if a plugin file is not what the runs' ids were made from: its results would be wrong."""
    other = [str(path) for path, version in planned.items() if loaded.get(path) != version]
    if not other:
        return None
    return JobFailure(Failure("failed", f"plugin {', '.join(other)} changed while the suite ran; run it again"))


def _run(
    task: Task,
    registry: Registry,
    device: torch.device,
    settings: WorkerSettings,
    send: Callable[[WorkerMessage], None],
    stop_requested: Callable[[], bool],
) -> JobFailure | None:
    """Run one job. Exits if it was asked to stop and has saved its state."""
    job = task.job

    def stage(name: str) -> Path:
        folder = settings.staging / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    outputs = Outputs(
        stage,
        lambda record, folder: send(RunStaged(job, record, folder)),
        lambda record: send(RunScored(job, record)),
        lambda progress: send(JobProgress(job, progress)),
        lambda phase, step: send(PhaseStarted(job, phase, step)),
    )
    try:
        if task.ahead and isinstance(job, CellJob):
            _stand_back()
            compile_cell(registry, job.cell, device)
        elif isinstance(job, CellJob):
            checkpoints = Checkpoints(settings.checkpoints)
            checkpointing = CheckpointSettings(checkpoints, settings.checkpoint_interval_s, stop_requested)
            train_cell(registry, job.suite, job.cell, device, outputs, checkpointing, task.retried)
        elif isinstance(job, EvaluationJob):
            evaluate_again(registry, job, device, outputs, task.retried)
        else:
            outputs.on_phase(Phase.REFERENCES, 0)
            evaluate_reference(registry, job, device, outputs, task.retried)
    except _ParentGone:
        raise
    except Stopped:
        sys.exit(128 + signal.SIGTERM)
    except BaseException as error:  # a plugin may raise anything, SystemExit too; the job fails, the worker lives
        return JobFailure(*failure(error), trouble(error), memory_needed(error))
    return None
