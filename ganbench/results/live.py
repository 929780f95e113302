"""The live state of a results folder: the file that a running suite writes there, and how to read it."""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganbench.files import MOST_OF_A_RECORD, digest, read_file

NAME = ".live.json"
SCHEMA = 1
STALE_AFTER_S = 60.0
"""Seconds without a write after which a run on another machine is assumed to be dead."""


def read(results: Path) -> dict[str, Any] | None:
    """The state of the suite that runs in a results folder, or None if none does.

    `state` is `running`, `stopping` after an interrupt, or `stale` if the run was killed and could
    not remove the file. Nothing is locked for this: a run that starts meanwhile would be refused.
    """
    with suppress(OSError, ValueError, LookupError, TypeError, OverflowError, AttributeError, RecursionError):
        state: dict[str, Any] = json.loads(read_file(results / NAME, MOST_OF_A_RECORD))
        if state["schema"] == SCHEMA:
            return {**state, "state": state.get("state", "running") if _alive(state) else "stale"}
    return None


def _alive(state: dict[str, Any]) -> bool:
    if state["host"] != _host() or os.name != "posix":
        silence = datetime.now(UTC) - datetime.fromisoformat(state["updated"])
        return silence.total_seconds() < STALE_AFTER_S
    try:
        os.kill(state["pid"], 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return bool(_start_time(state["pid"]) == state["birth"])


def process() -> dict[str, Any]:
    """What identifies this process: machine, number, and when it started."""
    return {"pid": os.getpid(), "birth": _start_time(os.getpid()), "host": _host()}


def _start_time(pid: int) -> str | None:
    """When a process started, in the system's ticks, because process numbers are reused.

    Empty for one that is dead but not yet waited for; None if the system does not tell.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return "" if fields[0] in "ZX" else fields[19]


def _host() -> str:
    """This machine as a hash, because its name is private."""
    return digest(platform.node())


def files(root: Path) -> tuple[Path, Path]:
    """The live state of a results folder, and the file that it is written to before."""
    path = root / NAME
    return path, temporary_path(path)


def temporary_path(path: Path) -> Path:
    """Where the file is written before it is renamed: always the same name, because there is one writer."""
    return path.with_name(f"{path.name}.new")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
