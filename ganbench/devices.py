"""Which device a run uses: what was asked for, or an error; never a silent fallback."""

from __future__ import annotations

import os

from ganbench.errors import MissingError, UsageError


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
