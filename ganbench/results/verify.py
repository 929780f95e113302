"""Checks a published folder: every file is hashed again, every record compared with its own checksums and id."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from ganbench.errors import ResultsError, UsageError
from ganbench.results import manifest
from ganbench.results.archive import SUFFIX, unpacked
from ganbench.results.identity import agreed_codes, recomputed_evaluation_id, recomputed_id
from ganbench.results.manifest import FileSum, Manifest, Summary
from ganbench.results.records import AnyRecord
from ganbench.results.store import Store
from ganbench.suite.plan_file import load_plan

WRONG = ("refused", "missing", "changed", "extra", "record", "facts")
"""Kinds of findings for which a folder is not as published. A `note` names something that could not be checked."""
MISSING = "is missing"


@dataclass(frozen=True)
class Finding:
    """One thing found about one path of the folder."""

    kind: str
    path: str
    text: str


@dataclass(frozen=True)
class Report:
    """All findings, and the manifest."""

    content: Manifest
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return not any(finding.kind in WRONG for finding in self.findings)


def check(path: Path, store: Store | None = None) -> Report:
    """Hash every file that a manifest lists, look for files that it does not list, and check every record.

    `path` is the manifest, the folder that holds it or its ZIP file, `store` the folder's store if it is open
    already. Raises `UsageError` if there is no manifest, `ResultsError` if it is damaged or newer.
    """
    if path.suffix.lower() == SUFFIX and path.is_file():
        with unpacked(path) as folder:
            return check(folder)
    path = path / manifest.NAME if path.is_dir() else path
    if not path.exists() and path.name != manifest.NAME:
        raise UsageError(f"there is no {str(path)!r} to verify")
    if not path.is_file():
        raise UsageError(f"no manifest at {path}; `ganbench publish` writes {manifest.NAME} into the folder it makes")
    content, folder = manifest.read(path), path.parent
    found = dict(manifest.entries(folder))
    findings = [one for name, own in content.files.items() if (one := _file(folder, name, own))]
    for name in found.keys() - content.files.keys():
        stopped = _stopped(folder, name)
        kind = "refused" if stopped else "extra"
        findings.append(Finding(kind, name, f"is not in the manifest{stopped and f', and {stopped}'}"))
    store = store or Store(folder)
    findings += _records(folder, store)
    plain = all(stat.S_ISREG(mode) for mode in found.values())
    if plain and content.schema == manifest.SCHEMA:
        findings += _facts(store, content)
    order = (*WRONG, "note")
    findings.sort(key=lambda one: (order.index(one.kind), one.path))
    return Report(content, tuple(findings))


def _file(folder: Path, name: str, own: FileSum) -> Finding | None:
    """What is wrong with one listed file; a path that leaves the folder, or passes a link, is not read."""
    stopped = _stopped(folder, name)
    if stopped:
        return Finding("missing" if stopped == MISSING else "refused", name, stopped)
    try:
        size, sha = manifest.checksum(folder / name)
    except OSError as error:
        return Finding("missing", name, f"cannot be read: {error.strerror}")
    if (size, sha) == (own.bytes, own.sha256):
        return None
    what = f"{size} bytes, published {own.bytes}" if size != own.bytes else "content differs (same size)"
    return Finding("changed", name, what)


def _stopped(folder: Path, name: str) -> str:
    """Why a path must not be read, or an empty text: it leaves the folder, passes a link, or is not a plain file."""
    if manifest.escapes(name):
        return "leaves the folder; not read"
    place, mode = folder, 0
    for part in name.split("/"):
        place = place / part
        try:
            mode = place.lstat().st_mode
        except OSError:
            return MISSING
        if stat.S_ISLNK(mode):
            return "is a link, or is reached through one; not read"
    return "" if stat.S_ISREG(mode) else "is not a plain file; not read"


def _records(folder: Path, store: Store) -> Iterator[Finding]:
    """Each record that is not behind a link, against its own files and its own id."""
    read: dict[str, AnyRecord] = {}
    for place in (store.runs, store.references):
        for path in sorted(place.glob("*/record.json")):
            name = path.relative_to(folder).as_posix()
            if _stopped(folder, name):
                continue
            id_ = path.parent.name
            try:
                own = store.run(id_) if place == store.runs else store.reference(id_)
            except ResultsError as error:
                yield Finding("record", name, f"cannot be read: {error}")
            else:
                read |= {name: own} if own else {}
            if place == store.runs:
                yield from _scores(folder, store, id_)
    yield from _plans(folder, store, read)
    elsewhere = agreed_codes(read.values())
    for name, record in read.items():
        try:
            yield from list(_record(folder, name, record, elsewhere))
        except (OSError, ValueError) as error:
            yield Finding("record", name, f"cannot be checked: {error}")


def _scores(folder: Path, store: Store, run_id: str) -> Iterator[Finding]:
    """Each scores file of a run: readable, sealed, of the run's own weights, with the id that it gives."""
    for evaluation in store.evaluations(run_id):
        name = (store.runs / run_id / "scores" / f"{evaluation}.json").relative_to(folder).as_posix()
        if _stopped(folder, name):
            continue
        try:
            record = store.run(run_id, evaluation)
        except ResultsError as error:
            yield Finding("record", name, f"cannot be read: {error}")
            continue
        if record is None:
            continue
        if record.evaluation_id is None:
            yield Finding("record", name, "holds scores of other weights than the run's")
        elif record.scored_by.codes() and recomputed_evaluation_id(record) != evaluation:
            found = recomputed_evaluation_id(record)
            yield Finding("record", name, f"its evaluation, code versions and protocol give the id {found}")


def _plans(folder: Path, store: Store, read: Mapping[str, AnyRecord]) -> Iterator[Finding]:
    """Each suite's plan: readable, sealed, and one content of the data in a row."""
    for suite in store.suites():
        name = f"{suite}/plan.json"
        if _stopped(folder, name):
            continue
        try:
            plan = load_plan(folder, suite)
        except ResultsError as error:
            yield Finding("record", name, f"cannot be read: {error}")
            continue
        for row in plan.rows if plan else ():
            records = [read.get(f"runs/{id_}/record.json") for id_ in row.runs.values()]
            contents = {one.spec.dataset.content for one in records if one is not None}
            if contents - {row.content}:
                what = f"{row.variant.title} on {row.dataset.text} has runs of other data than the plan names"
                yield Finding("record", name, what)


def _record(folder: Path, name: str, record: AnyRecord, elsewhere: Mapping[str, str]) -> Iterator[Finding]:
    own = name.rpartition("/")[0]
    for file, sha in record.files.items():
        if manifest.escapes(file) or "/" in file:
            yield Finding("refused", name, f"names a file {file!r} outside its folder; not read")
        elif not _stopped(folder, f"{own}/{file}") and manifest.checksum(folder / own / file)[1] != sha:
            yield Finding("record", f"{own}/{file}", "does not match the checksum in its record")
    found, known = recomputed_id(record, elsewhere), bool(record.provenance.codes())
    if found == record.id:
        return
    if known and found is not None:
        yield Finding("record", name, f"its spec, code versions and protocol give the id {found}")
    else:
        why = "a code version is missing" if known else "it holds no code versions"
        yield Finding("note", name, f"its id cannot be computed from the record alone: {why}")


def _facts(store: Store, content: Manifest) -> Iterator[Finding]:
    """Compares the manifest's summary with the records."""
    try:
        now = manifest.summarize(store)
    except ResultsError as error:
        yield Finding("facts", manifest.NAME, f"its summary cannot be made again: {error}")
        return
    for key in (one.name for one in fields(Summary) if one.name != "publisher"):
        if getattr(content, key) != getattr(now, key):
            yield Finding("facts", manifest.NAME, f"{key!r} does not agree with the records")
