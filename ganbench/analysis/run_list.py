"""The runs of a results folder, whichever suites they belong to: what each is, how it ended, its score, its size."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ganbench.analysis.run_table import MISSING
from ganbench.errors import ResultsError, UsageError
from ganbench.formatting import suggestion
from ganbench.registry.contracts import Direction
from ganbench.results.inventory import Inventory, Use, take_inventory
from ganbench.results.records import STATUSES, Record
from ganbench.results.store import RECORD, Store
from ganbench.suite.labels import Label, picked

DAMAGED = "damaged"
"""The status of a run whose record cannot be read."""
RUN_STATUSES = (*STATUSES, MISSING, DAMAGED)
AXES = ("loss", "architecture", "dataset")
Labels = tuple[Label, Label, Label]


@dataclass(frozen=True)
class ScoreShown:
    """One score of a run, with its name, and whether a higher or a lower one is better."""

    name: str
    value: float
    better: Direction


@dataclass(frozen=True)
class ListedRun:
    """One run: the suites that refer to it, its labels and seed, how it ended, its primary score, and its size.

    `suites` is empty if no plan refers to it; `origin` is then the suite that its record names. `earlier` says that
    every suite has other settings, data or evaluations by now. `labels` and `seed` are None if the record of a run of
    no plan cannot be read. `bytes` are those of all files in its folder, links not followed; `problem` says what is
    damaged.
    """

    id: str
    status: str
    suites: tuple[str, ...] = ()
    origin: str = ""
    labels: Labels | None = None
    seed: int | None = None
    score: ScoreShown | None = None
    ended: str | None = None
    bytes: int = 0
    earlier: bool = False
    problem: str = ""

    @property
    def texts(self) -> tuple[str, str, str]:
        """The texts of loss, architecture and dataset; empty if they are not known."""
        if self.labels is None:
            return "", "", ""
        loss, architecture, dataset = self.labels
        return loss.text, architecture.text, dataset.text


@dataclass(frozen=True)
class RunFilter:
    """Which runs are meant. Names are those of `ganbench run --filter`; several of one kind mean either."""

    suites: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether no run is left out."""
        return not any((self.suites, self.statuses, *self._names))

    @property
    def _names(self) -> tuple[tuple[str, ...], ...]:
        return self.losses, self.architectures, self.datasets

    def __call__(self, runs: Sequence[ListedRun]) -> list[ListedRun]:
        """The runs that are meant. Raises `UsageError` for a suite or a name that no run has."""
        _check(self.suites, {suite for run in runs for suite in (*run.suites, run.origin) if suite}, "suite")
        chosen = [self._chosen(runs, axis) for axis in range(len(AXES))]
        return [
            run for run in runs
            if (not self.suites or {*run.suites, run.origin} & {*self.suites})
            and (not self.statuses or run.status in self.statuses)
            and all(labels is None or (run.labels is not None and run.labels[axis] in labels)
                    for axis, labels in enumerate(chosen))
        ]  # fmt: skip

    def _chosen(self, runs: Iterable[ListedRun], axis: int) -> set[Label] | None:
        """The labels of one kind that are meant; None for all."""
        names = self._names[axis]
        if not names:
            return None
        labels = list(dict.fromkeys(run.labels[axis] for run in runs if run.labels is not None))
        found = {name: picked(labels, name) for name in names}
        _check([name for name in names if not found[name]], {one.text for one in labels}, AXES[axis])
        return {label for own in found.values() for label in own}


ALL_RUNS = RunFilter()


def _check(names: Iterable[str], known: set[str], kind: str) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"--{kind}: no run here has the {kind} {name!r}{suggestion(name, sorted(known))}")


class RunList:
    """The runs of a results folder: those of its plans, in their order, then those of no plan, by id.

    Raises `ResultsError` if a plan is damaged or newer; a damaged record is a run of the list.
    """

    def __init__(self, store: Store, suites: Sequence[str] = ()) -> None:
        """With `suites`, a run that several suites share is shown as the first of these has it."""
        self.store, self.first = store, tuple(suites)
        self.inventory: Inventory = take_inventory(store)

    @cached_property
    def runs(self) -> list[ListedRun]:
        primary: dict[tuple[str, str], str] = {}
        planned = [self._planned(id_, uses, primary) for id_, uses in self.inventory.runs.items()]
        others = sorted(path.parent.name for path in self.store.runs.glob(f"*/{RECORD}"))
        return [*planned, *(self._free(id_) for id_ in others if id_ not in self.inventory.runs)]

    def _planned(self, id_: str, uses: tuple[Use, ...], primary: dict[tuple[str, str], str]) -> ListedRun:
        """A run of a plan; `primary` has the primary score of each suite and dataset, once it is known."""
        use = min(uses, key=lambda one: (one.suite not in self.first, one.earlier))
        run = ListedRun(
            id_, MISSING, tuple(dict.fromkeys(one.suite for one in uses)), labels=use.labels, seed=use.seed,
            earlier=all(one.earlier for one in uses),
        )  # fmt: skip
        run, record = self._read(run, use.evaluation)
        if record is None:
            return run
        place = use.suite, run.texts[2]
        for name, card in record.evaluation.cards.items() if place not in primary else ():
            if use.primary in (None, card.score, name):
                primary.setdefault(place, name)
        return replace(run, score=_score(record, primary.get(place)))

    def _free(self, id_: str) -> ListedRun:
        run, record = self._read(ListedRun(id_, MISSING))
        if record is None:
            return run
        spec = record.spec
        labels = (
            Label(spec.variant_name, spec.composition), Label(spec.architecture.name, spec.architecture.name),
            Label(spec.dataset.name, spec.dataset.name),
        )  # fmt: skip
        first = next(iter(record.evaluation.metrics), None)
        return replace(run, origin=record.suite, labels=labels, seed=spec.seed, score=_score(record, first))

    def _read(self, run: ListedRun, evaluation: str | None = None) -> tuple[ListedRun, Record | None]:
        """The run with what its record says, and the record, which no store keeps: ten thousand would fill memory."""
        folder = self.store.runs / run.id
        try:
            record = Store(self.store.root).run(run.id, evaluation)
        except ResultsError as error:
            return replace(run, status=DAMAGED, problem=str(error), bytes=size_of(folder)), None
        if record is None:
            return run, None
        return replace(run, status=record.status, ended=record.provenance.time, bytes=size_of(folder)), record


def _score(record: Record, name: str | None) -> ScoreShown | None:
    value = None if name is None else record.evaluation.metrics.get(name)
    return None if value is None or name is None else ScoreShown(name, value, record.evaluation.cards[name].better)


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files below a folder; links are not followed and count nothing."""
    try:
        if path.is_symlink():
            return 0
        return sum(_sizes(path)) if path.is_dir() else path.lstat().st_size
    except OSError:
        return 0


def _sizes(folder: Path) -> Iterator[int]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _sizes(Path(entry.path))
            elif not entry.is_symlink():
                yield entry.stat(follow_symlinks=False).st_size


SORTS: dict[str, Callable[[ListedRun], tuple[object, ...]]] = {
    "id": lambda run: (run.id,),
    "suite": lambda run: (not run.suites, run.suites or (run.origin,)),
    "loss": lambda run: run.texts,
    "architecture": lambda run: run.texts[1:2],
    "dataset": lambda run: run.texts[2:],
    "seed": lambda run: (run.seed is None, run.seed or 0),
    "status": lambda run: (RUN_STATUSES.index(run.status),),
    "score": lambda run: (run.texts[2], run.score is None, *(_place(run.score) if run.score else ())),
    "size": lambda run: (-run.bytes,),
}
"""The keys by which runs are sorted, without `ended`: by score within a dataset the best first, by size the largest."""
ENDED = "ended"


def _place(score: ScoreShown) -> tuple[str, float]:
    return score.name, score.value if score.better == "lower" else -score.value


def sorted_runs(runs: Sequence[ListedRun], key: str) -> list[ListedRun]:
    """The runs by a key of `SORTS`, or by `ended`, the last one first; runs that are equal keep their order."""
    if key == ENDED:
        return sorted(runs, key=lambda run: run.ended or "", reverse=True)
    return sorted(runs, key=SORTS[key])
