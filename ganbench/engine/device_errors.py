"""What an exception says about the device or the machine on which it was raised."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from typing import Literal

import torch

from ganbench.errors import text_of

Trouble = Literal["", "memory", "lost", "broken", "system"]
"""`memory`: the device, or the machine, had too little memory for what was asked. `lost`: the device, or its driver,
failed. `broken`: a kernel refused its input (an index out of range, for example), after which the process can no longer
use the device. `system`: the machine failed at a file or a connection. Empty for an exception that says none of it."""

MEMORY = (
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "MPS backend out of",
    "can't allocate memory",
)
BROKEN = ("device-side assert",)
LOST = ("CUDA error:", "CUDA driver error", "CUBLAS_STATUS_EXECUTION_FAILED", "CUDNN_STATUS_EXECUTION_FAILED")
_NEEDED = re.compile(r"(?:Tried|Unable) to allocate ([\d.]+ \w+)")
_BYTES = re.compile(r"you tried to allocate (\d+) bytes")
_OWN = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
"""Errors of the system that a wrong path causes, and that come again."""
_HAS = re.compile(r"total capacity of ([\d.]+ \w+) of which ([\d.]+ \w+) is free")


def trouble(error: BaseException) -> Trouble:
    """What an exception, or one that it was raised from, says about the device or the machine."""
    for one in _causes(error):
        if isinstance(one, MemoryError):
            return "memory"
        if isinstance(one, OSError) and not isinstance(one, _OWN):
            return "memory" if one.errno == errno.ENOMEM else "system"
        if not isinstance(one, RuntimeError):
            continue
        text = text_of(one)
        if isinstance(one, torch.OutOfMemoryError) or any(part in text for part in MEMORY):
            return "memory"
        if any(part in text for part in BROKEN):
            return "broken"
        if any(part in text for part in LOST):
            return "lost"
    return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    seen: set[int] = set()
    while one is not None and id(one) not in seen:  # a plugin may raise an exception from itself
        seen.add(id(one))
        yield one
        one = one.__cause__


def memory_needed(error: BaseException) -> str:
    """How much memory was asked for and is there, by torch's or numpy's message; empty if it does not say."""
    text = " ".join(text_of(one) for one in _causes(error))
    needed, has = _NEEDED.search(text), _HAS.search(text)
    if needed is None:
        asked = _BYTES.search(text)
        return f"{int(asked[1]) / 2**30:,.2f} GiB more were needed" if asked else ""
    return f"{needed[1]} more were needed" + (f", {has[2]} of its {has[1]} were free" if has else "")


def check_usable(device: torch.device) -> None:
    """Compute something on a device, so that one that is gone is found before a job is given to it.

    Raises `RuntimeError` if the device does not answer.
    """
    total = torch.ones(8, device=device).sum().item()
    if total != 8:
        raise RuntimeError(f"{device} adds eight ones to {total}")
