"""A record's id, computed again from the record alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ganbench.files import digest
from ganbench.results.store import Record
from ganbench.suite.specs import PROTOCOL


def named(spec: Mapping[str, Any]) -> list[str]:
    """Every plugin that a record's spec names, as `kind:name`; raises `KeyError` where the spec lacks one."""
    evaluation = spec["evaluation"]
    kinds = ("dataset",) if "reference" in spec else ("loss", "architecture", "dataset")
    keys = [f"{kind}:{spec[kind]['name']}" for kind in kinds]
    keys.append(f"extractor:{evaluation['extractor']['name']}")
    return keys + [f"metric:{metric['name']}" for metric in evaluation["metrics"]]


def codes(record: Record) -> dict[str, str]:
    """The code versions that a record states, by `kind:name`; a failed run and a reference state none."""
    return {key: plugin["code"] for key, plugin in stated(record).get("plugins", {}).items()}


def stated(record: Record) -> dict[str, Any]:
    """A record's provenance, empty where it has none."""
    found: dict[str, Any] = record.get("provenance") or {}
    return found


def device(records: Iterable[Record]) -> str:
    """The device that made all of the records, or that there are several; nothing where none is stated."""
    found = {stated(record).get("device") for record in records} - {None}
    return "several devices" if len(found) > 1 else "".join(map(str, found))


def agreed(records: Iterable[Record]) -> dict[str, str]:
    """The code versions that all of the records that state one agree on."""
    found: dict[str, set[str]] = {}
    for record in records:
        for key, code in codes(record).items():
            found.setdefault(key, set()).add(code)
    return {key: next(iter(versions)) for key, versions in found.items() if len(versions) == 1}


def recomputed(record: Record, elsewhere: Mapping[str, str] = {}) -> str | None:
    """The id that a record's spec, code versions and protocol give, or None where a version is not known.

    Code versions that the record does not state are taken from `elsewhere`; a protocol that it does
    not state is this ganbench's.
    """
    try:
        keys = named(record["spec"])
        known = {**elsewhere, **codes(record)}
        protocol = stated(record).get("protocol", PROTOCOL)
        return digest({"spec": record["spec"], "code": {key: known[key] for key in keys}, "protocol": protocol})
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def unequal(a: Any, b: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Leaves in which two specs differ, with their place."""
    if isinstance(a, dict) and isinstance(b, dict):
        for name in dict.fromkeys([*a, *b]):
            yield from unequal(a.get(name, ...), b.get(name, ...), f"{key}.{name}" if key else name)
    elif a != b:
        yield key, a, b


def shown(value: Any) -> str:
    """A leaf of a spec in a sentence."""
    return "not there" if value is ... else json.dumps(value, ensure_ascii=False)
