"""Suites: strict reading, every default resolved, ids that mean something."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.registry.schedules import Schedule
from ganbench.suite.expand import expand
from ganbench.suite.load import adjusted, load
from ganbench.suite.specs import Plan

GOOD = """
losses: [minimax, {lsgan: {c: 0.1}}, {lsgan: {c: 1}}]
architectures: [mlp, dcgan]
datasets: [ring8, digits]
seeds: [0, 1, 5]
train: {steps: 3000, batch: 128, lr: 2e-3, betas: [0, 0.99], schedule: cosine}
evaluation: {samples: 5000}
overrides:
  - when: {dataset: digits}
    train: {lr: 1e-3, g: {lr: 5e-4}}
    seeds: 2
  - when: {dataset: digits, architecture: [mlp]}
    architecture: {width: 256}
"""


def _plan(tmp_path: Path, registry: Registry, text: str, **options: Any) -> Plan:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    return expand(adjusted(load(path), **options), registry)


def _problems(tmp_path: Path, registry: Registry, text: str, **options: Any) -> list[str]:
    with pytest.raises(UsageError) as caught:
        _plan(tmp_path, registry, text, **options)
    return str(caught.value).splitlines()


def test_the_product_is_expanded_with_overrides_in_order(tmp_path: Path, registry: Registry) -> None:
    plan = _plan(tmp_path, registry, GOOD)
    assert len(plan.cells) == 9
    assert {skip.texts[1:] for skip in plan.skipped} == {("dcgan", "ring8")}
    assert "images" in plan.skipped[0].reason
    cells = {cell.texts: cell for cell in plan.cells}
    points = cells["minimax", "mlp", "ring8"]
    assert points.seeds == (0, 1, 5)
    assert points.spec.train.d.lr == points.spec.train.g.lr == Schedule(2e-3, 0.0, shape="cosine")
    digits = cells["lsgan(c=1)", "mlp", "digits"]
    assert digits.seeds == (0, 1)
    assert [one.lr for one in (digits.spec.train.d, digits.spec.train.g)] == [
        Schedule(1e-3, 0.0, shape="cosine"),
        Schedule(5e-4, 0.0, shape="cosine"),
    ]
    assert digits.spec.architecture.params["width"] == 256
    assert cells["minimax", "dcgan", "digits"].spec.architecture.params["width"] == 64
    assert digits.spec.loss[0].params == {"a": 0.0, "b": 1.0, "c": 1.0}


def test_every_default_is_written_into_the_spec(tmp_path: Path, registry: Registry) -> None:
    run = _plan(tmp_path, registry, GOOD).cells[0].run(3)
    spec = run.resolved()
    defaults = {"width": 64, "depth": 3, "latent": 2, "slope": 0.0, "autoencoder": False}
    assert defaults.items() <= spec["architecture"]["params"].items()
    assert spec["dataset"]["params"]["std"] == 0.02
    assert spec["train"]["ema"] == 0.0
    assert run.evaluation.extractor.name == "mixture"
    assert run.evaluation.extractor.params == {"radius": 3.0}
    assert "evaluation" not in spec


def test_the_id_depends_on_what_changes_the_result_alone(tmp_path: Path, registry: Registry) -> None:
    cell = _plan(tmp_path, registry, GOOD).cells[0]
    spec = cell.run(0)
    assert len(spec.id) == 12
    assert int(spec.id, 16) >= 0
    assert spec.id == _plan(tmp_path, registry, "about: other words\n" + GOOD).cells[0].run(0).id
    others = [
        cell.run(1),
        replace(spec, train=replace(spec.train, steps=3001)),
        replace(spec, loss=(replace(spec.loss[0], code="2"),)),
        replace(spec, dataset=replace(spec.dataset, content="other data")),
    ]
    assert len({spec.id, *(other.id for other in others)}) == 5


def test_training_and_evaluation_have_ids_of_their_own(tmp_path: Path, registry: Registry) -> None:
    spec = _plan(tmp_path, registry, GOOD).cells[0].run(0)
    own, metric = spec.evaluation, spec.evaluation.metrics[0]
    others = [
        replace(own, samples=5001),
        replace(own, split="test"),
        replace(own, extractor=replace(own.extractor, code="other")),
        replace(own, metrics=own.metrics[1:]),
        replace(own, metrics=(replace(metric, code="other"), *own.metrics[1:])),
    ]
    assert len({own.id, *(other.id for other in others)}) == 6
    assert {replace(spec, evaluation=other).id for other in others} == {spec.id}
    trained = [replace(spec, seed=1), replace(spec, loss=(replace(spec.loss[0], code="other"),))]
    assert {one.evaluation.id for one in trained} == {own.id}


def test_a_folder_is_not_part_of_the_id(tmp_path: Path, registry: Registry) -> None:
    text = "losses: [minimax]\narchitectures: [mlp]\ndatasets: [{mnist: {root: %s}}]\n"
    evaluation = "evaluation: {extractor: inception}"
    ids = {_plan(tmp_path, registry, text % root + evaluation).cells[0].run(0).id for root in ("/a", "/b")}
    assert len(ids) == 1


def test_default_metrics_that_another_extractor_gives_too_little_for_are_left_out(
    tmp_path: Path, registry: Registry
) -> None:
    text = "losses: [minimax]\narchitectures: [mlp]\ndatasets: [digits]\n"
    whole = _plan(tmp_path, registry, text).cells[0].spec.evaluation.metrics
    few = _plan(tmp_path, registry, f"{text}evaluation: {{extractor: inception}}").cells[0].spec.evaluation.metrics
    assert [one.name for one in whole if one not in few] == ["modes", "mode-shapes"]
    assert [one for one in whole if one in few] == list(few)


def test_set_lies_over_everything_and_makes_another_suite(tmp_path: Path, registry: Registry) -> None:
    plan = _plan(tmp_path, registry, GOOD, sets=("train.steps=7", "train.lr=1e-2"))
    assert {cell.spec.train.steps for cell in plan.cells} == {7}
    assert {cell.spec.train.g.lr for cell in plan.cells} == {Schedule(1e-2, 0.0, shape="cosine")}
    assert plan.suite == "suite+train.steps=7+train.lr=1e-2"


def test_add_joins_without_changing_what_is_there(tmp_path: Path, registry: Registry) -> None:
    before = {cell.run(0).id for cell in _plan(tmp_path, registry, GOOD).cells}
    after = _plan(tmp_path, registry, GOOD, adds=("loss=nonsaturating",))
    assert before < {cell.run(0).id for cell in after.cells}
    assert after.suite == "suite"


def test_all_problems_are_reported_together_with_their_places(tmp_path: Path, registry: Registry) -> None:
    text = """losses: [minimx]
architectures: [mlp]
datasets: [ring8, {digits: {sise: 3}}]
seeds: -1
train: {stepz: 3, batch: 1, betas: [1, 2], schedule: cosin, n_dis: 0}
evaluation: {samples: 10, split: validation}
overrides:
  - train: {steps: 3}
  - when: {dataset: ring9, los: minimax}
colour: red
"""
    said = _problems(tmp_path, registry, text)
    expected = [
        "suite.yaml:1:10: unknown loss 'minimx'. Did you mean 'minimax'?",
        "suite.yaml:3:35: dataset 'digits' has no hyperparameter 'sise'",
        "suite.yaml:4:8: seeds must be a count",
        "suite.yaml:5:9: unknown key 'stepz'. Did you mean 'steps'?",
        "suite.yaml:5:26: batch must be an integer >= 2, got 1",
        "suite.yaml:5:37: betas[0] must be a number >= 0 and < 1, got 1",
        "suite.yaml:5:54: schedule must be one of constant, cosine, linear",
        "suite.yaml:5:68: n_dis must be an integer >= 1, got 0",
        "suite.yaml:6:34: split must be one of train, test",
        "suite.yaml:8:5: an override needs 'when'",
        "suite.yaml:9:11: the suite has no dataset 'ring9'. Did you mean 'ring8'?",
        "suite.yaml:9:28: unknown key 'los'. Did you mean 'loss'?",
        "suite.yaml:10:1: unknown key 'colour'",
    ]
    for line in expected:
        assert any(one.startswith(line) for one in said), (line, said)
    assert said == sorted(said, key=lambda line: [int(x) for x in line.split(":")[1:3]])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("datasets: [{digits: {sise: 3}}]", "suite.yaml:3:28: dataset 'digits' has no hyperparameter 'sise'"),
        ("datasets: [{ring8: {components: 1}}]", "1 components do not make a ring"),
        ("datasets: [{ring8: {std: wide}}]", "std must be of type float"),
        ("datasets: [ring8]\nevaluation: {metrics: [fid]}", "metric 'fid' is not compatible with 'ring8'"),
        ("datasets: [ring8]\nevaluation: {extractor: digits16}", "extractor 'digits16' is not compatible with 'ring8'"),
        ("datasets: [digits]\nevaluation: {samples: 100}", "metric 'fid' needs at least 128 samples, got 100"),
        ("datasets: [digits, digits]", "are the same runs; list only one of them"),
        ("datasets: []", "the list is empty"),
        ("datasets: ring8", "expected a list"),
        ("seeds: 3", "key 'datasets' is missing"),
        (
            "datasets: [mnist]\nevaluation: {extractor: inception, metrics: [modes]}",
            "needs modes, which extractor 'inception' does not",
        ),
        ("datasets: [ring8]\nevaluation: {metrics: [modes, {modes: {few: 10}}]}", "metric 'modes' is listed twice"),
        ("datasets: [ring8]\nseeds: 20000000000", "seeds must be a count"),
        ("datasets: [ring8]\ntrain: {lr: {from: 0, to: 0}}", "lr must be > 0 at one of its ends, got 0 at both"),
        ("datasets: [{ring8: {std: 1e999}}]", "std must be finite"),
        ("datasets: [ring8]\noverrides: [{when: {datset: ring8}, train: {steps: 1}}]", "unknown key 'datset'"),
        ("datasets: [ring8]\nexclude: [{dataset: ring9}]", "suite.yaml:4:11: the suite has no dataset 'ring9'"),
        ("datasets: [ring8]\nexclude: [{datset: ring8}]", "unknown key 'datset'"),
        ("datasets: [ring8]\nexclude: [ring8]", "an item of 'exclude' must be a mapping"),
        ("datasets: [ring8]\nexclude: [{}]", "an item of 'exclude' must be a mapping"),
        ("datasets: [ring8]\nexclude: [{dataset: []}]", "names no dataset, so that it would exclude nothing"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, registry: Registry, change: str, said: str) -> None:
    text = f"losses: [minimax]\narchitectures: [mlp]\n{change}\n"
    assert any(said in line for line in _problems(tmp_path, registry, text))


def test_excluded_combinations_are_not_trained(tmp_path: Path, registry: Registry) -> None:
    whole = _plan(tmp_path, registry, GOOD)
    text = f"{GOOD}exclude:\n  - {{loss: lsgan, dataset: ring8}}\n  - {{architecture: dcgan, loss: minimax}}\n"
    plan = _plan(tmp_path, registry, text)
    gone = {skip.texts for skip in plan.skipped if skip.reason == "the suite excludes it"}
    rings = {(f"lsgan(c={c})", architecture, "ring8") for c in ("0.1", "1") for architecture in ("mlp", "dcgan")}
    assert gone == {*rings, ("minimax", "dcgan", "ring8"), ("minimax", "dcgan", "digits")}
    assert [cell for cell in whole.cells if cell.texts not in gone] == list(plan.cells)


def test_an_unknown_key_of_when_is_the_only_thing_said(tmp_path: Path, registry: Registry) -> None:
    text = "losses: [minimax]\narchitectures: [mlp]\ndatasets: [ring8]\noverrides: [{when: {los: minimax}, seeds: 2}]\n"
    assert _problems(tmp_path, registry, text) == ["suite.yaml:4:21: unknown key 'los'. Did you mean 'loss'?"]


def test_one_table_has_one_protocol(tmp_path: Path, registry: Registry) -> None:
    text = """
losses: [minimax, nonsaturating]
architectures: [mlp]
datasets: [ring8]
overrides: [{when: {loss: nonsaturating}, evaluation: {samples: 500, split: test, snapshots: 3}}]
"""
    (problem,) = _problems(tmp_path, registry, text)
    assert "nonsaturating x mlp x ring8 and minimax x mlp x ring8 appear in the same table" in problem
    assert "(samples, split)" in problem


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sets": ("steps=3",)}, "is not of the form train.steps=500"),
        ({"sets": ("train.stepz=3",)}, "--set train.stepz=3: unknown key 'stepz'"),
        ({"sets": ("train.steps=many",)}, "--set train.steps=many: steps must be an integer"),
        ({"adds": ("los=hinge",)}, "is not of the form loss=NAME"),
        ({"adds": ("loss=hinje",)}, "--add loss=hinje: unknown loss 'hinje'"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, registry: Registry, options: dict[str, Any], said: str) -> None:
    assert any(said in line for line in _problems(tmp_path, registry, GOOD, **options))


def test_the_baseline_is_what_its_issue_says(registry: Registry) -> None:
    plan = expand(load(registry.find("suite", "baseline").thing), registry)
    sizes = {cell.texts[1:]: len(cell.seeds) for cell in plan.cells}
    assert sizes == {("mlp", "ring8"): 8, ("mlp", "grid25"): 8, ("mlp", "digits"): 8, ("dcgan", "digits"): 8}
    assert {cell.texts[0] for cell in plan.cells} == {"minimax", "nonsaturating"}
    assert len(plan.skipped) == 4
    assert len(plan.references) == 9
