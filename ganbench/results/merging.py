"""Joins results folders: every run, its scores and every reference, byte for byte, and the plans of the suites."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ganbench.errors import MissingError, ResultsError, UsageError
from ganbench.files import read_file, write_atomically
from ganbench.results.records import FINISHED, AnyRecord, Cost, Evaluation, Provenance, Record, ReferenceRecord
from ganbench.results.store import RECORD, Store
from ganbench.suite.plan_file import SavedPlan, load_plan, save_plan
from ganbench.suite.plan_union import united

ID = re.compile(r"[0-9a-f]{12}")
LISTED = 5
"""Conflicts that an error names; of more it gives the number."""


@dataclass
class Merged:
    """What a merge did: runs and references that were added, replaced because they had failed, or there before."""

    added: int = 0
    replaced: int = 0
    known: int = 0
    scores: int = 0
    """Scores that were added to runs which were there before."""
    suites: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Entry:
    """A run or a reference in one of the folders, with the files of its scores by the evaluations' ids."""

    store: Store
    record: AnyRecord
    scores: Mapping[str, Path]

    @property
    def folder(self) -> Path:
        return _kind(self.store, self.record) / self.record.id

    @property
    def finished(self) -> bool:
        """Whether a suite would not train this run again."""
        return isinstance(self.record, ReferenceRecord) or self.record.training_status in FINISHED

    @property
    def title(self) -> str:
        if isinstance(self.record, ReferenceRecord):
            return f"reference {self.record.id} ({self.record.spec.reference} of {self.record.spec.dataset.name})"
        spec = self.record.spec
        return f"run {self.record.id} ({spec.variant_name} on {spec.dataset.name}, seed {spec.seed})"

    def evaluation(self, name: str) -> Evaluation:
        """The scores under one evaluation."""
        found = self.store.run(self.record.id, name)
        return Evaluation() if found is None else found.evaluation


def _kind(store: Store, record: AnyRecord) -> Path:
    return store.runs if isinstance(record, Record) else store.references


def merge(sources: Sequence[Store], target: Store) -> Merged:
    """Join the sources into the target, which may have runs already and stays as it is if something is wrong.

    All is read, checked and compared before anything is written, and each run is added by one rename: a merge that was
    killed is finished by the same call. Links are not followed. Raises `UsageError` if two folders have other content
    under one id, `ResultsError` if a file is damaged, newer, or a link, `MissingError` if the disk refuses.
    """
    with target.writing():
        before = {one.folder.relative_to(target.root): one for one in _entries(target)}
        found = dict(before)
        conflicts = []
        for one in (one for source in sources for one in _entries(source)):
            place = one.folder.relative_to(one.store.root)
            chosen = _chosen(found[place], one) if place in found else one
            if chosen is None:
                conflicts.append(f"{one.title} has other content in {one.store.root} than in {found[place].store.root}")
            else:
                found[place] = chosen
        _refuse(conflicts)
        changed = {place: one for place, one in found.items() if one is not before.get(place)}
        for one in changed.values():
            for _ in _files(one):
                pass
        plans = _plans([target, *sources])
        return _written(changed, before, plans, target)


def _refuse(conflicts: Sequence[str]) -> None:
    if conflicts:
        more = f"; and {len(conflicts) - LISTED:,} more" if len(conflicts) > LISTED else ""
        raise UsageError(
            f"{'; '.join(conflicts[:LISTED])}{more}. Nothing was merged; "
            "remove the folder that is wrong, and merge again"
        )


def _entries(store: Store) -> Iterator[_Entry]:
    """All runs and references of a folder, their records and scores checked."""
    for parent in (store.runs, store.references):
        _no_link(parent)
        for folder in sorted(parent.iterdir()) if parent.is_dir() else ():
            if not ID.fullmatch(folder.name):
                continue
            for path in (folder, folder / RECORD, folder / "scores"):
                _no_link(path)
            record = store.run(folder.name) if parent == store.runs else store.reference(folder.name)
            if record is None:
                continue
            scores = {path.stem: path for path in sorted((folder / "scores").glob("*.json"))}
            for one, path in scores.items():
                _no_link(path)
                store.run(folder.name, one)
            yield _Entry(store, record, scores)


def _no_link(path: Path) -> None:
    if path.is_symlink():
        raise ResultsError(f"{path} is a link, which is not followed; copy what it names, or remove it")


def _chosen(first: _Entry, second: _Entry) -> _Entry | None:
    """Which of two folders of one id stands, with the scores of both; None if they disagree.

    A run that failed, and would be tried again, gives way to one that did not, and to a later failure.
    """
    if first.finished != second.finished:
        return first if first.finished else second
    if not first.finished:
        return max((first, second), key=lambda one: one.record.provenance.time or "")
    if _content(first.record) != _content(second.record):
        return None
    both = first.scores.keys() & second.scores.keys()
    if any(first.evaluation(name) != second.evaluation(name) for name in both):
        return None
    extra = second.scores.keys() - both
    return replace(first, scores={**second.scores, **first.scores}) if extra else first


def _content(record: AnyRecord) -> AnyRecord:
    """A record without what differs between two trainings with the same result: cost, provenance, and its scores."""
    if isinstance(record, ReferenceRecord):
        return replace(record, provenance=Provenance())
    return replace(
        record, suite="", cost=Cost(), provenance=Provenance(), scored_by=Provenance(), evaluation=Evaluation(),
        evaluation_id=None, stored_evaluation="", failure=record.training_failure,
        spec=replace(record.spec, evaluation=type(record.spec.evaluation)()),
    )  # fmt: skip


def _files(one: _Entry) -> Iterator[tuple[str, bytes]]:
    """Every file of a run or a reference by its name, checked against its record; the record itself comes last."""
    for name, stated in one.record.files.items():
        path = one.folder / name
        if Path(name).name != name or name.startswith(".") or name == RECORD:
            raise ResultsError(f"{one.folder / RECORD} is damaged (it names the file {name!r})")
        content = _read(path)
        if hashlib.sha256(content).hexdigest() != stated:
            raise ResultsError(f"{path} is damaged (its SHA-256 is not that of the record); remove {one.folder}")
        yield name, content
    for name, path in one.scores.items():
        yield f"scores/{name}.json", _read(path)
    yield RECORD, _read(one.folder / RECORD)


def _read(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}") from error


def _plans(stores: Sequence[Store]) -> list[SavedPlan]:
    """The plan of every suite, united over the folders; what a later folder replaced is kept apart."""
    found: dict[str, SavedPlan] = {}
    for store in stores:
        for suite in store.suites():
            _no_link(store.root / suite)
            _no_link(store.root / suite / "plan.json")
            plan = load_plan(store.root, suite)
            if plan is not None:
                found[suite] = united(plan, found.get(suite))
    return list(found.values())


def _written(
    changed: Mapping[Path, _Entry], before: Mapping[Path, _Entry], plans: Sequence[SavedPlan], target: Store
) -> Merged:
    """Write the plans and the runs."""
    result = Merged(known=len(before.keys() - changed.keys()), suites=[plan.suite for plan in plans])
    try:
        for plan in plans:
            save_plan(target.root, plan)
        for place, one in changed.items():
            old = before.get(place)
            if old is not None and old.folder == one.folder:
                for name in one.scores.keys() - old.scores.keys():
                    write_atomically(target.root / place / "scores" / f"{name}.json", _read(one.scores[name]))
                    result.scores += 1
                continue
            staged = target.stage(place.name)
            for name, content in _files(one):
                write_atomically(staged / name, content)
            target.place(staged, target.root / place)
            result.added += old is None
            result.replaced += old is not None
    except OSError as error:
        raise MissingError(f"{target.root} cannot be written: {error.strerror or error}") from error
    return result
