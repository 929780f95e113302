"""Which device a run uses: what was asked for, or an error; never a silent fallback."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable

from ganbench.errors import MissingError, UsageError
from ganbench.suite.specs import TrainSpec


def resolve(asked: str) -> str:
    """A device's name. `auto` takes the first GPU, else the CPU.

    Raises `UsageError` for a name that is none, `MissingError` for a device that is not there.
    """
    import torch

    kind, _, index = asked.partition(":")
    if kind not in ("auto", "cpu", "cuda", "mps") or (index and (kind != "cuda" or not index.isdigit())):
        raise UsageError(f"--device {asked!r} is none of auto, cpu, cuda, cuda:0, mps")
    if kind == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "cuda" and (not torch.cuda.is_available() or int(index or 0) >= torch.cuda.device_count()):
        raise MissingError(f"--device {asked}: torch {torch.__version__} sees no such GPU; use --device auto or cpu")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise MissingError("--device mps: torch sees no Apple GPU; use --device auto or cpu")
    return asked


def workers(asked: str, device: str) -> int:
    """How many worker processes: a number as asked; `auto` is one a core, one on a GPU."""
    if asked != "auto":
        if not asked.isdigit() or int(asked) < 1:
            raise UsageError(f"--jobs {asked!r} is neither auto nor a number of at least 1")
        return int(asked)
    return (
        len(os.sched_getaffinity(0))
        if device == "cpu" and hasattr(os, "sched_getaffinity")
        else ((os.cpu_count() or 1) if device == "cpu" else 1)
    )


def missing_compiler() -> str | None:
    """What is missing on this machine to compile programs for it, or None."""
    name = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    return None if shutil.which(name) else f"there is no C++ compiler ({name})"


def check(device: str, specs: Iterable[TrainSpec]) -> str | None:
    """What to know about specs on a device, in a sentence, or None.

    Raises `MissingError` where the device cannot do what a spec asks for.
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
