"""Device selection: the requested devices or an error, never a silent fallback."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from ganbench.errors import MissingError, UsageError
from ganbench.suite.train_spec import COMPILE_CONVOLUTIONS_FROM, TrainSpec

FORMS = "auto, cpu, cuda, cuda:1, cuda:0,1 or mps"
CUBLAS_WORKSPACE = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
"""The environment variable that keeps cuBLAS from choosing other kernels by the memory that is left; it must be set
before a process uses a GPU for the first time."""


@dataclass(frozen=True)
class Card:
    """A CUDA GPU: its model, its memory in bytes, and how many threads it runs at once."""

    name: str
    memory: int
    threads: int


def resolve(asked: str) -> tuple[str, ...]:
    """The names of the devices to use, GPUs with their number as torch counts them.

    `auto` is every CUDA GPU that is visible, or the CPU if there is none; `cuda` is every visible GPU; `cuda:0,1` and
    `cuda:0,cuda:1` are these two. An Apple GPU is used if it is named, because ganbench was never tried on one. What is
    visible, and in which order, is set by CUDA_VISIBLE_DEVICES. Raises `UsageError` for an invalid name, `MissingError`
    for a device that this machine does not have.
    """
    import torch

    indices = _indices(asked)
    if asked == "auto" and not torch.cuda.is_available():
        return ("cpu",)
    if asked in ("cpu", "mps"):
        if asked == "mps" and not torch.backends.mps.is_available():
            raise MissingError("--device mps: torch finds no Apple GPU; use --device auto or cpu")
        return (asked,)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    absent = [index for index in indices if index >= count]
    if absent or not count:
        visible = f"{count} GPU{'s' * (count > 1)}, cuda:0 to cuda:{count - 1}" if count > 1 else "only cuda:0"
        what = f"no cuda:{absent[0]}, {visible}" if count else "no such GPU"
        raise MissingError(f"--device {asked}: torch {torch.__version__} finds {what}; use --device auto or cpu")
    return tuple(f"cuda:{index}" for index in indices or range(count))


def _indices(asked: str) -> list[int]:
    """The numbers of the GPUs that are asked for by number. Raises `UsageError`."""
    if asked in ("auto", "cpu", "cuda", "mps"):
        return []
    parts = [part.strip() for part in asked.split(",")]
    numbers = [part.removeprefix("cuda:") for part in parts]
    if not parts[0].startswith("cuda:") or not all(number.isdecimal() for number in numbers):
        raise UsageError(f"--device {asked!r} is not a device; use {FORMS}")
    found = [int(number) for number in numbers]
    if len(set(found)) < len(found):
        raise UsageError(f"--device {asked!r} names a GPU twice")
    return found


def resolve_one(asked: str) -> str:
    """The device for work that uses one: `auto` and `cuda` are the first GPU. Raises as `resolve` does."""
    if len(_indices(asked)) > 1:
        raise UsageError(f"--device {asked}: this command uses one device; name one of them")
    return resolve(asked)[0]


def card(device: str) -> Card:
    """What is known of a GPU such as `cuda:1`."""
    import torch

    found = torch.cuda.get_device_properties(torch.device(device))
    at_once = getattr(found, "max_threads_per_multi_processor", 2048)
    return Card(found.name, int(found.total_memory), int(found.multi_processor_count) * int(at_once))


def cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def missing_compiler() -> str | None:
    """What this machine lacks to compile programs, or None."""
    name = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    return None if shutil.which(name) else f"no C++ compiler found ({name})"


def check(device: str, specs: Iterable[TrainSpec]) -> str | None:
    """A warning about training these specs on a device, or None.

    Raises `MissingError` if the device cannot do what a spec requires.
    """
    specs, missing = list(specs), missing_compiler()
    if device.partition(":")[0] != "cuda" and any(spec.precision == "tf32" for spec in specs):
        raise MissingError(
            f"precision tf32 needs a CUDA GPU, and this run is on {device}; use fp32 or bf16, or --device cuda"
        )
    if missing and any(spec.engine == "compiled" for spec in specs):
        raise MissingError(f"engine compiled: {missing}; install one, or use engine auto")
    long = any(spec.engine == "auto" and spec.steps >= COMPILE_CONVOLUTIONS_FROM for spec in specs)
    if missing and long and device == "cpu":
        return f"{missing}: long cells run uncompiled, two to three times slower"
    return None
