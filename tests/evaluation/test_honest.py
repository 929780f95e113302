"""Limits relative to honest samples: equal counts, what is exceeded, too few held-out samples, invalid limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from evaluators import CPU, evaluator_of
from torch import Tensor

from ganbench import Data, Limit, View
from ganbench.errors import ContractError
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.references import reference_samples
from ganbench.evaluation.splits import Splits
from ganbench.registry.contracts import Direction
from ganbench.registry.registry import Registry
from ganbench_datasets.digits import Digits
from ganbench_datasets.mixtures import Ring8


@dataclass(frozen=True)
class Counted:
    """A metric whose scores are the number of fakes, and their mean."""

    limits: Any = None
    better: ClassVar[Mapping[str, Direction]] = {"count": "lower", "mean": "higher"}
    uses_extractor: ClassVar[bool] = False

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        return {"count": len(fake.samples), "mean": fake.samples.mean().item()}


def _with(registry: Registry, limits: object, name: str = "digits") -> Evaluator:
    base = evaluator_of(registry, name, metrics=["spread"])
    (choice,) = base.evaluation.metrics
    evaluation = replace(base.evaluation, metrics=(replace(choice, name="counted", code=str(limits)),))
    return Evaluator(base.dataset, evaluation, base.extractor, {"counted": Counted(limits)}, CPU)


def _digits(count: int) -> Tensor:
    return Digits().load("train").samples[torch.arange(count) % 1347]


@pytest.mark.parametrize(
    ("limit", "better", "kept", "exceeded"),
    [
        (Limit("partial", factor=2), "lower", 20.0, 20.1),
        (Limit("partial", factor=2), "higher", 5.0, 4.9),
        (Limit("partial", margin=1), "lower", 11.0, 11.1),
        (Limit("partial", factor=2, margin=1), "higher", 4.0, 3.9),
    ],
)
def test_a_limit_is_a_factor_and_a_margin(limit: Limit, better: Any, kept: float, exceeded: float) -> None:
    assert not limit.exceeded(kept, 10.0, better)
    assert limit.exceeded(exceeded, 10.0, better)


def test_the_first_fakes_are_compared_with_as_many_held_out_samples(registry: Registry) -> None:
    found = _with(registry, {"count": (Limit("distorted"),)}).scores(_digits(1000)).evaluation
    assert found.metrics["count"] == 1000
    at = found.at_reference_counts
    assert at is not None
    assert (at.samples, at.scores["count"], at.honest["count"]) == (450, 450, 450)
    assert at.scores["mean"] == pytest.approx(_digits(450).mean().item())
    held_out = reference_samples("real", Splits(Digits()), "train", 450).samples
    assert at.honest["mean"] == pytest.approx(held_out.mean().item())
    assert found.verdict is not None
    assert found.verdict.text == "ok"


def test_the_first_exceeded_limit_of_a_score_is_the_fault(registry: Registry) -> None:
    limits = {"mean": (Limit("low quality", margin=9, severe=True), Limit("too narrow", margin=0.1))}
    evaluator = _with(registry, limits)
    black = torch.full((500, 1, 16, 16), -1.0)
    found = evaluator.scores(black).evaluation.verdict
    assert found is not None
    assert found.text == "too narrow"
    (fault,) = found.by["counted"]
    assert not fault.severe
    assert fault.evidence.startswith("mean -1.00, of honest samples -0.")
    assert fault.evidence.endswith("each of 450 samples")
    assert evaluator.scores(_digits(500)).evaluation.verdict != found


def test_scores_that_are_not_compared_have_no_verdict_and_no_comparison(registry: Registry) -> None:
    found = (
        evaluator_of(registry, "ring8", 1000, real_samples=1000)
        .scores(Ring8().load("test").samples[:1000], with_verdict=False)
        .evaluation
    )
    assert (found.verdict, found.at_reference_counts) == (None, None)
    assert found.metrics


def test_too_few_held_out_samples_are_not_compared_with(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    load: Callable[[Digits, Any], Data] = Digits.load

    def few(self: Digits, split: Any) -> Data:
        whole = load(self, split)
        assert whole.labels is not None
        return whole if split == "train" else Data(whole.samples[:199], whole.labels[:199])

    monkeypatch.setattr(Digits, "load", few)
    found = _with(registry, {"count": (Limit("distorted"),)}).scores(_digits(500)).evaluation
    assert found.at_reference_counts is None
    assert found.verdict is not None
    assert found.verdict.text == "not compared: 199 held-out samples, 200 are needed"


def test_honest_scores_are_cached_by_content(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    calls: list[int] = []
    score = Counted.__call__

    def counting(self: Counted, real: View, fake: View) -> dict[str, float]:
        calls.append(len(fake.samples))
        return score(self, real, fake)

    monkeypatch.setattr(Counted, "__call__", counting)
    limits = {"count": (Limit("distorted"),)}
    _with(registry, limits).scores(_digits(500))
    assert sorted(calls) == [450, 450, 500]
    _with(registry, limits).scores(_digits(500))
    assert sorted(calls[3:]) == [450, 500]
    _with(registry, {"count": (Limit("partial"),)}).scores(_digits(500))  # another version of the metric
    assert sorted(calls[5:]) == [450, 450, 500]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ([], "must map scores to tuples of Limits"),
        ({"other": (Limit("partial"),)}, "has limits for 'other', which its `better` does not list"),
        ({"mean": (0.5,)}, "the limits of 'mean' must be a tuple of Limits"),
        ({"mean": (Limit("blurred"),)}, "the limits of 'mean' must be a tuple of Limits"),  # type: ignore[arg-type]
        ({"mean": (Limit("partial", factor=0),)}, "a factor above 0"),
    ],
)
def test_invalid_limits_are_refused_before_anything_is_scored(registry: Registry, limits: object, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        _with(registry, limits)
