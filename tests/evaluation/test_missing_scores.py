"""One metric that fails loses its own scores only, with the reason; the others stand."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from evaluators import digits_like, evaluator_of
from torch import Tensor

from ganbench import Fault, View
from ganbench.evaluation.evaluator import Evaluator
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import Data
from ganbench.registry.registry import Registry
from ganbench_datasets.digits import Digits


class Fine:
    """A metric that works, and looks for faults."""

    better: Mapping[str, Any] = {"fine": "higher"}
    uses_extractor = False

    def __call__(self, real: View, fake: View) -> Mapping[str, Any]:
        return {"fine": 1.0}

    def faults(self, scores: Mapping[str, float], dataset: object) -> Sequence[Fault]:
        return []


class Raises(Fine):
    better = {"bad": "higher"}

    def __call__(self, real: View, fake: View) -> Mapping[str, Any]:
        raise RuntimeError("no root\nand more")


class Leaves(Raises):
    def __call__(self, real: View, fake: View) -> Mapping[str, Any]:
        sys.exit(0)


class NaN(Raises):
    def __call__(self, real: View, fake: View) -> Mapping[str, Any]:
        return {"bad": float("nan")}


class Unlisted(Raises):
    def __call__(self, real: View, fake: View) -> Mapping[str, Any]:
        return {"other": 1.0}


class NoMapping(Raises):
    def __call__(self, real: View, fake: View) -> Any:
        return [1.0]


class SameName(Fine):
    """Gives the score of the metric before it."""


class BadFault(Raises):
    def __call__(self, real: View, fake: View) -> Mapping[str, Any]:
        return {"bad": 1.0}

    def faults(self, scores: Mapping[str, float], dataset: object) -> Sequence[Fault]:
        return [Fault("partial", 9, 3)]


class BadStatistics(BadFault):
    def statistics(self, real: View, count: int) -> Mapping[str, Tensor]:
        raise ValueError("a singular matrix")

    faults = Fine.faults


class Greedy(BadFault):
    def minimum(self, dims: int) -> int:
        return 10_000

    faults = Fine.faults


def _evaluator(registry: Registry, *metrics: Fine) -> Evaluator:
    """An evaluator of metrics by their classes' names."""
    base = evaluator_of(registry, "digits", 60, ["spread"])
    named = {type(metric).__name__: metric for metric in metrics}
    spec = replace(base.evaluation, metrics=tuple(Choice(name, code="1") for name in named))
    return Evaluator(base.dataset, spec, base.extractor, named, torch.device("cpu"))


CASES = {
    Raises: r"RuntimeError: no root \(test_missing_scores.py:\d+, in __call__\)",
    Leaves: r"SystemExit: 0 \(test_missing_scores.py:\d+, in __call__\)",
    NaN: "metric 'NaN' returned nan for 'bad'; a score must be a finite number",
    Unlisted: "metric 'Unlisted' returned 'other', which its `better` does not list",
    NoMapping: r"metric 'NoMapping' returned \[1.0\]; it must return its scores by name",
    SameName: "metric 'SameName' gives 'fine', as 'Fine' does",
    BadFault: "metric 'BadFault' returned Fault.*its count must be an integer from 0 to `of`",
    BadStatistics: r"ValueError: a singular matrix \(test_missing_scores.py:\d+, in statistics\)",
    Greedy: "metric 'Greedy' needs 10000 samples per side; there are 60",
}


@pytest.mark.parametrize("kind", CASES)
def test_a_metric_that_fails_loses_its_own_scores_only(registry: Registry, kind: type[Fine]) -> None:
    found = _evaluator(registry, Fine(), kind()).scores(digits_like(60))
    assert found.values == {"fine": 1.0}
    assert set(found.evaluation.cards) == {"fine"}
    assert list(found.missing) == [kind.__name__]
    assert re.fullmatch(CASES[kind], found.missing[kind.__name__])


def test_ok_is_not_said_where_a_search_for_faults_failed(registry: Registry) -> None:
    assert _evaluator(registry, Fine()).scores(digits_like(60)).evaluation.verdict is not None
    assert _evaluator(registry, Fine(), Raises()).scores(digits_like(60)).evaluation.verdict is None


def test_a_metric_that_fails_changes_no_other_score(registry: Registry) -> None:
    fake = digits_like(1200)
    alone = evaluator_of(registry, "digits", 1200, ["fid", "spread"]).scores(fake)
    beside = evaluator_of(registry, "digits", 1200, ["kid", "fid", "spread"])
    beside.metrics = {**beside.metrics, "kid": Raises()}
    assert beside.scores(fake).values == alone.values


@dataclass(frozen=True)
class Twice(Digits):
    """Digits whose test split repeats training images."""

    def load(self, split: str) -> Data:
        data = super().load("train")
        if split == "train":
            return data
        assert data.labels is not None
        return Data(data.samples[:450].clone(), data.labels[:450])


def test_held_out_images_that_repeat_training_images_cost_memorisation_only(registry: Registry) -> None:
    base = evaluator_of(registry, "digits", 1200)
    evaluator = Evaluator(Twice(), base.evaluation, base.extractor, base.metrics, base.device)
    found, plain = evaluator.scores(digits_like(1200)), base.scores(digits_like(1200))
    assert list(found.missing) == ["memorisation"]
    assert "half of the held-out samples are copies of training samples" in found.missing["memorisation"]
    cards = plain.evaluation.cards
    assert found.values == {
        name: value for name, value in plain.values.items() if cards[name].metric.name != "memorisation"
    }
