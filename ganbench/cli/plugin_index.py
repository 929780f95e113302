"""Caches what `ganbench list` shows, so that it need not import every plugin and torch."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ganbench.errors import GanbenchError, describe_error
from ganbench.files import (
    cache_folder,
    check_seal,
    digest,
    extractors_folder,
    read_file,
    sealed,
    set_aside,
    write_atomically,
)
from ganbench.registry.discovery import DISABLE, FILES, HOOKS, Offer
from ganbench.registry.local_modules import GROUP
from ganbench.registry.registry import Registry

Row = dict[str, Any]


def rows(files: tuple[Path, ...] = ()) -> tuple[list[Row], dict[str, str]]:
    """Everything that installed plugins and named files register, and the broken plugins with the reason.

    Cached under a hash of the entry points, their versions, and the names, sizes and times of all
    files in their packages and in the folder of trained extractors. Nothing is cached if files are
    named, or while a plugin is broken, because a fix may change none of these.
    """
    path = cache_folder() / "catalogue" / f"{_state()}.json"
    if not files:
        found = _read(path)
        if found is not None:
            return found, {}
    registry = Registry.load(files)
    broken = registry.broken()
    offers = [offer for kind in HOOKS for same in registry.offers(kind).values() for offer in same]
    found = json.loads(json.dumps([_row(offer) for offer in offers]))
    if not files and not broken:
        with suppress(OSError):  # without a cache everything still works
            write_atomically(path, json.dumps(sealed({"rows": found})).encode())
    return found, broken


def _read(path: Path) -> list[Row] | None:
    """The rows that are cached; None if there are none, or if they cannot be read, and the file is set aside."""
    try:
        content = json.loads(read_file(path))
        check_seal(content)
        rows: list[Row] = content["rows"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        set_aside(path, describe_error(error))
        return None
    return rows


def _row(offer: Offer) -> Row:
    defaults = offer.defaults()
    return {
        "kind": offer.kind,
        "name": offer.name,
        "about": _about(offer),
        "hyperparameters": {key: None if value is dataclasses.MISSING else value for key, value in defaults.items()},
        "needed": [key for key, value in defaults.items() if value is dataclasses.MISSING],
        "distribution": offer.source.distribution,
        "version": offer.source.version,
        "source": str(offer.source),
    }


def _about(offer: Offer) -> str:
    if offer.kind not in FILES:
        return offer.about
    from ganbench.results import literature
    from ganbench.suite import load

    try:
        return load.load(offer.thing).about if offer.kind == "suite" else literature.load(offer.thing)[0]
    except GanbenchError as error:
        return f"(broken: {error})"


def _state() -> str:
    """A hash that changes with whatever may change the list."""
    state: list[object] = [platform.python_version(), os.environ.get(DISABLE, "")]
    for point in importlib.metadata.entry_points(group=GROUP):
        known = (point.dist.name, point.dist.version) if point.dist else ()
        state.append([point.name, point.value, *known, *_files(point.module.partition(".")[0])])
    state.append(list(_files("ganbench")))
    state.append(list(_facts(sorted(extractors_folder().glob("*")))))
    return digest(sorted(map(str, state)))


def _files(package: str) -> Iterator[str]:
    """Every source file of a top-level package, with size and time, without importing it."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".yaml", ".yml")]
    yield from _facts(files or ([Path(spec.origin)] if spec.origin else []))


def _facts(files: Iterable[Path]) -> Iterator[str]:
    """The name, size and time of each file."""
    for path in files:
        facts = path.stat()
        yield f"{path} {facts.st_size} {facts.st_mtime_ns}"
