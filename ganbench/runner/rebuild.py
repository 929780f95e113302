"""A run set up again from its record: the spec read as strictly as a suite, and why its id may be another."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench.errors import UsageError
from ganbench.files import canonical
from ganbench.registry.choice import Choice, Kind
from ganbench.registry.registry import Registry
from ganbench.results.records import AnyRecord, leaf_text, unequal_leaves
from ganbench.suite import expand
from ganbench.suite import load as suites
from ganbench.suite.fields import EVALUATION, block_values
from ganbench.suite.specs import PROTOCOL, EvaluationSpec, ReferenceSpec, RunSpec
from ganbench.suite.yaml import Problems, parse

SHIPPED = "ganbench"
"""The distribution whose plugins need no --plugin."""


def rebuilt(record: AnyRecord, registry: Registry, weights: Path | None = None) -> RunSpec | ReferenceSpec:
    """The spec that a record holds, with today's plugins behind its names.

    `weights` is a weight file for an extractor that takes one. Raises `UsageError` where the spec
    is not whole, or names a plugin, a hyperparameter or a setting that there is not.
    """
    try:
        spec = record.spec.resolved()
        return _reference(spec, registry, weights) if "reference" in spec else _run(spec, registry, weights)
    except UsageError as error:
        hint = "".join(f"\n  {text}" for text in _needed(record, registry))
        raise UsageError(f"run {record.id} cannot be set up again: {error}{hint}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"run {record.id} cannot be set up again: its spec is not whole ({error!r})") from error


def _run(spec: Mapping[str, Any], registry: Registry, weights: Path | None) -> RunSpec:
    """A suite of this one combination and seed, through the suite's own reading and expansion."""
    judges = {"extractor": _named(spec["evaluation"]["extractor"])}
    metrics = [_named(metric) for metric in spec["evaluation"]["metrics"]]
    content = {
        "losses": [_named(spec["loss"])],
        "architectures": [_named(spec["architecture"])],
        "datasets": [_named(spec["dataset"])],
        "seeds": [spec["seed"]],
        "train": spec["train"],
        "evaluation": {**spec["evaluation"], **judges, **({"metrics": metrics} if metrics else {})},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.yaml"
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
        suite = suites.adjusted(suites.load(path), weights=weights)
    plan = expand.expand(suite, registry)
    if not plan.cells:
        raise UsageError("; ".join(skip.reason for skip in plan.skipped))
    (cell,) = plan.cells
    return cell.run(cell.seeds[0])


def _reference(spec: Mapping[str, Any], registry: Registry, weights: Path | None) -> ReferenceSpec:
    if spec["reference"] not in expand.REFERENCES:
        raise UsageError(f"unknown reference {spec['reference']!r}; known: {', '.join(expand.REFERENCES)}")
    written = {key: value for key, value in spec["evaluation"].items() if key not in expand.JUDGES}
    problems = Problems("spec")
    values = block_values(parse(json.dumps(written), problems), EVALUATION, "evaluation", problems)
    problems.check()
    own = spec["evaluation"]
    extractor = _choice("extractor", own["extractor"], registry, weights)
    metrics = tuple(_choice("metric", metric, registry, None) for metric in own["metrics"])
    judged = replace(EvaluationSpec(**values), extractor=extractor, metrics=metrics)
    return ReferenceSpec(spec["reference"], _choice("dataset", spec["dataset"], registry, None), judged)


def _choice(kind: Kind, named: Mapping[str, Any], registry: Registry, weights: Path | None) -> Choice:
    params = dict(named["params"])
    if weights and registry.accepts(kind, named["name"], "weights"):
        params["weights"] = str(weights)
    return registry.choose(kind, named["name"], params)


def _named(choice: Mapping[str, Any]) -> dict[str, Any]:
    return {choice["name"]: dict(choice["params"])}


def _needed(record: AnyRecord, registry: Registry) -> Iterator[str]:
    """Which distributions or files the record's plugins came from, where there are none of that name here."""
    for key, plugin in record.provenance.plugins.items():
        kind, _, name = key.partition(":")
        if registry.trouble(kind, name) and plugin.distribution != SHIPPED:  # type: ignore[arg-type]
            where = plugin.distribution
            how = f"give it with --plugin {where}" if where.endswith(".py") else f"install {where} {plugin.version}"
            yield f"{kind} {name!r} came from {where} (code {plugin.code}): {how}"


def differences(record: AnyRecord, spec: RunSpec | ReferenceSpec) -> list[str]:
    """Why a spec that was rebuilt from a record has another id than the record; empty where it has the same."""
    if spec.id == record.id:
        return []
    found = [
        f"{key} is {leaf_text(there)} in the record and {leaf_text(here)} here"
        for key, there, here in unequal_leaves(record.stored_spec, canonical(spec.resolved()))
    ]
    codes = spec.code()
    for key, code in record.provenance.codes().items():
        if code != codes.get(key):
            found.append(f"{key}: the record's code version is {code}, here it is {codes.get(key)}")
    protocol = PROTOCOL if record.provenance.protocol is None else record.provenance.protocol
    if protocol != PROTOCOL:
        found.append(f"the record's protocol version is {protocol}, this ganbench's is {PROTOCOL}")
    if not found and not record.provenance.codes():
        found.append("the record states no code versions, and with today's the id is another")
    return found or ["the id is not the one that its own spec, code versions and protocol give"]
