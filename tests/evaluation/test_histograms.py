"""Counts of samples by mode or class."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from evaluators import evaluator_of
from torch import Tensor

from ganbench import Features, View
from ganbench.evaluation.evaluator import Scores
from ganbench.evaluation.histograms import histogram
from ganbench.registry.registry import Registry
from ganbench.results.records import Histogram
from ganbench_datasets.mixtures import Ring8


def _random(shape: tuple[int, ...], count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def _view(dataset: Any, logits: Tensor | None = None, count: int = 50) -> View:
    return View(torch.zeros(count, 2), torch.zeros(count, 2), logits, None, None, dataset)


def _histogram(scores: Scores) -> Histogram:
    assert scores.evaluation.histogram is not None
    return scores.evaluation.histogram


def test_a_histogram_counts_every_sample_once(registry: Registry) -> None:
    for name, of in (("ring8", "modes"), ("digits", "classes")):
        evaluator = evaluator_of(registry, name, 2500, real_samples=1300)
        fakes = evaluator.dataset.load("train").samples[:1000]
        noisy = fakes + 0.02 * _random(tuple(fakes.shape[1:]), 1000)
        found = _histogram(evaluator.scores(noisy))
        assert found.of == of
        assert found.outside is not None
        assert found.real is not None
        assert sum(found.fake) + found.outside == found.n == 1000
        assert sum(found.real) <= (found.n_real or 0) == len(evaluator.real.samples)
        assert len(found.fake) == len(found.real) == evaluator.dataset.modes
    assert evaluator.real.logits is not None
    assert list(found.real or ()) == torch.bincount(evaluator.real.logits.argmax(dim=1), minlength=10).tolist()
    assert _histogram(evaluator.scores(fakes)).outside == 0


def test_points_far_from_every_mode_are_outside(registry: Registry) -> None:
    evaluator = evaluator_of(registry, "ring8", 2500)
    points = torch.cat([Ring8().centres[[3, 3, 5]], torch.zeros(4, 2)])
    found = histogram(evaluator.real, evaluator._view(points, None, evaluator.features(points)))
    assert found is not None
    assert (found.fake, found.outside, found.n) == ((0, 0, 0, 2, 0, 1, 0, 0), 4, 7)


def test_logits_alone_give_classes_and_neither_gives_none() -> None:
    data = SimpleNamespace(modes=4)
    logits = torch.eye(4)[[0, 0, 3]]
    found = histogram(_view(data, logits=torch.eye(4)), _view(data, logits=logits))
    assert found == Histogram("classes", fake=(2, 0, 0, 1), real=(1, 1, 1, 1), outside=None, n=3, n_real=4)
    assert histogram(_view(data), _view(data)) is None
    for classes, modes in ((1008, 4), (1000, 2), (4, None)):  # the classes of another dataset
        other, wide = SimpleNamespace(modes=modes), torch.zeros(3, classes)
        assert histogram(_view(other, logits=wide), _view(other, logits=wide)) is None


def test_an_extractor_of_features_alone_has_no_histogram(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator = evaluator_of(registry, "digits", 1000)
    plain = evaluator.real._replace(logits=None, modes=None)
    monkeypatch.setattr(evaluator, "real", plain)
    monkeypatch.setattr(evaluator, "extract", lambda images: Features(images.flatten(1)))
    monkeypatch.setattr(evaluator, "metrics", {})
    assert evaluator.scores(_random((1, 16, 16), 20)).evaluation.histogram is None
