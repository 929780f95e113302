"""Notes what plugins change in this process, so that no other process inherits it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_changed: dict[str, tuple[str | None, str | None]] = {}
_added: list[str] = []


@contextmanager
def noted() -> Iterator[None]:
    """Note what the code inside changes in the environment and in `sys.path`.

    Entries that it puts on `sys.path` stay at the end, where they shadow nothing; entries that it removes come back.
    The current folder is restored, and so are the dtype, the device and the gradient mode that torch uses by
    default, with which data are loaded and checked in this process.
    """
    variables, path, defaults = dict(os.environ), list(sys.path), _torch_defaults()
    try:
        folder: Path | None = Path.cwd()
    except OSError:  # it is gone
        folder = None
    try:
        yield
    finally:
        now = dict(os.environ)
        for name in variables.keys() | now.keys() if now != variables else ():
            before, after = variables.get(name), now.get(name)
            if before != after:
                first = _changed[name][0] if name in _changed else before
                _changed[name] = (first, after)
        new = [entry for entry in dict.fromkeys(sys.path) if entry not in path]
        _added.extend(new)
        sys.path[:] = [*path, *new]
        _restore(defaults)
        with suppress(OSError):
            os.chdir(folder or ".")


def _torch_defaults() -> tuple[Any, Any, bool] | None:
    """Default dtype, default device and gradient mode; None while torch is not imported, which is not done for this."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    return torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()


def _restore(defaults: tuple[Any, Any, bool] | None) -> None:
    """Set torch's defaults again; if torch was not imported before, those that it comes with."""
    now, torch = _torch_defaults(), sys.modules.get("torch")
    if torch is None or now is None:
        return
    dtype, device, gradients = defaults or (torch.float32, torch.device("cpu"), True)
    if now[0] != dtype:
        torch.set_default_dtype(dtype)
    if now[1] != device:
        torch.set_default_device(None if device.type == "cpu" else device)
    if now[2] != gradients:
        torch.set_grad_enabled(gradients)


def environment() -> dict[str, str]:
    """The environment without what plugins changed in it."""
    clean = dict(os.environ)
    for name, (before, after) in _changed.items():
        if clean.get(name) != after:  # changed since by someone else
            continue
        clean.pop(name, None)
        if before is not None:
            clean[name] = before
    return clean


def search_path() -> list[str]:
    """`sys.path` without what plugins put on it."""
    return [entry for entry in sys.path if entry not in _added]
