"""Rebuilds a run's spec from its record, and explains why its id may differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganbench.errors import UsageError
from ganbench.files import canonical
from ganbench.registry.choice import Kind
from ganbench.registry.registry import Registry
from ganbench.results import schema_2
from ganbench.results.identity import comparable_spec, leaf_text, unequal_leaves
from ganbench.results.records import AnyRecord, Record, ReferenceRecord
from ganbench.suite.contents import Contents
from ganbench.suite.from_plain import reference_spec, run_spec
from ganbench.suite.specs import (
    EVALUATION_PROTOCOL,
    PROTOCOL,
    ReferenceSpec,
    RunSpec,
    codes_of,
    resolved_evaluation,
)

SHIPPED = "ganbench"
"""The distribution whose plugins are always installed."""


def rebuilt(record: AnyRecord, registry: Registry, weights: Path | None = None) -> RunSpec | ReferenceSpec:
    """The spec that a record holds, with today's plugins behind its names.

    `weights` is a weight file for an extractor that takes one. Raises `UsageError` if the spec is incomplete, or
    names a plugin, a hyperparameter or a setting that does not exist.
    """
    try:
        plain: Any = schema_2.spec(json.loads(record.stored_spec)) if record.stored_spec else record.spec.resolved()
        _refuse_places(plain, registry)
        contents = Contents(registry)
        if isinstance(record, ReferenceRecord):
            return contents.reference(reference_spec(plain, registry, weights))
        if record.stored_evaluation:
            plain |= {"evaluation": json.loads(record.stored_evaluation)}
            _refuse_places(plain, registry)
        return contents.run(run_spec(plain, registry, weights))
    except UsageError as error:
        hint = "".join(f"\n  {text}" for text in came_from(record, registry))
        raise UsageError(f"run {record.id} cannot be rebuilt: {error}{hint}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"run {record.id} cannot be rebuilt: its spec is incomplete ({error!r})") from error


def _refuse_places(plain: Mapping[str, Any], registry: Registry) -> None:
    """Raise `UsageError` if a spec says where data are: records hold no folders, files and downloads.

    One that does was not written by ganbench, and would read files of whoever replays it.
    """
    evaluation = plain.get("evaluation", {})
    named: list[tuple[Kind, Any]] = [
        *(("loss", part) for part in plain.get("loss", ())),
        *(("transform", one) for one in plain.get("transforms", ())),
        *((kind, plain[kind]) for kind in ("architecture", "dataset") if kind in plain),
        *(("extractor", evaluation[key]) for key in ("extractor",) if key in evaluation),
        *(("metric", one) for one in evaluation.get("metrics", ())),
    ]
    for kind, one in named:
        found = registry.places(kind, one["name"]) & one["params"].keys()
        if found:
            raise UsageError(
                f"its {kind} {one['name']!r} has {min(found)!r}, a place on a machine, which no record holds"
            )


def check_repeatable(record: AnyRecord) -> None:
    """Raise `UsageError` for a run of the first schema: its one id covers training and evaluation as they were then."""
    if isinstance(record, Record) and record.one_identity:
        raise UsageError(
            f"run {record.id} cannot be repeated: its record has schema 1, and random numbers and ids "
            "have changed since; run its suite again, or try it nevertheless with --anyway"
        )


def came_from(record: AnyRecord, registry: Registry, *only: Kind) -> Iterator[str]:
    """The distributions or files that the record's missing plugins came from; `only` those of some kinds."""
    for key, plugin in record.plugins.items():
        kind, _, name = key.partition(":")
        if only and kind not in only:
            continue
        if registry.problem_with(kind, name) and plugin.distribution != SHIPPED:  # type: ignore[arg-type]
            where = plugin.distribution
            how = f"give it with --plugin {where}" if where.endswith(".py") else f"install {where} {plugin.version}"
            yield f"{kind} {name!r} came from {where} (code {plugin.code}): {how}"


def differences(record: AnyRecord, spec: RunSpec | ReferenceSpec) -> list[str]:
    """Why a spec that was rebuilt from a record has other ids than the record; empty if it has the same."""
    if spec.id == record.id:
        return _evaluation_differences(record, spec)
    found = _other_leaves("", comparable_spec(record), spec.resolved())
    found += _other_codes(record.provenance.codes(), spec.code())
    own = PROTOCOL if isinstance(record, Record) else EVALUATION_PROTOCOL
    protocol = own if record.provenance.protocol is None else record.provenance.protocol
    if protocol != own:
        found.append(f"the record's protocol version is {protocol}, this ganbench's is {own}")
    if not found and not record.provenance.codes():
        found.append("the record holds no code versions, and today's give another id")
    return found or ["the id is not the one that its own spec, code versions and protocol give"]


def _other_leaves(prefix: str, stored: str, now: object) -> list[str]:
    """In what a record's plain data differ from today's."""
    return [
        f"{prefix}{key} is {leaf_text(there)} in the record and {leaf_text(here)} here"
        for key, there, here in unequal_leaves(stored, canonical(now))
    ]


def _other_codes(recorded: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The plugins whose code versions differ from today's."""
    return [
        f"{key}: the record's code version is {code}, here it is {now.get(key)}"
        for key, code in recorded.items()
        if code != now.get(key)
    ]


def _evaluation_differences(record: AnyRecord, spec: RunSpec | ReferenceSpec) -> list[str]:
    """Why the same training is evaluated in another way here."""
    if not isinstance(record, Record) or not isinstance(spec, RunSpec) or not record.stored_evaluation:
        return []
    if record.one_identity or record.evaluation_id == spec.evaluation.id:
        return []
    found = _other_leaves("evaluation.", record.stored_evaluation, resolved_evaluation(spec.evaluation))
    found += _other_codes(record.scored_by.codes(), codes_of(spec.evaluation.choices()))
    return found or ["the evaluation has another id here, for a reason that the record does not hold"]
