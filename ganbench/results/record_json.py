"""`record.json`: its shape on disk, decoding with validation, encoding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from ganbench.files import canonical
from ganbench.registry.choice import Choice
from ganbench.results.records import (
    AnyRecord,
    Cost,
    Evaluation,
    Failure,
    Film,
    Finding,
    Histogram,
    Neighbors,
    ProtocolCard,
    Provenance,
    Record,
    ReferenceRecord,
    Snapshot,
    Status,
    Verdict,
)
from ganbench.suite.specs import ReferenceSpec, RunSpec

SCHEMA = 2
"""Raised when the meaning of a key changes. Schema 1 has no `failure`, and cards without `score`."""
T = TypeVar("T")


class Newer(ValueError):
    """A file that was written by a newer ganbench; holds its schema."""

    def __init__(self, schema: int) -> None:
        super().__init__(f"schema {schema}, this one reads {SCHEMA}")
        self.schema = schema


@dataclass(frozen=True)
class RunFile:
    """`runs/<id>/record.json`."""

    schema: int
    id: str
    suite: str
    spec: RunSpec
    status: Status
    metrics: Mapping[str, float]
    cards: Mapping[str, ProtocolCard]
    provenance: Provenance
    reason: str = ""
    failure: Failure | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    verdict: Verdict | None = None
    histogram: Histogram | None = None
    snapshots: tuple[Snapshot, ...] = ()
    cost: Cost = field(default_factory=Cost)
    signals: Mapping[str, float | None] = field(default_factory=dict)
    diagnosis: tuple[Finding, ...] | None = None
    film: Film | None = None
    neighbours: Neighbors | None = None
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReferenceFile:
    """`references/<id>/record.json`."""

    schema: int
    id: str
    spec: ReferenceSpec
    status: Status
    metrics: Mapping[str, float]
    cards: Mapping[str, ProtocolCard]
    samples: int
    notes: tuple[str, ...]
    provenance: Provenance
    suite: None = None
    reason: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    verdict: Verdict | None = None
    histogram: Histogram | None = None
    film: None = None
    neighbours: Neighbors | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def decode_run(content: bytes) -> Record:
    """A run's record from JSON. Raises `ValueError` with the JSON path of what is wrong, `Newer` for a newer schema."""
    raw = _raw(content)
    file = _converted(raw, RunFile)
    evaluation = _evaluation(file, file.snapshots)
    _require((file.failure is None) == (file.status == "ok"), "$.failure", "does not agree with the status")
    _require(file.failure is None or file.failure.kind == file.status, "$.failure.kind", "is not the status")
    codes = file.provenance.codes()
    spec = replace(
        file.spec,
        loss=_coded("loss", file.spec.loss, codes),
        architecture=_coded("architecture", file.spec.architecture, codes),
        dataset=_coded("dataset", file.spec.dataset, codes),
    )
    return Record(
        id=file.id, suite=file.suite, spec=spec, failure=file.failure, evaluation=evaluation, cost=file.cost,
        signals=file.signals, diagnosis=file.diagnosis, provenance=file.provenance, film=file.film,
        neighbors=file.neighbours, files=file.files, stored_spec=canonical(raw["spec"]),
    )  # fmt: skip


def decode_reference(content: bytes) -> ReferenceRecord:
    """A reference's record from JSON. Raises as `decode_run` does."""
    raw = _raw(content)
    file = _converted(raw, ReferenceFile)
    return ReferenceRecord(
        id=file.id, spec=file.spec, evaluation=_evaluation(file, ()), samples=file.samples, notes=file.notes,
        provenance=file.provenance, neighbors=file.neighbours, files=file.files, stored_spec=canonical(raw["spec"]),
    )  # fmt: skip


def encode(record: AnyRecord) -> bytes:
    """The record as `record.json`. Raises `ValueError` if a number is not finite."""
    import json

    return (json.dumps(plain(record), indent=1, allow_nan=False) + "\n").encode()


def plain(record: AnyRecord) -> dict[str, Any]:
    """The record as plain data, in the order of the keys of `record.json`."""
    evaluation = record.evaluation
    content: dict[str, object] = {
        "schema": SCHEMA,
        "id": record.id,
        "suite": record.suite if isinstance(record, Record) else None,
        "spec": record.spec.resolved(),
        "status": record.status,
        "reason": record.reason,
    }
    if isinstance(record, Record):
        content["failure"] = _builtins(record.failure)
    content |= {
        "metrics": dict(evaluation.metrics),
        "cards": {name: card.plain() for name, card in evaluation.cards.items()},
        **({"missing": dict(evaluation.missing)} if evaluation.missing else {}),
        "verdict": _builtins(evaluation.verdict),
        "histogram": _builtins(evaluation.histogram),
    }
    if isinstance(record, Record):
        content |= {
            "snapshots": _builtins(evaluation.snapshots),
            "cost": _builtins(record.cost),
            "signals": dict(record.signals),
            "diagnosis": _builtins(record.diagnosis),
        }
    else:
        content |= {"samples": record.samples, "notes": list(record.notes)}
    content |= {
        "provenance": known_facts(record.provenance),
        "film": _builtins(record.film),
        "neighbours": _builtins(record.neighbors),
    }
    return {**content, "files": dict(record.files)}


def _builtins(value: object) -> object:
    return msgspec.to_builtins(value)


def known_facts(provenance: Provenance) -> dict[str, object]:
    """The provenance without unknown facts; only the revision stays as None if the rest is known."""
    found: dict[str, object] = msgspec.to_builtins(provenance)
    made_up = {"libraries", "plugins"}
    return {
        key: value
        for key, value in found.items()
        if (value is not None and not (key in made_up and not value)) or (key == "revision" and provenance.python)
    }


def _raw(content: bytes) -> dict[str, Any]:
    """The JSON as plain data, upgraded to the current schema."""
    raw = msgspec.json.decode(content)
    _require(isinstance(raw, dict), "$", "is not an object")
    schema = raw.get("schema")
    _require(isinstance(schema, int) and not isinstance(schema, bool), "$.schema", "is not a number")
    if schema > SCHEMA:
        raise Newer(schema)
    return _upgraded(raw) if schema < SCHEMA else raw


def _upgraded(raw: dict[str, Any]) -> dict[str, Any]:
    """A record of schema 1 as one of schema 2: its failure from its reason, the scores' names from their labels."""
    found = {key: value for key, value in raw.items() if value is not None}
    status = found.get("status", "ok")
    if status != "ok" and isinstance(found.get("reason", ""), str):
        found["failure"] = _failure_from_reason(status, found.get("reason", ""))
    cards = found.get("cards")
    if isinstance(cards, dict):
        found["cards"] = {label: _with_score(label, card) for label, card in cards.items()}
    return found


def _failure_from_reason(status: object, reason: str) -> dict[str, object]:
    """The parts of a failure's text: schema 1 held nothing else."""
    match = re.match(r"(.*?)(?: (at|after) step (\d+))?$", reason, re.DOTALL)
    limit = re.search(r"it ran longer than ([\d.]+) s", reason) if status == "timeout" else None
    assert match is not None
    message, when, step = match.groups()
    return {
        "kind": status,
        "message": message,
        "step": int(step) if step else None,
        "after": when == "after",
        "limit_seconds": float(limit[1]) if limit else None,
    }


def _with_score(label: str, card: object) -> object:
    """A card with its score's own name, which is its label without the extractor."""
    if not isinstance(card, dict) or "score" in card:
        return card
    extractor = card.get("extractor")
    suffix = f"[{extractor.get('name')}]" if isinstance(extractor, dict) else ""
    return {**card, "score": label.removesuffix(suffix) if suffix else label}


def _converted(raw: dict[str, object], kind: type[T]) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        text, at, place = str(error).rpartition(" - at ")
        raise ValueError(f"{place.strip('`')}: {text}" if at else f"$: {error}") from error


def _evaluation(file: RunFile | ReferenceFile, snapshots: tuple[Snapshot, ...]) -> Evaluation:
    for name in file.metrics:
        _require(name in file.cards, f"$.metrics.{name}", "has no card")
    found = file.histogram
    if found is not None and found.real is not None:
        _require(len(found.real) == len(found.fake), "$.histogram.real", "has another number of modes than fake")
    return Evaluation(file.metrics, file.cards, file.verdict, found, snapshots, file.missing)


def _coded(kind: str, choice: Choice, codes: Mapping[str, str]) -> Choice:
    """A choice with the code version that the record holds for it."""
    return replace(choice, code=codes.get(f"{kind}:{choice.name}", ""))


def _require(holds: bool, place: str, what: str) -> None:
    if not holds:
        raise ValueError(f"{place}: {what}")
