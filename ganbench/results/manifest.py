"""`manifest.json`: every file of a published folder with its checksum, and where its numbers come from."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import msgspec

from ganbench.errors import ResultsError, UsageError
from ganbench.files import canonical, read_file, write_atomically
from ganbench.results import provenance
from ganbench.results.records import Count, PluginOrigin, Provenance, Record
from ganbench.results.store import Store

NAME = "manifest.json"
SCHEMA = 1
"""Also raised whenever `summarize` changes for the same records: an older summary is not compared."""
OUTSIDE = (".git", ".lock")
"""Names at the top of the folder that are not part of it."""
MAX_BYTES = 64 << 20
"""A larger file is refused: ten thousand runs of six files each make twelve megabytes."""
T = TypeVar("T")


@dataclass(frozen=True)
class FileSum:
    """Size in bytes and SHA-256 of a file."""

    bytes: Count
    sha256: str


@dataclass(frozen=True)
class Publisher:
    """The ganbench that wrote a manifest, and its machine."""

    revision: str | None
    python: str | None
    libraries: Mapping[str, str]
    platform: str | None
    protocol: int | None


@dataclass(frozen=True)
class Environment:
    """A machine with its versions, and the number of records it made. What is not known is None."""

    cores: int | None = None
    device: str | None = None
    libraries: Mapping[str, str] | None = None
    platform: str | None = None
    processor: str | None = None
    python: str | None = None
    threads: int | None = None
    records: int = 0


FACTS = tuple(one.name for one in fields(Environment) if one.name != "records")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A summary of a folder's records."""

    suites: tuple[str, ...] = ()
    time: str | None = None
    protocols: tuple[int, ...] = ()
    revisions: tuple[str, ...] = ()
    publisher: Publisher | None = None
    environments: tuple[Environment, ...] = ()
    plugins: Mapping[str, tuple[PluginOrigin, ...]] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Manifest(Summary):
    """A summary of the records, and every file by its path. `facts` are the publisher's own."""

    schema: int
    facts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, FileSum]


def write(folder: Path, store: Store | None = None, facts: Mapping[str, str] = {}) -> None:
    """Write `manifest.json` for every file below a folder; `store` is the folder's store if it is open already.

    It holds no time of its own: the same folder gives the same bytes. Raises `UsageError` if the
    folder holds links or other special files, `ResultsError` if a record is damaged.
    """
    found = dict(entries(folder))
    special = sorted(path for path, mode in found.items() if not stat.S_ISREG(mode))
    if special:
        raise UsageError(
            f"{folder} contains links or special files ({', '.join(special[:3])}); a manifest can only list plain files"
        )
    files = {path: FileSum(*checksum(folder / path)) for path in sorted(found)}
    content = plain(Manifest(**vars(summarize(store or Store(folder))), schema=SCHEMA, facts=facts, files=files))
    write_atomically(folder / NAME, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def plain(manifest: Manifest) -> dict[str, object]:
    """The manifest as plain data, in the order of the keys of `manifest.json`."""
    content: dict[str, Any] = msgspec.to_builtins(manifest)
    known = [{key: value for key, value in one.items() if value is not None} for one in content["environments"]]
    order = ("schema", *(one.name for one in fields(Summary)), "facts", "files")
    return {key: content[key] for key in order} | {"environments": known}


def summarize(store: Store) -> Summary:
    """The summary of a folder's records. Raises `ResultsError` if one is damaged."""
    runs, references = store.all_runs(), store.all_references()
    made = [*(record.provenance for record in runs), *(record.provenance for record in references)]
    here = provenance.machine()
    times = [record.provenance.time for record in runs if record.provenance.time is not None]
    return Summary(
        suites=tuple(store.suites()),
        time=max(times, default=None),
        protocols=_distinct(record.provenance.protocol for record in runs),
        revisions=_distinct(one.revision for one in made),
        publisher=Publisher(here.revision, here.python, here.libraries, here.platform, here.protocol),
        environments=environments(runs),
        plugins=plugins(runs),
        statuses=dict(sorted(Counter(record.status for record in runs).items())),
        runs=tuple(record.id for record in runs),
        references=tuple(record.id for record in references),
    )


def environments(records: Iterable[Record]) -> tuple[Environment, ...]:
    """The machines and versions of records, each once, with how many of them it made."""
    made = [_environment(record.provenance) for record in records if record.provenance.python]
    counted = Counter(canonical(facts) for facts in made)
    return tuple(Environment(**json.loads(text), records=count) for text, count in sorted(counted.items()))


def _environment(made: Provenance) -> dict[str, object]:
    """What is known of a machine, as plain data."""
    facts = {name: getattr(made, name) for name in FACTS}
    return {name: value for name, value in facts.items() if value is not None and value != {}}


def plugins(records: Iterable[Record]) -> dict[str, tuple[PluginOrigin, ...]]:
    """Every plugin that records name, in each version and source that made some of them."""
    found: dict[str, list[PluginOrigin]] = {}
    for record in records:
        for key, plugin in record.plugins.items():
            found.setdefault(key, []).append(plugin)
    return {key: _distinct(found[key]) for key in sorted(found)}


def _distinct(values: Iterable[T | None]) -> tuple[T, ...]:
    """The values that are known, each once, ordered by their canonical JSON."""
    found = {canonical(msgspec.to_builtins(value)): value for value in values if value is not None}
    return tuple(found[text] for text in sorted(found))


def entries(folder: Path) -> Iterator[tuple[str, int]]:
    """Everything below a folder except folders: relative path and mode, links not followed."""
    for place, folders, files in os.walk(folder):
        inside = Path(place).relative_to(folder)
        if place == str(folder):
            folders[:] = [name for name in folders if name not in OUTSIDE]
            files = [name for name in files if name not in (*OUTSIDE, NAME)]
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in (*files, *links):
            yield (inside / name).as_posix(), (Path(place) / name).lstat().st_mode


def checksum(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file; a link is not followed."""
    flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_BINARY", "O_NONBLOCK"))
    descriptor = os.open(path, os.O_RDONLY | sum(flags))
    with os.fdopen(descriptor, "rb") as file:
        sha = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), sha


def read(path: Path) -> Manifest:
    """A manifest. Raises `ResultsError` if it is damaged or newer."""
    try:
        content = json.loads(read_file(path, MAX_BYTES).decode(), object_pairs_hook=_unique)
        newer = content["schema"] > SCHEMA
        found = None if newer else _decoded(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ResultsError(f"{path} is damaged ({type(error).__name__}: {error}); publish the folder again") from error
    if found is None:
        raise ResultsError(f"{path} was written by a newer ganbench (schema {content['schema']}); upgrade")
    return found


def _decoded(content: object) -> Manifest:
    found = msgspec.convert(content, Manifest)
    for name in found.files:
        name.encode()  # half of a surrogate pair raises UnicodeEncodeError, a ValueError
    return found


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object; of a key that is written twice, one would be hidden."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is written twice")
    return found


def escapes(path: str) -> bool:
    """Whether a manifest's path could leave the folder, on any system."""
    parts = path.split("/")
    odd = any(part in ("", ".", "..") for part in parts) or any(char in path for char in "\\:\0")
    return odd or PurePosixPath(path).is_absolute()
