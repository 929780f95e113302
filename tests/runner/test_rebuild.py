"""A spec rebuilt from its record: the same spec, or refused as a suite would be, and why an id differs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from factories import make_record, make_reference

from ganbench.errors import UsageError
from ganbench.files import canonical
from ganbench.registry.registry import Registry
from ganbench.results.records import AnyRecord, PluginOrigin, Provenance, Record
from ganbench.runner import rebuild
from ganbench.suite import load as suites
from ganbench.suite.contents import Contents
from ganbench.suite.expand import expand
from ganbench.suite.specs import (
    EVALUATION_PROTOCOL,
    PROTOCOL,
    Plan,
    ReferenceSpec,
    RunSpec,
    resolved_evaluation,
)


@pytest.fixture(scope="module")
def plan(registry: Registry) -> Plan:
    return Contents(registry).filled(expand(suites.load(registry.find("suite", "baseline").thing), registry))


def _record(spec: RunSpec | ReferenceSpec, **changes: Any) -> AnyRecord:
    plugins = {key: PluginOrigin("ganbench", "1", code, "") for key, code in spec.code().items()}
    known: dict[str, Any] = {
        "spec": spec,
        "stored_spec": canonical(spec.resolved()),
        "provenance": Provenance(plugins=plugins, protocol=PROTOCOL),
    }
    if isinstance(spec, ReferenceSpec):
        known["provenance"] = replace(known["provenance"], protocol=EVALUATION_PROTOCOL)
        return replace(make_reference(spec.id), **{**known, **changes})
    evaluation = spec.evaluation
    scorers = {
        f"{kind}:{choice.name}": PluginOrigin("ganbench", "1", choice.code, "") for kind, choice in evaluation.choices()
    }
    known["stored_evaluation"] = canonical(resolved_evaluation(evaluation))
    known["evaluation_id"] = evaluation.id
    known["scored_by"] = Provenance(plugins=scorers, protocol=EVALUATION_PROTOCOL)
    return replace(make_record(spec.id), **{**known, **changes})


def _edited(spec: RunSpec, *path: str | int, to: Any) -> AnyRecord:
    content: dict[str, Any] = {**spec.resolved(), "evaluation": resolved_evaluation(spec.evaluation)}
    place: Any = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    evaluation = canonical(content.pop("evaluation"))
    return _record(spec, stored_spec=canonical(content), stored_evaluation=evaluation)


def test_every_spec_of_a_suite_comes_back_from_its_record(plan: Plan, registry: Registry) -> None:
    specs: list[RunSpec | ReferenceSpec] = [
        *(cell.run(3) for cell in plan.cells),
        *(one.spec for one in plan.references),
    ]
    assert len(specs) == 17
    for spec in specs:
        record = _record(spec)
        again = rebuild.rebuilt(record, registry)
        assert again == spec
        assert rebuild.differences(record, again) == []


@pytest.mark.parametrize(
    ("path", "to", "reported"),
    [
        (("train", "stepz"), 5, "stepz"),
        (("train", "steps"), 0, "steps must be"),
        (("loss", 0, "name"), "nope", "unknown loss 'nope'"),
        (("loss", 0, "params"), {"weight": 1}, "no hyperparameter 'weight'"),
        (("dataset",), None, "incomplete"),
        (("evaluation", "metrics"), [{"name": "nope", "params": {}}], "unknown metric"),
        (("architecture",), {"name": "dcgan", "params": {}}, "convolutions need images"),
        (("seed",), "x", "seeds"),
    ],
)
def test_a_spec_that_cannot_be_run_is_refused(
    plan: Plan, registry: Registry, path: tuple[str | int, ...], to: Any, reported: str
) -> None:
    with pytest.raises(UsageError, match=reported):
        rebuild.rebuilt(_edited(plan.cells[0].spec, *path, to=to), registry)


def test_a_reference_that_does_not_exist_is_refused(plan: Plan, registry: Registry) -> None:
    spec = plan.references[0].spec
    for change, reported in (({"reference": "nope"}, "unknown reference 'nope'"), ({"dataset": None}, "incomplete")):
        with pytest.raises(UsageError, match=reported):
            rebuild.rebuilt(_record(spec, stored_spec=canonical({**spec.resolved(), **change})), registry)


def test_why_an_id_differs_is_explained(plan: Plan, registry: Registry) -> None:
    spec = plan.cells[0].spec
    steps = _edited(spec, "train", "steps", to=6000)
    assert rebuild.differences(steps, rebuild.rebuilt(steps, registry)) == [
        "the id is not the one that its own spec, code versions and protocol give"
    ]
    written = spec.resolved()
    del written["train"]["engine"]
    plugins = _record(spec).provenance.plugins
    plugins = {**plugins, "loss:minimax": replace(plugins["loss:minimax"], code="0")}
    provenance = Provenance(plugins=plugins, protocol=1)
    old = _record(spec, id="000000000000", stored_spec=json.dumps(written), provenance=provenance)
    assert rebuild.differences(old, rebuild.rebuilt(old, registry)) == [
        'train.engine is not there in the record and "auto" here',
        "loss:minimax: the record's code version is 0, here it is 1",
        f"the record's protocol version is 1, this ganbench's is {PROTOCOL}",
    ]
    other = _edited(spec, "evaluation", "samples", to=500)
    assert isinstance(other, Record)
    other = replace(other, evaluation_id="111111111111")
    assert rebuild.differences(other, spec) == ["evaluation.samples is 500 in the record and 10000 here"]
    failed = _record(spec, id="000000000000", provenance=Provenance())
    assert "holds no code versions" in rebuild.differences(failed, rebuild.rebuilt(failed, registry))[0]
