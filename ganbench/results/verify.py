"""Whether a published folder is as it was published: every file hashed again, every record against itself."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.errors import ResultsError, UsageError
from ganbench.results import manifest
from ganbench.results.records import AnyRecord, agreed_codes, recomputed_id
from ganbench.results.store import Store

WRONG = ("refused", "missing", "changed", "extra", "record", "facts")
"""Kinds of findings that mean: not as published. A `note` only says what could not be checked."""


GONE = "is not there"
DAMAGED = (KeyError, TypeError, AttributeError, ValueError)


@dataclass(frozen=True)
class Finding:
    """One thing found about one path of the folder."""

    kind: str
    path: str
    text: str


@dataclass(frozen=True)
class Report:
    """All findings, and what the manifest says the folder is."""

    content: Mapping[str, Any]
    files: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return not any(finding.kind in WRONG for finding in self.findings)


def check(path: Path) -> Report:
    """Hash every file that a manifest lists, look for files that it does not list, and check every record.

    `path` is the manifest or the folder that holds it. Raises `UsageError` where there is none,
    `ResultsError` where it is damaged or newer.
    """
    path = path / manifest.NAME if path.is_dir() else path
    if not path.exists() and path.name != manifest.NAME:
        raise UsageError(f"there is no {str(path)!r} to verify")
    if not path.is_file():
        raise UsageError(f"no manifest at {path}; `ganbench publish` writes {manifest.NAME} into the folder it makes")
    content, folder = manifest.read(path), path.parent
    found, listed = dict(manifest.entries(folder)), content["files"]
    findings = [one for name, own in listed.items() if (one := _file(folder, name, own))]
    for name in found.keys() - listed.keys():
        stopped = _stopped(folder, name)
        kind = "refused" if stopped else "extra"
        findings.append(Finding(kind, name, f"is not in the manifest{stopped and f', and {stopped}'}"))
    plain = all(stat.S_ISREG(mode) for mode in found.values())
    findings += _records(folder, content, plain)
    order = (*WRONG, "note")
    findings.sort(key=lambda one: (order.index(one.kind), one.path))
    return Report(content, len(listed), tuple(findings))


def _file(folder: Path, name: str, own: Mapping[str, Any]) -> Finding | None:
    """What is wrong with one listed file; a path that leaves the folder, or passes a link, is not read."""
    stopped = _stopped(folder, name)
    if stopped:
        return Finding("missing" if stopped == GONE else "refused", name, stopped)
    try:
        size, sha = manifest.hashed(folder / name)
    except OSError as error:
        return Finding("missing", name, f"cannot be read: {error.strerror}")
    if (size, sha) == (own["bytes"], own["sha256"]):
        return None
    what = f"{size} bytes, published {own['bytes']}" if size != own["bytes"] else "other bytes, of the same number"
    return Finding("changed", name, what)


def _stopped(folder: Path, name: str) -> str:
    """Why a path must not be read, or nothing: it leaves the folder, passes a link, or is no plain file."""
    if manifest.escapes(name):
        return "leaves the folder; not read"
    place, mode = folder, 0
    for part in name.split("/"):
        place = place / part
        try:
            mode = place.lstat().st_mode
        except OSError:
            return GONE
        if stat.S_ISLNK(mode):
            return "is a link, or lies behind one; not read"
    return "" if stat.S_ISREG(mode) else "is no plain file; not read"


def _records(folder: Path, content: Mapping[str, Any], plain: bool) -> Iterator[Finding]:
    """Each record against its own files and its own id; all of them, where nothing is a link, against the manifest."""
    store = Store(folder)
    read: dict[str, AnyRecord] = {}
    for place in (store.runs, store.references):
        for path in sorted(place.glob("*/record.json")):
            name = path.relative_to(folder).as_posix()
            if _stopped(folder, name):
                continue
            try:
                own: AnyRecord | None = store.run(path.parent.name)
                if place is not store.runs:
                    own = store.reference(path.parent.name)
            except ResultsError as error:
                yield Finding("record", name, f"cannot be read: {error}")
            else:
                read |= {name: own} if own else {}
    elsewhere = agreed_codes(read.values())
    for name, record in read.items():
        try:
            yield from list(_record(folder, name, record, elsewhere))
        except (OSError, *DAMAGED) as error:
            yield Finding("record", name, f"cannot be checked: {error}")
    if plain and content["schema"] == manifest.SCHEMA:
        yield from _facts(folder, content)


def _record(folder: Path, name: str, record: AnyRecord, elsewhere: Mapping[str, str]) -> Iterator[Finding]:
    own = name.rpartition("/")[0]
    id_ = own.rpartition("/")[2]
    if record.id != id_:
        yield Finding("record", name, f"says that its id is {record.id!r}, not {id_!r}")
    for file, sha in record.files.items():
        if manifest.escapes(file) or "/" in file:
            yield Finding("refused", name, f"names a file {file!r} outside its folder; not read")
        elif not _stopped(folder, f"{own}/{file}") and manifest.hashed(folder / own / file)[1] != sha:
            yield Finding("record", f"{own}/{file}", "is not what its record says")
    found, stated = recomputed_id(record, elsewhere), bool(record.provenance.codes())
    if found == record.id:
        return
    if stated and found is not None:
        yield Finding("record", name, f"its spec, code versions and protocol give the id {found}")
    else:
        why = "a code version is missing" if stated else "it holds no code versions"
        yield Finding("note", name, f"its id cannot be computed from the record alone: {why}")


def _facts(folder: Path, content: Mapping[str, Any]) -> Iterator[Finding]:
    """What the manifest says of the records, against the records."""
    try:
        now = json.loads(json.dumps(manifest.gathered(folder)))
    except (ResultsError, *DAMAGED) as error:
        yield Finding("facts", manifest.NAME, f"its summary cannot be made again: {error}")
        return
    for key, value in now.items():
        if key != "publisher" and content.get(key) != value:
            yield Finding("facts", manifest.NAME, f"{key!r} is not what the records say")
