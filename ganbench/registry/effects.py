"""Notes what plugins change in this process, so that no other process inherits it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_changed: dict[str, tuple[str | None, str | None]] = {}
_added: list[str] = []


@contextmanager
def noted() -> Iterator[None]:
    """Note what the code inside changes in the environment and in `sys.path`; the current folder is restored.

    Entries that it puts on `sys.path` stay at the end, where they shadow nothing; entries that it removes come back.
    """
    variables, path = dict(os.environ), list(sys.path)
    try:
        folder: Path | None = Path.cwd()
    except OSError:  # it is gone
        folder = None
    try:
        yield
    finally:
        for name in variables.keys() | os.environ.keys():
            before, after = variables.get(name), os.environ.get(name)
            if before != after:
                first = _changed[name][0] if name in _changed else before
                _changed[name] = (first, after)
        new = [entry for entry in dict.fromkeys(sys.path) if entry not in path]
        _added.extend(new)
        sys.path[:] = [*path, *new]
        with suppress(OSError):
            os.chdir(folder or ".")


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
