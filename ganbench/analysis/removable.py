"""What a results folder can do without: runs and references of no plan, used checkpoints, leftovers, and weights."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganbench.analysis.run_list import ALL_RUNS, ListedRun, RunFilter, RunList, size_of
from ganbench.errors import ResultsError, UsageError
from ganbench.files import DAMAGED as SET_ASIDE
from ganbench.results import live
from ganbench.results.records import FINISHED
from ganbench.results.run_files import SNAPSHOT, WEIGHTS
from ganbench.results.store import RECORD

Kind = Literal["run", "reference", "checkpoint", "leftover", "weights"]
KINDS: tuple[Kind, ...] = ("run", "reference", "checkpoint", "leftover", "weights")
UNWRITTEN = re.compile(r"\.[^/]+\.(json|csv|md|tex|png|txt|safetensors)\.[a-z0-9_]{8}")
"""The name of a file that a killed process was writing, see `ganbench.files.write_atomically`."""
UNWRITTEN_AFTER_S = 3600.0
"""Seconds after which such a file is surely nobody's: tables are written without the folder's lock."""


@dataclass(frozen=True)
class Removable:
    """A file or folder that can be removed, its bytes, and why it is not needed."""

    kind: Kind
    path: Path
    bytes: int
    why: str


class Search:
    """Looks for what can be removed. `links` are the paths that were left alone because they are links.

    Of a suite that is running, nothing is found but runs and references of no plan.
    """

    def __init__(self, runs: RunList, chosen: RunFilter = ALL_RUNS, weights: bool = False) -> None:
        """`chosen` limits the search to some runs, their checkpoints and weights; `weights` looks for weights too."""
        self.runs, self.chosen, self.weights = runs, chosen, weights
        self.store, self.inventory = runs.store, runs.inventory
        state = live.read(self.store.root)
        self.running = state is not None and state["state"] != "stale"
        self.links: list[Path] = []

    def found(self) -> list[Removable]:
        """Everything that can be removed, by kind. Raises `UsageError` if no plan is there to tell what is needed."""
        chosen = self.chosen(self.runs.runs)
        free = [run for run in chosen if not run.suites]
        if free and not self.inventory.runs:
            raise UsageError(
                f"no suite has a plan in {self.store.root}, so that none of its runs would be needed; run a suite "
                "there first, or remove the folder yourself"
            )
        parts = [*map(self._run, free), *self._checkpoints({run.id for run in chosen})]
        parts += self._weights(chosen) if self.weights else []
        if self.chosen.everything:
            parts += [*self._references(), *self._leftovers()]
        paths = {one.path for one in parts}
        whole = [one for one in parts if paths.isdisjoint(one.path.parents)]  # what goes with its folder counts once
        here = [one for one in whole if self._plain(one.path)]
        return sorted(here, key=lambda one: KINDS.index(one.kind))

    def _plain(self, path: Path) -> bool:
        """Whether a path is really in the folder; one that is a link, or reached through one, is noted."""
        if self.store.holds(path):
            return True
        self.links.append(path)
        return False

    def _run(self, run: ListedRun) -> Removable:
        loss, architecture, dataset = run.texts
        what = f"{loss} x {architecture} on {dataset}, seed {run.seed}" if run.labels else run.status
        return Removable("run", self.store.runs / run.id, run.bytes, f"no plan refers to it: {what}")

    def _references(self) -> Iterator[Removable]:
        for path in sorted(self.store.references.glob(f"*/{RECORD}")):
            if path.parent.name not in self.inventory.references:
                yield Removable("reference", path.parent, size_of(path.parent), "no plan refers to it")

    def _checkpoints(self, chosen: set[str]) -> Iterator[Removable]:
        """The states of runs that have ended, or that no plan would continue."""
        for folder in _folders(self.store.checkpoints) if not self.running else ():
            if folder.name in chosen or self.chosen.everything:
                why = self._why_ended(folder.name)
                if why:
                    yield Removable("checkpoint", folder, size_of(folder), why)

    def _why_ended(self, run_id: str) -> str:
        """Why a run's state is not needed; empty if it may be."""
        try:
            record = self.store.run(run_id)
        except ResultsError:
            return ""
        if record is not None and record.training_status in FINISHED:
            return "its run has ended"
        return "" if run_id in self.inventory.runs else "no plan refers to its run"

    def _weights(self, chosen: list[ListedRun]) -> Iterator[Removable]:
        """The weights of runs that plans refer to, where every score that the plans ask for is measured."""
        for run in chosen if not self.running else ():
            if run.suites and self._measured(run.id):
                for path in _inside(self.store.runs / run.id):
                    if path.name == WEIGHTS or SNAPSHOT.fullmatch(path.name):
                        why = "a run without them cannot be sampled, or evaluated in another way"
                        yield Removable("weights", path, size_of(path), why)

    def _measured(self, run_id: str) -> bool:
        try:
            records = [self.store.run(run_id, use.evaluation) for use in self.inventory.runs[run_id]]
        except ResultsError:
            return False
        return all(one is not None and one.evaluated and not one.evaluation.missing for one in records)

    def _leftovers(self) -> Iterator[Removable]:
        """What killed commands left: the live state, the stage, and files that were not completely written."""
        root = self.store.root
        if not self.running:
            for path in live.files(root):
                if path.exists():
                    yield Removable("leftover", path, size_of(path), "the suite that wrote it was killed")
            yield from self.staged()
        for path, why in self._broken():
            yield Removable("leftover", path, size_of(path), why)

    def staged(self) -> Iterator[Removable]:
        """What a killed command had prepared or set aside, but for what the next one that writes here puts back."""
        for folder in _folders(self.store.staging):
            aside = list(folder.glob("*/*")) if folder.name.endswith(".old") else []
            if all((self.store.root / one.parent.name / one.name).exists() for one in aside):
                yield Removable("leftover", folder, size_of(folder), "was prepared by a command that was killed")

    def _broken(self) -> Iterator[tuple[Path, str]]:
        """Files that killed processes were writing, in the folders where ganbench writes, and states set aside."""
        suites = [self.store.root / name for name in self.inventory.suites]
        holders = (self.store.runs, self.store.references, self.store.checkpoints)
        runs = [folder for holder in holders for folder in _folders(holder)]
        for folder in [*suites, *runs, *(folder / "scores" for folder in runs)]:
            for path in _inside(folder):
                if UNWRITTEN.fullmatch(path.name) and time.time() - path.lstat().st_mtime > UNWRITTEN_AFTER_S:
                    yield path, "was not completely written"
                elif path.name.endswith(SET_ASIDE) and folder.parent == self.store.checkpoints:
                    yield path, "is a damaged state that was set aside"


def _inside(folder: Path) -> list[Path]:
    """What a folder holds; nothing if it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _folders(holder: Path) -> Iterator[Path]:
    """The folders in a folder, links among them."""
    return (path for path in _inside(holder) if path.is_dir())
