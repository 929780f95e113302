"""What all tortures share: a row of the table, processes that are waited for, and what a run must give."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from warm import Process, Warm

from benchmarks.torture.row import Row
from ganbench.engine.devices import cores
from ganbench.errors import ResultsError
from ganbench.results.store import Store

ROOT = Path(__file__).parents[2]
LIMIT_S = 600.0
"""Seconds that a command may take on a busy machine; one that takes longer hangs. On a quiet one they take a few."""
RUN = ("run", "--suite", "suite.yaml", "--quiet", "--jobs", "1")
Fingerprints = dict[str, tuple[str, ...]]
"""By the id of a run: its status, the hashes of its files as they are, and its scores."""
T = TypeVar("T")


def suite_text(losses: str, steps: int, engine: str = "eager", snapshots: int = 1, seeds: int = 2) -> str:
    """A small suite, whose runs take a second or two."""
    return f"""
losses: [{losses}]
architectures: [mlp]
datasets: [ring8]
seeds: {seeds}
train: {{steps: {steps}, batch: 32, lr: 2e-3, engine: {engine}}}
evaluation: {{samples: 500, real_samples: 500, snapshots: {snapshots}}}
"""


class Done:
    """How a command ended; `code` is None if it had to be killed."""

    def __init__(self, code: int | None, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


class Ground:
    """A folder for everything that is made, a cache of its own, and processes that start at once."""

    def __init__(self, root: Path, warm: Warm) -> None:
        self.root, self.warm = root, warm
        self.environment = {
            **os.environ, "GANBENCH_CACHE": str(root / "cache"), "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")]),
        }  # fmt: skip
        self.environment.pop("TORCHINDUCTOR_CACHE_DIR", None)  # compiled programs are in the cache
        self._made = iter(range(1_000_000))

    def folder(self, suite: str = "") -> Path:
        """A new folder, with the text of a suite if there is one."""
        path = self.root / f"{next(self._made):04d}"
        path.mkdir()
        if suite:
            (path / "suite.yaml").write_text(suite)
        return path

    def each(self, items: Iterable[T], do: Callable[[T], None]) -> None:
        """Do something with every item, as many at once as there are cores. Raises what it raises."""
        with ThreadPoolExecutor(cores()) as pool:
            try:
                for done in [pool.submit(do, item) for item in items]:
                    done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                kill_all(inside(self.root))
                raise

    def ask(
        self, row: Row, folder: Path, *arguments: object, limit: float = LIMIT_S, cache: Path | None = None
    ) -> Done:
        """Run a command in a folder, in a process that is forked and so starts at once, maybe with another cache."""
        words = ["-m", "ganbench", *map(str, arguments)]
        try:
            code, out, err = self.warm.run(words, self._environment(cache), folder, limit)
        except subprocess.TimeoutExpired:
            row.hang(f"{' '.join(words[2:])} after {limit:g} s")
            return Done(None, "", "")
        row.read(err)
        return Done(code, out, err)

    def start(self, folder: Path, *arguments: object) -> Process:
        """Start a command in a process that is forked; its stderr is the file `stderr` of the folder."""
        with (folder / "stderr").open("ab") as file, Path(os.devnull).open("r+") as nothing:
            files = {0: nothing.fileno(), 1: nothing.fileno(), 2: file.fileno()}
            return self.warm.start(["-m", "ganbench", *map(str, arguments)], self.environment, folder, files)

    def spawn(self, folder: Path, *arguments: object, cache: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a real process of the command; its stderr is the file `stderr` of the folder."""
        with (folder / "stderr").open("ab") as file:
            return subprocess.Popen(
                [sys.executable, "-m", "ganbench", *map(str, arguments)], cwd=folder, env=self._environment(cache),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file, start_new_session=True,
            )  # fmt: skip

    def _environment(self, cache: Path | None) -> dict[str, str]:
        return self.environment if cache is None else {**self.environment, "GANBENCH_CACHE": str(cache)}

    def whole(self, row: Row, text: str) -> tuple[Path, Fingerprints]:
        """The folder of a suite that was trained without a fault, and its runs."""
        folder = self.folder(text)
        done = self.ask(row, folder, *RUN)
        if done.code:
            raise RuntimeError(f"the whole run failed: {done.err}")
        return folder, fingerprints(folder / "results")


def fingerprints(results: Path) -> Fingerprints:
    """Every run of a folder as it is. Raises `ResultsError` for a damaged record."""
    found = {}
    for record in Store(results).all_runs():
        files = [f"{name} {_hash(results / 'runs' / record.id / name)}" for name in sorted(record.files)]
        found[record.id] = (record.status, *files, repr(sorted(record.evaluation.metrics.items())))
    return found


def compare(row: Row, results: Path, whole: Fingerprints, where: str) -> None:
    """Count the runs that are not what they are without a fault."""
    try:
        found = fingerprints(results)
    except ResultsError as error:
        row.lose(f"{where}: {error}")
        return
    for id_, one in whole.items():
        if id_ not in found:
            row.lose(f"{where}: run {id_} is not there")
        elif found[id_] != one:
            row.lose(f"{where}: run {id_} is {found[id_]} instead of {one}")


def _hash(path: Path) -> str:
    with suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return "missing"


def inside(folder: Path) -> set[int]:
    """The processes that run in a folder: a command that was started there, and all that it has started."""
    found: set[int] = set()
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (path / "cwd").readlink().is_relative_to(folder) and not _ended(path):
                found.add(int(path.name))
    return found


def kill_all(pids: Iterable[int]) -> None:
    """End processes that may have ended already."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _ended(path: Path) -> bool:
    return (path / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"


def wait_gone(folder: Path, seconds: float) -> set[int]:
    """The processes of a folder that are still there after so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := inside(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
