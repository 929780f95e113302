"""What a published folder consists of: every file with its checksum, and where its numbers come from."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from ganbench.errors import ResultsError, UsageError
from ganbench.files import canonical, write_atomically
from ganbench.results import provenance
from ganbench.results.record_json import known_facts
from ganbench.results.records import AnyRecord, Record
from ganbench.results.store import Store

NAME = "manifest.json"
SCHEMA = 1
"""Raised whenever `gathered` says something else of the same records, too: an older summary is not compared."""
OUTSIDE = (".git", ".lock")
"""What may lie at the top of the folder without being a part of it."""
ENVIRONMENT = ("python", "libraries", "platform", "processor", "cores", "device", "threads")
MOST_BYTES = 64 << 20
"""A larger manifest is none: ten thousand runs of six files each make twelve megabytes."""


def write(folder: Path, facts: Mapping[str, Any] | None = None) -> None:
    """Write `manifest.json` over every file below a folder: path, bytes, SHA-256, and where the runs come from.

    `facts` are kept in it as they are. It holds no time of its own: the same folder gives the same
    bytes. Raises `UsageError` where the folder holds links or other special files, `ResultsError`
    where a record is damaged.
    """
    found = dict(entries(folder))
    special = sorted(path for path, mode in found.items() if not stat.S_ISREG(mode))
    if special:
        raise UsageError(f"{folder} holds what is no plain file ({', '.join(special[:3])}); a manifest cannot vouch")
    files = {path: {"bytes": size, "sha256": sha} for path in sorted(found) for size, sha in [hashed(folder / path)]}
    content = {"schema": SCHEMA, **gathered(folder), "facts": dict(facts or {}), "files": files}
    write_atomically(folder / NAME, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def gathered(folder: Path) -> dict[str, Any]:
    """What the records of a folder say together: suites, revisions, environments, plugins, runs by status."""
    store = Store(folder)
    runs = [record for id_ in ids(store.runs) if (record := store.run(id_))]
    references = [found for id_ in ids(store.references) if (found := store.reference(id_))]
    both: list[AnyRecord] = [*runs, *references]
    here = msgspec.to_builtins(provenance.machine())
    times = [record.provenance.time for record in runs if record.provenance.time is not None]
    return {
        "suites": sorted(path.parent.name for path in folder.glob("*/plan.json")),
        "time": max(times, default=None),
        "protocols": _distinct(record.provenance.protocol for record in both),
        "revisions": _distinct(record.provenance.revision for record in both),
        "publisher": {key: here[key] for key in ("revision", "python", "libraries", "platform", "protocol")},
        "environments": environments(runs),
        "plugins": plugins(runs),
        "statuses": dict(sorted(Counter(record.status for record in runs).items())),
        "runs": [record.id for record in runs],
        "references": [record.id for record in references],
    }


def ids(folder: Path) -> list[str]:
    """The names of the folders that hold a record."""
    return sorted(path.parent.name for path in folder.glob("*/record.json"))


def environments(records: list[Record]) -> list[dict[str, Any]]:
    """The machines and versions of records, each once, with how many of them it made."""
    known = [known_facts(record.provenance) for record in records if record.provenance.python]
    counted = Counter(canonical({key: one[key] for key in ENVIRONMENT if key in one}) for one in known)
    return [{**json.loads(text), "records": count} for text, count in sorted(counted.items())]


def plugins(records: list[Record]) -> dict[str, list[dict[str, Any]]]:
    """Every plugin that records name, in each version and source that made some of them."""
    found: dict[str, list[Any]] = {}
    for record in records:
        for key, plugin in record.provenance.plugins.items():
            found.setdefault(key, []).append(msgspec.to_builtins(plugin))
    return {key: _distinct(found[key]) for key in sorted(found)}


def _distinct(values: Any) -> list[Any]:
    """Values that are there, each once, in an order of their own."""
    return [json.loads(text) for text in sorted({canonical(value) for value in values if value is not None})]


def entries(folder: Path) -> Iterator[tuple[str, int]]:
    """Everything below a folder but folders: relative path and mode, links not followed."""
    for place, folders, files in os.walk(folder):
        inside = Path(place).relative_to(folder)
        if place == str(folder):
            folders[:] = [name for name in folders if name not in OUTSIDE]
            files = [name for name in files if name not in (*OUTSIDE, NAME)]
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in (*files, *links):
            yield (inside / name).as_posix(), (Path(place) / name).lstat().st_mode


def hashed(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file; a link is not followed."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        sha = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), sha


def read(path: Path) -> dict[str, Any]:
    """A manifest's content. Raises `ResultsError` where it is damaged or newer."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("larger than 64 MiB")
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
        newer = content["schema"] > SCHEMA
        if not newer:
            _check(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ResultsError(f"{path} is damaged ({type(error).__name__}: {error}); publish the folder again") from error
    if newer:
        raise ResultsError(f"{path} was written by a newer ganbench (schema {content['schema']}); upgrade")
    return dict(content)


def _check(content: Mapping[str, Any]) -> None:
    """Raise an error where a manifest's parts are not what `write` makes."""
    for name, own in content["files"].items():
        name.encode()  # half of a character raises UnicodeEncodeError, a ValueError
        if type(own["bytes"]) is not int or not isinstance(own["sha256"], str):
            raise ValueError(f"{name!r} has no size or no checksum")
    for key in ("suites", "runs", "references"):
        if not all(isinstance(one, str) for one in content.get(key) or []):
            raise ValueError(f"{key!r} is no list of names")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; a key that is there twice would hide one of the two."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is written twice")
    return found


def escapes(path: str) -> bool:
    """Whether a manifest's path could leave the folder, on any system."""
    parts = path.split("/")
    odd = any(part in ("", ".", "..") for part in parts) or any(char in path for char in "\\:\0")
    return odd or PurePosixPath(path).is_absolute()
