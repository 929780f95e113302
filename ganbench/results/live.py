"""The live state of a results folder: the file that a running suite keeps there, and how to read it."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganbench.files import digest

NAME = ".live.json"
SCHEMA = 1
SILENT = 60.0
"""Seconds without a write after which a run on another machine is taken for dead."""


def read(results: Path) -> dict[str, Any] | None:
    """What the suite that runs in a results folder does, or None where none does.

    `state` is `running`, or `stale` where the run was killed and could not clear up. Nothing is
    locked for this: a run that begins meanwhile would be refused.
    """
    with suppress(OSError, ValueError, LookupError, TypeError, OverflowError):
        state: dict[str, Any] = json.loads((results / NAME).read_text(encoding="utf-8"))
        if state["schema"] == SCHEMA:
            return {**state, "state": "running" if _alive(state) else "stale"}
    return None


def _alive(state: dict[str, Any]) -> bool:
    if state["host"] != _host() or os.name != "posix":
        silence = datetime.now(UTC) - datetime.fromisoformat(state["updated"])
        return silence.total_seconds() < SILENT
    try:
        os.kill(state["pid"], 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return bool(_birth(state["pid"]) == state["birth"])


def process() -> dict[str, Any]:
    """What tells whether this process still lives: machine, number, and when it began."""
    return {"pid": os.getpid(), "birth": _birth(os.getpid()), "host": _host()}


def _birth(pid: int) -> str | None:
    """When a process began, in the system's ticks, so that its number is not taken for another's.

    Empty for one that is dead but not yet waited for; None where the system does not say.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return "" if fields[0] in "ZX" else fields[19]


def _host() -> str:
    """This machine, by a hash: its name is nobody's business."""
    return digest(platform.node())


def beside(path: Path) -> Path:
    """Where the file is written before it is renamed: one name, because there is one writer."""
    return path.with_name(f"{path.name}.new")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
