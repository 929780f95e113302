"""`record.json` and `scores/<evaluation>.json`: their shape on disk, decoding with validation, encoding."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from ganbench.files import SEAL, canonical, check_seal, sealed
from ganbench.registry.choice import Choice, plugin_key
from ganbench.registry.schedules import Schedule, is_schedule, read_schedule
from ganbench.results import schema_1, schema_2
from ganbench.results.fragments import Parts, joined, parts, shared
from ganbench.results.record_files import ReferenceFile, RunFile, ScoresFile
from ganbench.results.records import AnyRecord, Evaluation, Provenance, Record, ReferenceRecord
from ganbench.results.run_files import WEIGHTS
from ganbench.suite.specs import RunSpec, resolved_evaluation

SCHEMA = 3
"""Raised when the meaning of a key changes. Schema 1 has one file for training and scores, and no seal; schemas 1 and 2
have a loss that is one plugin, and one optimizer for both players."""
TRAIN = "$.spec.train"
CHANGING = ("loss", "transforms")
"""Parts of a spec whose hyperparameters may follow a schedule."""
T = TypeVar("T")


class Newer(ValueError):
    """A file that was written by a newer ganbench; holds its schema."""

    def __init__(self, schema: int) -> None:
        super().__init__(f"schema {schema}, this one reads {SCHEMA}")
        self.schema = schema


@dataclass(frozen=True)
class Scores:
    """The content of a scores file: what it holds, and the canonical JSON of the evaluation."""

    file: ScoresFile
    stored_evaluation: str


def decode_run(content: bytes) -> Record:
    """A run's record from JSON, without scores; one of schema 1 has its scores.

    Raises `ValueError` with the JSON path of what is wrong, `Newer` for a newer schema.
    """
    found = _raw(content)
    raw, scores = schema_1.split(found.plain) if found.plain["schema"] == 1 else (found.plain, None)
    file = _converted({**raw, "spec": _current(raw, found.texts.get("spec.train", ""))}, RunFile)
    _require((file.failure is None) == (file.status == "ok"), "$.failure", "does not agree with the status")
    _require(file.failure is None or file.failure.kind == file.status, "$.failure.kind", "is not the status")
    texts = found.texts
    made_by = _shared_provenance(file.provenance, texts)
    spec = _shared_spec(file, texts, made_by.codes())
    stored_spec = texts["spec"] if raw is found.plain else canonical(raw["spec"])
    record = Record(
        id=file.id, suite=file.suite, spec=spec, failure=file.failure, cost=file.cost, signals=file.signals,
        diagnosis=file.diagnosis, provenance=made_by, film=file.film, neighbors=file.neighbours,
        shape=file.shape, class_counts=file.class_counts, class_rows=file.class_rows, files=file.files,
        stored_spec=stored_spec, one_identity=file.schema == 1,
    )  # fmt: skip
    if scores is None:
        return record
    return with_scores(record, Scores(_converted(scores, ScoresFile), canonical(scores["evaluation"])))


def _shared_spec(file: RunFile, texts: Mapping[str, str], codes: Mapping[str, str]) -> RunSpec:
    """The spec of a run with the code versions of its plugins; files with the same parts share them."""
    spec, schema, by = file.spec, str(file.schema), texts.get("provenance.plugins", "")

    def coded(key: str, kind: str, choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
        def make() -> tuple[Choice, ...]:
            found = tuple(_coded(kind, one, codes) for one in choices)
            return tuple(_changing(key, one) for one in found) if key in CHANGING else found

        return shared(make, key, schema, texts.get(f"spec.{key}", ""), by)

    (architecture,) = coded("architecture", "architecture", (spec.architecture,))
    (dataset,) = coded("dataset", "dataset", (spec.dataset,))
    return replace(
        spec, loss=coded("loss", "loss", spec.loss), transforms=coded("transforms", "transform", spec.transforms),
        architecture=architecture, dataset=dataset,
        train=shared(lambda: spec.train, "train", schema, texts.get("spec.train", "")),
    )  # fmt: skip


def decode_scores(content: bytes) -> Scores:
    """The scores of a run from JSON. Raises as `decode_run` does."""
    found = _raw(content)
    texts = found.texts
    file = _converted(found.plain, ScoresFile)
    schema, own = str(file.schema), file
    file = replace(
        file, provenance=_shared_provenance(file.provenance, texts),
        cards=shared(lambda: own.cards, "cards", schema, texts.get("cards", "")),
        evaluation=shared(lambda: own.evaluation, "evaluation", schema, texts["evaluation"]),
    )  # fmt: skip
    return Scores(file, texts["evaluation"])


def _shared_provenance(made: Provenance, texts: Mapping[str, str]) -> Provenance:
    """The provenance with the libraries and plugins that other files have too."""
    return replace(
        made,
        libraries=shared(lambda: made.libraries, "libraries", texts.get("provenance.libraries", "")),
        plugins=shared(lambda: made.plugins, "plugins", texts.get("provenance.plugins", "")),
    )


def belong(record: Record, scores: Scores) -> bool:
    """Whether scores were measured on the weights that the run's record names."""
    return scores.file.run == record.id and scores.file.weights == record.files.get(WEIGHTS)


def with_scores(record: Record, scores: Scores) -> Record:
    """A run's record under one of its evaluations. Raises `ValueError` if the scores do not agree with themselves."""
    file = scores.file
    evaluation = replace(
        _evaluation(file), snapshots=file.snapshots, failure=file.failure, noise=file.noise, step=file.step
    )
    return replace(
        record,
        spec=replace(record.spec, evaluation=file.evaluation),
        failure=record.failure or file.failure,
        evaluation=evaluation,
        evaluation_id=file.id,
        stored_evaluation=scores.stored_evaluation,
        scored_by=file.provenance,
    )


def decode_reference(content: bytes) -> ReferenceRecord:
    """A reference's record from JSON. Raises as `decode_run` does."""
    raw = _raw(content).plain
    file = _converted(schema_1.named(raw) if raw["schema"] == 1 else raw, ReferenceFile)
    return ReferenceRecord(
        id=file.id, spec=file.spec, evaluation=_evaluation(file), samples=file.samples, notes=file.notes,
        provenance=file.provenance, neighbors=file.neighbours, files=file.files, stored_spec=canonical(raw["spec"]),
    )  # fmt: skip


def encode(record: AnyRecord) -> bytes:
    """The record as `record.json`, sealed. Raises `ValueError` if a number is not finite."""
    return _bytes(_run_plain(record) if isinstance(record, Record) else _reference_plain(record))


def encode_scores(record: Record) -> bytes:
    """The scores of a record as `scores/<evaluation>.json`, sealed. Raises as `encode` does."""
    return _bytes(_scores_plain(record))


def _bytes(content: Mapping[str, object]) -> bytes:
    return (json.dumps(sealed(content), indent=1, allow_nan=False) + "\n").encode()


def plain(record: AnyRecord) -> dict[str, Any]:
    """The record as plain data: what its files hold, with a run's scores in one object with its training."""
    if isinstance(record, ReferenceRecord):
        return _reference_plain(record)
    found = _run_plain(record)
    if record.evaluation_id is None:
        return found
    scores = _scores_plain(record)
    spec = {**found["spec"], "evaluation": scores["evaluation"]}
    own = {"status": record.status, "reason": record.reason, "failure": _builtins(record.failure)}
    measured = {key: value for key, value in scores.items() if key not in ("schema", "id", "run", "failure")}
    scored_by = measured.pop("provenance")
    del measured["evaluation"]
    return {**found, "spec": spec, **own, "evaluation_id": record.evaluation_id, **measured, "scored_by": scored_by}


def _run_plain(record: Record) -> dict[str, Any]:
    failure = record.training_failure
    return {
        "schema": SCHEMA,
        "id": record.id,
        "suite": record.suite,
        "spec": record.spec.resolved(),
        "status": record.training_status,
        "reason": "" if failure is None else failure.text,
        "failure": _builtins(failure),
        "cost": _builtins(record.cost),
        "signals": dict(record.signals),
        "diagnosis": _builtins(record.diagnosis),
        "provenance": known_facts(record.provenance),
        "film": _builtins(record.film),
        "neighbours": _builtins(record.neighbors),
        **({"shape": list(record.shape)} if record.shape else {}),
        **({"class_counts": list(record.class_counts)} if record.class_counts else {}),
        **({"class_rows": list(record.class_rows)} if record.class_rows else {}),
        "files": dict(record.files),
    }


def _scores_plain(record: Record) -> dict[str, Any]:
    evaluation = record.evaluation
    return {
        "schema": SCHEMA,
        "id": record.evaluation_id,
        "run": record.id,
        "evaluation": resolved_evaluation(record.spec.evaluation),
        "weights": record.files.get(WEIGHTS),
        "failure": _builtins(evaluation.failure),
        **_evaluation_plain(evaluation),
        **({} if evaluation.step is None else {"step": evaluation.step}),
        **({"noise": dict(evaluation.noise)} if evaluation.noise else {}),
        "snapshots": _builtins(evaluation.snapshots),
        "provenance": known_facts(record.scored_by),
    }


def _reference_plain(record: ReferenceRecord) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "id": record.id,
        "suite": None,
        "spec": record.spec.resolved(),
        "status": record.status,
        "reason": record.reason,
        **_evaluation_plain(record.evaluation),
        "samples": record.samples,
        "notes": list(record.notes),
        "provenance": known_facts(record.provenance),
        "film": None,
        "neighbours": _builtins(record.neighbors),
        "files": dict(record.files),
    }


def _evaluation_plain(evaluation: Evaluation) -> dict[str, object]:
    """What is measured on any samples, in the order of the keys."""
    return {
        "metrics": dict(evaluation.metrics),
        "cards": {name: card.plain() for name, card in evaluation.cards.items()},
        **({"missing": dict(evaluation.missing)} if evaluation.missing else {}),
        **({"not_applicable": dict(evaluation.not_applicable)} if evaluation.not_applicable else {}),
        "verdict": _builtins(evaluation.verdict),
        "histogram": _builtins(evaluation.histogram),
        "at_reference_counts": _builtins(evaluation.at_reference_counts),
    }


def _builtins(value: object) -> object:
    return msgspec.to_builtins(value)


def known_facts(provenance: Provenance) -> dict[str, object]:
    """The provenance without unknown facts; only the revision stays as None if the rest is known."""
    found: dict[str, object] = msgspec.to_builtins(provenance)
    made_up = {"libraries", "plugins", "attempts"}
    return {
        key: value
        for key, value in found.items()
        if (value is not None and not (key in made_up and not value)) or (key == "revision" and provenance.python)
    }


def _raw(content: bytes) -> Parts:
    """The JSON as plain data, its schema and its seal checked."""
    _require(content.lstrip()[:1] == b"{", "$", "is not an object")
    found = parts(content)
    schema: Any = found.plain.get("schema")
    _require(isinstance(schema, int) and not isinstance(schema, bool), "$.schema", "is not a number")
    if schema > SCHEMA:
        raise Newer(schema)
    if schema > 1:
        check_seal(found.plain, joined({key: text for key, text in found.own.items() if key != SEAL}))
    return found


def _converted(raw: dict[str, object], kind: type[T]) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        text, at, place = str(error).rpartition(" - at ")
        raise ValueError(f"{place.strip('`')}: {text}" if at else f"$: {error}") from error


def _evaluation(file: ScoresFile | ReferenceFile) -> Evaluation:
    for name in file.metrics:
        _require(name in file.cards, f"$.metrics.{name}", "has no card")
    found = file.histogram
    if found is not None and found.real is not None:
        _require(len(found.real) == len(found.fake), "$.histogram.real", "has another number of modes than fake")
    return Evaluation(
        file.metrics, file.cards, file.verdict, found, missing=file.missing, not_applicable=file.not_applicable,
        at_reference_counts=file.at_reference_counts,
    )  # fmt: skip


def _current(raw: Mapping[str, Any], text: str) -> object:
    """The spec of a run's record with today's keys; `text` is the canonical JSON of its settings."""
    spec = schema_2.spec(raw["spec"]) if raw["schema"] < SCHEMA and "spec" in raw else raw.get("spec")
    train = spec.get("train") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not train:
        return spec
    return {**spec, "train": _settings(text) if train is raw["spec"].get("train") else _schedules(train, TRAIN)}


@lru_cache(256)
def _settings(text: str) -> object:
    return _schedules(msgspec.json.decode(text), TRAIN)


def _schedules(value: object, place: str) -> object:
    """Settings whose schedules have the names of their fields. Raises `ValueError` for one that is none."""
    if is_schedule(value):
        assert isinstance(value, dict)
        return vars(_schedule(value, place))
    if isinstance(value, dict):
        return {key: _schedules(one, f"{place}.{key}") for key, one in value.items()}
    return [_schedules(one, place) for one in value] if isinstance(value, list) else value


def _schedule(value: Mapping[str, Any], place: str) -> Schedule:
    try:
        return read_schedule(value)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error


def _changing(key: str, choice: Choice) -> Choice:
    """A choice whose schedules are read."""
    place = f"$.spec.{key}.{choice.name}"
    params = {
        name: _schedule(value, f"{place}.{name}") if is_schedule(value) else value
        for name, value in choice.params.items()
    }
    return replace(choice, params=params)


def _coded(kind: str, choice: Choice, codes: Mapping[str, str]) -> Choice:
    """A choice with the code version that the record holds for it."""
    return replace(choice, code=codes.get(plugin_key(kind, choice.name), ""))


def _require(holds: bool, place: str, what: str) -> None:
    if not holds:
        raise ValueError(f"{place}: {what}")
