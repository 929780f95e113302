"""What travels between the driver and a node: an order there, news back. Files travel by content, not by path."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ganbench.files import write_atomically
from ganbench.runner.events import (
    JobProgress,
    JobReturned,
    PhaseStarted,
    RunScored,
    RunStaged,
    StateChanged,
    WorkerMessage,
)
from ganbench.runner.jobs import EvaluationJob, Job, ReferenceJob
from ganbench.runner.worker_process import Task

WEIGHTS_SUFFIX = ".safetensors"
MAX_BYTES = 1 << 30
"""More than any order may hold."""

Files = dict[str, bytes]
"""Contents by their paths below a folder."""


class TooMuch(Exception):
    """The files of a job are too many to be sent."""


@dataclass(frozen=True)
class Order:
    """A job for a node. `inputs` are files that it reads, `states` are those of its runs from which it goes on.

    `folder` is the current folder of the driver, which the job gets if the node has it: paths in suites may be relative
    to it.
    """

    task: Task
    device: str
    checkpoint_interval_s: float
    states: Files
    inputs: Files
    folder: str


@dataclass(frozen=True)
class States:
    """New files among those from which a run goes on, and the names of all that there are now."""

    run_id: str
    new: Files
    names: frozenset[str]


@dataclass(frozen=True)
class Ending:
    """How a worker process ended: its exit code, or what was wrong with its messages."""

    returncode: int | None
    garbled: str = ""


@dataclass(frozen=True)
class News:
    """What a worker has sent since it was last asked, each message with the files of the run that it hands over."""

    messages: tuple[tuple[bytes, Files], ...]
    states: tuple[States, ...]
    ending: Ending | None


def packed(folder: Path, wanted: Callable[[Path], bool] = lambda path: True) -> Files:
    """The files below a folder; none if it is not there. Raises `TooMuch`."""
    found: Files = {}
    size = 0
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and wanted(path):
            size += path.stat().st_size
            if size > MAX_BYTES:
                raise TooMuch(f"{folder} holds more than {MAX_BYTES >> 20} MiB, which is too much to send to a node")
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def unpack(files: Files, folder: Path) -> None:
    """Write files below a folder. Raises `OSError`, and `ValueError` for a path that leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"a node sent a file with the path {name!r}")
        write_atomically(folder / path, content)


def is_state(path: Path) -> bool:
    """Whether a file is a finished one of those from which a run goes on."""
    return path.suffix == WEIGHTS_SUFFIX and not path.name.startswith(".")


def prefixed(files: Files, prefix: str) -> Files:
    """The same files one folder down."""
    return {f"{prefix}/{name}": content for name, content in files.items()}


def joined(parts: Iterable[Files]) -> Files:
    """The files of several parts."""
    return {name: content for part in parts for name, content in part.items()}


def inputs(job: Job) -> Files:
    """The files that a job reads which are on the driver's machine. Raises `TooMuch` and `OSError`."""
    if isinstance(job, EvaluationJob):
        return joined(prefixed(packed(job.runs / one.id, is_state), one.id) for one in job.records)
    if isinstance(job, ReferenceJob) and job.path is not None:
        if job.path.is_file():
            return {job.path.name: job.path.read_bytes()}
        return prefixed(packed(job.path), job.path.name)
    return {}


def moved(job: Job, folder: Path) -> Job:
    """A job that reads its files below another folder."""
    if isinstance(job, EvaluationJob):
        return replace(job, runs=folder)
    if isinstance(job, ReferenceJob) and job.path is not None:
        return replace(job, path=folder / job.path.name)
    return job


def of_job(message: WorkerMessage, job: Job) -> WorkerMessage:
    """A message about a moved job, as one about the job itself."""
    match message:
        case PhaseStarted() | JobProgress() | RunStaged() | RunScored() | StateChanged() | JobReturned():
            return replace(message, job=job)
        case _:
            return message
