"""What tests of whole runs share: the records of a results folder, and runs that can be interrupted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from warm import Process, Warm

from ganbench.results.record_json import plain
from ganbench.results.store import Store

Content = dict[str, Any]
"""A record with its scores, as their files hold them."""


def read_records(results: Path) -> dict[str, Content]:
    """By id, the records of all runs with their scores."""
    return {record.id: json.loads(json.dumps(plain(record))) for record in Store(results).all_runs()}


def record_times(results: Path) -> dict[str, int]:
    """By id, when a record was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in results.glob("runs/*/record.json")}


FORKED = "import os, runpy; os.setsid(); runpy.run_module('ganbench', run_name='__main__', alter_sys=True)"


def fork_run(warm: Warm, folder: Path, *options: str) -> Process:
    """A run as `start_run` gives it, forked, as its workers are; the file `stderr` in the folder holds what it prints.

    Its workers are no children of it.
    """
    with (folder / "stderr").open("wb") as printed, Path(os.devnull).open() as nothing:
        files = {0: nothing.fileno(), 1: printed.fileno(), 2: printed.fileno()}
        return warm.start(["-c", FORKED, "run", *options], os.environ, folder, files)


def start_run(folder: Path, *options: str) -> subprocess.Popen[str]:
    """A run in a process group of its own, as a terminal gives it, in a folder.

    Tests that were themselves started in the background ignore SIGINT, and a child would inherit that.
    """
    code = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.executable, sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, sys.executable, "-m", "ganbench", "run", *options]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True)
