"""Scores by class against values computed independently, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Cli
from evaluators import CPU, evaluator_of
from scipy import linalg
from torch import Tensor

from ganbench.evaluation.evaluator import Evaluator
from ganbench.registry.contracts import View
from ganbench.registry.registry import Registry
from ganbench_datasets.digits import Digits
from ganbench_metrics.by_class import ClassCoverage, ClassFid, LabelAccuracy

METRICS = ("class-fid", "class-coverage", "label-accuracy")


def _view(features: Tensor, labels: Tensor, logits: Tensor | None = None) -> View:
    return View(features, features, logits, None, labels, Digits())


def _sides(seed: int = 0) -> tuple[View, View]:
    """Two classes, 2 and 7, of three features; the fakes of class 7 are shifted."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor([2, 7] * 60)
    real, fake = torch.randn(2, 120, 3, generator=generator)
    fake = fake + (labels == 7)[:, None] * torch.tensor([3.0, 0.0, 0.0])
    return _view(real, labels), _view(fake, labels)


def _frechet(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    """The distance by scipy's matrix root."""
    root = linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    gap = a.mean(axis=0) - b.mean(axis=0)
    return float(gap @ gap + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root))


def test_class_fid_is_the_frechet_distance_of_each_class() -> None:
    real, fake = _sides()
    values = []
    for label in (2, 7):
        a, b = ((view.features[view.labels == label]).double().numpy() for view in (real, fake))
        values.append(_frechet(a, b))
    found = ClassFid()(real, fake)
    assert found["class FID"] == pytest.approx(np.mean(values), rel=1e-9)
    assert found["worst class FID"] == pytest.approx(values[1], rel=1e-9)
    assert values[1] > values[0]


def test_class_coverage_counts_balls_within_the_class() -> None:
    real, fake = _sides()
    values = []
    for label in (2, 7):
        a, b = ((view.features[view.labels == label]).double().numpy() for view in (real, fake))
        between = np.linalg.norm(a[:, None] - a, axis=2)
        radii = np.sort(between, axis=1)[:, 5]  # the first is the sample itself
        values.append(float((np.linalg.norm(a[:, None] - b, axis=2).min(axis=1) <= radii).mean()))
    found = ClassCoverage()(real, fake)
    assert found["class coverage"] == pytest.approx(np.mean(values))
    assert found["worst class coverage"] == pytest.approx(min(values))
    assert min(values) < 0.5 < max(values)


def test_label_accuracy_is_a_share_and_knows_foreign_classes() -> None:
    labels = torch.arange(10).repeat(10)
    right, wrong = torch.eye(10)[labels], torch.eye(10)[(labels + 1) % 10]
    real = _view(torch.zeros(100, 1), labels, right)
    half = torch.where((torch.arange(100) < 50)[:, None], right, wrong)
    assert LabelAccuracy()(real, _view(torch.zeros(100, 1), labels, half)) == {"label accuracy": 0.5}
    with pytest.raises(ValueError, match=r"gives 0 % of the real samples their labels"):
        LabelAccuracy()(real._replace(logits=wrong), real)
    with pytest.raises(ValueError, match=r"has 7 classes, the data have 10"):
        LabelAccuracy()(real, real._replace(logits=right[:, :7]))


def test_a_class_with_too_few_samples_is_named() -> None:
    real, fake = _sides()
    assert fake.labels is not None
    few = fake._replace(labels=torch.where(torch.arange(120) < 113, 2, fake.labels))
    with pytest.raises(
        ValueError, match=r"class 7 has 4 generated and 60 real samples; class coverage needs 7 of each"
    ):
        ClassCoverage()(real, few)
    none = fake._replace(labels=torch.full((120,), 2))
    with pytest.raises(ValueError, match=r"class 7 has 0 generated and 60 real samples; class FID needs 2 of each"):
        ClassFid()(real, none)


@pytest.fixture(scope="module")
def digits(registry: Registry) -> Evaluator:
    return evaluator_of(registry, "digits", metrics=("spread", *METRICS))


def test_mixed_up_labels_are_seen_only_by_the_scores_of_classes(digits: Evaluator) -> None:
    test = Digits().load("test")
    assert test.labels is not None
    names = ["class FID[digits16]", "class coverage[digits16]", "label accuracy[digits16]"]
    right = digits.scores(test.samples, labels=test.labels).values
    mixed = digits.scores(test.samples, labels=(test.labels + 1) % 10).values
    assert right[names[2]] > 0.95
    assert mixed[names[2]] < 0.05
    assert mixed[names[0]] > 5 * right[names[0]]
    assert mixed[names[1]] < 0.2 < 0.8 < right[names[1]]
    assert mixed["diversity[digits16]"] == right["diversity[digits16]"]


def test_without_labels_they_do_not_apply_and_nothing_is_missing(digits: Evaluator) -> None:
    scores = digits.scores(Digits().load("test").samples)
    assert set(scores.values) == {"diversity[digits16]"}
    assert scores.missing == {}
    assert scores.failures == {}
    assert set(scores.evaluation.not_applicable) == set(METRICS)
    assert digits.device == CPU


def test_data_without_classes_are_refused(inside: Cli, suite: Path) -> None:
    suite.write_text(suite.read_text().replace("samples: 2500,", "metrics: [modes, class-coverage], samples: 2500,"))
    done = inside("run", "--suite", "small.yaml", "--dry-run")
    said = "metric 'class-coverage' is not compatible with 'ring8': it needs labels, and the dataset has no classes"
    assert (done.code, said in done.err) == (2, True), done.err


SUITE = """
about: a conditional generator beside another one
losses: [nonsaturating]
architectures: [{mlp: {width: 16}}, {mlp: {width: 16, conditional: true}}]
datasets: [digits]
seeds: 1
train: {steps: 60, batch: 32}
evaluation: {samples: 1500, noise_sets: 0, metrics: [spread, class-coverage, label-accuracy]}
"""


@pytest.mark.slow
def test_a_suite_may_have_both_kinds_of_generators(cli: Cli, inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "both.yaml").write_text(SUITE)
    done = cli("run", "--suite", "both.yaml")
    assert done.code == 0, done.err
    assert done.out.count(": not applicable: the samples have no labels") == 1
    assert "mlp(width=16), Gaussian fit, uniform noise: class coverage" in done.out
    assert "2 runs done, 0 new" in inside("run", "--suite", "both.yaml").err
    (run,) = (
        path for path in tmp_path.glob("results/runs/*") if '"conditional": true' in (path / "record.json").read_text()
    )
    assert '"class_counts": [' in (run / "record.json").read_text()
    made = inside("sample", run.name, "--n", 30, "--labels", "4", "--to", "fours", "--device", "cpu")
    assert made.code == 0, made.err
    assert len(list((tmp_path / "fours").glob("*.png"))) == 30
    assert inside("sample", run.name, "--n", 1500, "--to", "own.npz", "--device", "cpu").code == 0
    done = cli("evaluate", "own.npz", "--suite", "both.yaml", "--label", "own")
    assert done.code == 0, done.err
    assert "own (external): class" not in done.out
