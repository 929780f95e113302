"""What identifies records: the ids that they give again, and in what two specs differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from ganbench.files import canonical, digest
from ganbench.results.records import AnyRecord, Record
from ganbench.suite.specs import EVALUATION_PROTOCOL, PROTOCOL, codes_of


def recomputed_id(record: AnyRecord, elsewhere: Mapping[str, str] = {}) -> str | None:
    """The id that a record's spec, code versions and protocol give, or None if a version is not known.

    Code versions that the record does not hold are taken from `elsewhere`, a missing protocol is this ganbench's.
    """
    spec = json.loads(record.stored_spec) if record.stored_spec else record.spec.resolved()
    kinds = record.spec.code()
    if isinstance(record, Record) and record.one_identity:
        spec["evaluation"] = json.loads(record.stored_evaluation)
        kinds = codes_of(record.spec.choices())
    own = PROTOCOL if isinstance(record, Record) else EVALUATION_PROTOCOL
    return _digest_of(
        "spec", spec, kinds, {**elsewhere, **record.provenance.codes()}, record.provenance.protocol or own
    )


def recomputed_evaluation_id(record: Record, elsewhere: Mapping[str, str] = {}) -> str | None:
    """The id that a record's evaluation, code versions and protocol give, or None if a version is not known."""
    kinds = codes_of(record.spec.evaluation.choices())
    known = {**elsewhere, **record.scored_by.codes()}
    protocol = record.scored_by.protocol or EVALUATION_PROTOCOL
    return _digest_of("evaluation", json.loads(record.stored_evaluation), kinds, known, protocol)


def _digest_of(name: str, content: object, kinds: Iterable[str], known: Mapping[str, str], protocol: int) -> str | None:
    """The id over a spec with the code versions of its plugins; None if one is not known."""
    keys = list(kinds)
    if any(key not in known for key in keys):
        return None
    return digest({name: content, "code": {key: known[key] for key in keys}, "protocol": protocol})


def agreed_codes(records: Iterable[AnyRecord]) -> dict[str, str]:
    """The code versions on which all records that hold one agree, by `kind:name`."""
    found: dict[str, set[str]] = {}
    for record in records:
        for key, plugin in record.plugins.items():
            found.setdefault(key, set()).add(plugin.code)
    return {key: next(iter(versions)) for key, versions in found.items() if len(versions) == 1}


def common_device(records: Iterable[AnyRecord]) -> str:
    """The device that made all of the records, `several devices`, or an empty text if none is known."""
    found = {record.provenance.device for record in records} - {None}
    return "several devices" if len(found) > 1 else "".join(map(str, found))


def comparable_spec(record: AnyRecord) -> str:
    """The spec as the record's file holds it; one of an earlier schema with today's keys and all defaults."""
    earlier = isinstance(record, Record) and not isinstance(json.loads(record.stored_spec or "{}").get("loss"), list)
    return canonical(record.spec.resolved()) if earlier else record.stored_spec


def unequal_leaves(a: str, b: str) -> list[tuple[str, object, object]]:
    """The leaves in which two JSON texts differ: (dotted place, value in a, value in b), `...` if there is none.

    Plugins in a list are told apart by their names: `loss.r1.params.gamma`.
    """

    def walk(x: object, y: object, key: str) -> Iterator[tuple[str, object, object]]:
        if isinstance(x, dict) and isinstance(y, dict):
            for name in dict.fromkeys([*x, *y]):
                yield from walk(x.get(name, ...), y.get(name, ...), f"{key}.{name}" if key else name)
        elif x != y:
            parts, others = by_name(x), by_name(y)
            if parts is None or others is None or _reordered(parts, others):
                yield key, x, y
            else:
                yield from walk(parts, others, key)

    return list(walk(json.loads(a), json.loads(b), ""))


def by_name(plugins: object) -> dict[str, dict[str, object]] | None:
    """Plugins in a list, as what each holds beside its name; None for anything else and for an empty list."""
    if not isinstance(plugins, list) or not all(isinstance(one, dict) and "name" in one for one in plugins):
        return None
    found = {str(one["name"]): {key: value for key, value in one.items() if key != "name"} for one in plugins}
    return found if found and len(found) == len(plugins) else None


def _reordered(parts: Mapping[str, object], others: Mapping[str, object]) -> bool:
    common = parts.keys() & others.keys()
    return [name for name in parts if name in common] != [name for name in others if name in common]


def leaf_text(value: object) -> str:
    """A leaf of a spec in a sentence."""
    return "not there" if value is ... else json.dumps(value, ensure_ascii=False)
