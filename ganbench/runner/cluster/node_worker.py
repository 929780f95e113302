"""One job on a node: an actor that starts a worker process for it, and hands over what that makes when asked."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from ganbench.runner.channel import Garbled
from ganbench.runner.cluster.connection import NOWHERE
from ganbench.runner.cluster.folders import PrivateFolder
from ganbench.runner.cluster.parcels import Ending, Files, News, Order, States, is_state, moved, packed, unpack
from ganbench.runner.events import RunStaged
from ganbench.runner.places import Place
from ganbench.runner.worker_process import WorkerProcess, WorkerSettings

PREFIX = "ganbench-cell-"
WAIT_S = 0.5
"""Seconds for which news are waited for."""


class NodeWorker:
    """Runs the job of an order in a process of its own, so that whatever that does costs this job alone."""

    def __init__(self, content: bytes) -> None:
        order: Order = pickle.loads(content)
        sys.path[:] = [entry for entry in sys.path if not _of_ray(entry)]
        self.folder = PrivateFolder(PREFIX)
        os.chdir(order.folder if Path(order.folder).is_dir() else self.folder.path)
        self.settings = WorkerSettings(
            self.folder.path / "staging", self.folder.path / "checkpoints", order.checkpoint_interval_s
        )
        inputs = self.folder.path / "inputs"
        unpack(order.states, self.settings.checkpoints)
        unpack(order.inputs, inputs)
        self.known = self._stamps()
        self.worker = WorkerProcess.start(self.settings, Place(order.device, order.device))
        with suppress(OSError):  # a worker that has died already is found by the end of its connection
            self.worker.channel.send(replace(order.task, job=moved(order.task.job, inputs)))

    def news(self) -> News:
        """What there is since the last call; waits a moment for it."""
        wait([self.worker.channel.socket], WAIT_S)
        ended = self.worker.ended  # what it has sent is there by now, although a child of it may hold the connection
        messages, end = self.worker.channel.arrived()
        ending = None
        if end is not None or (ended and not messages):
            with suppress(Exception):
                self.worker.exit_reason()  # waits for its exit code
            ending = Ending(self.worker.process.returncode, str(end) if isinstance(end, Garbled) else "")
        return News(tuple(map(self._parcel, messages)), tuple(self._new_states()), ending)

    def ask(self) -> None:
        """Ask the worker to save its state and to leave."""
        with suppress(OSError):
            self.worker.process.terminate()

    def end(self) -> None:
        """End the worker at once, and leave nothing behind."""
        self.worker.kill()
        os.chdir(NOWHERE)
        self.folder.remove()

    def _parcel(self, message: Any) -> tuple[bytes, Files]:
        """A message, and the files of the run that it hands over; they are removed here."""
        files: Files = {}
        if isinstance(message, RunStaged):
            files = packed(message.folder)
            shutil.rmtree(message.folder, ignore_errors=True)
        return pickle.dumps(message), files

    def _stamps(self) -> dict[str, dict[str, tuple[int, int]]]:
        """The files from which each run goes on, with their time and size."""
        found: dict[str, dict[str, tuple[int, int]]] = {}
        root = self.settings.checkpoints
        for path in filter(is_state, root.rglob("*")):
            with suppress(OSError):  # it was replaced by a newer one
                facts, name = path.stat(), path.relative_to(root)
                found.setdefault(name.parts[0], {})[name.as_posix()] = (facts.st_mtime_ns, facts.st_size)
        return found

    def _new_states(self) -> list[States]:
        """The files of every run whose files have changed."""
        now = self._stamps()
        changed = [run_id for run_id, files in now.items() if files != self.known.get(run_id)]
        found = []
        for run_id in changed:
            before, new = self.known.get(run_id, {}), {}
            for name in (name for name, stamp in now[run_id].items() if before.get(name) != stamp):
                with suppress(OSError):
                    new[name] = (self.settings.checkpoints / name).read_bytes()
            found.append(States(run_id, new, frozenset(now[run_id])))
        self.known = now
        return found


def _of_ray(entry: str) -> bool:
    """Whether Ray has put a folder on the import path, where a worker of this machine alone would not have it."""
    file = getattr(sys.modules.get("ray"), "__file__", None)
    return entry == NOWHERE or (file is not None and Path(file).parent in Path(entry).parents)
