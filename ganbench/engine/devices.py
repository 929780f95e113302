"""Device selection: the requested device or an error, never a silent fallback."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable

from ganbench.errors import MissingError, UsageError
from ganbench.suite.specs import TrainSpec


def resolve(asked: str) -> str:
    """The name of the device to use; `auto` takes the first GPU, or the CPU if there is none.

    Raises `UsageError` for an invalid name, `MissingError` for a device that this machine does not have.
    """
    import torch

    kind, _, index = asked.partition(":")
    if kind not in ("auto", "cpu", "cuda", "mps") or (index and (kind != "cuda" or not index.isdigit())):
        raise UsageError(f"--device {asked!r} is not a device; use auto, cpu, cuda, cuda:0 or mps")
    if kind == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "cuda" and (not torch.cuda.is_available() or int(index or 0) >= torch.cuda.device_count()):
        raise MissingError(f"--device {asked}: torch {torch.__version__} finds no such GPU; use --device auto or cpu")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise MissingError("--device mps: torch finds no Apple GPU; use --device auto or cpu")
    return asked


def workers(asked: str, device: str) -> int:
    """The number of worker processes; `auto` is one per core on a CPU and one on a GPU. Raises `UsageError`."""
    if asked != "auto":
        if not asked.isdigit() or int(asked) < 1:
            raise UsageError(f"--jobs {asked!r} is invalid; use auto or an integer >= 1")
        return int(asked)
    return (
        len(os.sched_getaffinity(0))
        if device == "cpu" and hasattr(os, "sched_getaffinity")
        else ((os.cpu_count() or 1) if device == "cpu" else 1)
    )


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
    if missing and any(spec.engine == "auto" and spec.compiling_pays(convolutions=True) for spec in specs):
        return f"{missing}: long cells run uncompiled, two to three times slower"
    return None
