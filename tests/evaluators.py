"""Evaluators and samples that tests share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganbench.evaluation.evaluator import Evaluator
from ganbench.registry.registry import Registry
from ganbench.suite.specs import EvaluationSpec
from ganbench_datasets.digits import Digits

CPU = torch.device("cpu")


def evaluator_of(
    registry: Registry,
    dataset: str,
    samples: int = 5000,
    metrics: Sequence[str] | None = None,
    real_samples: int = 0,
    **params: Any,
) -> Evaluator:
    """The evaluator of a dataset's default protocol, or of the named metrics."""
    made = registry.create("dataset", registry.choose("dataset", dataset, params))
    extractor = registry.choose("extractor", made.extractor, {})
    choices = tuple(registry.choose("metric", name, {}) for name in metrics or made.metrics)
    evaluation = EvaluationSpec(samples=samples, real_samples=real_samples, extractor=extractor, metrics=choices)
    created = {choice.name: registry.create("metric", choice) for choice in choices}
    return Evaluator(made, evaluation, registry.create("extractor", extractor), created, CPU)


def digits_like(count: int, seed: int = 0) -> Tensor:
    """Images near real ones, on the 8-bit grid that an image file has."""
    generator = torch.Generator().manual_seed(seed)
    real = Digits().load("train").samples
    rows = torch.randint(len(real), (count,), generator=generator)
    noisy = (real[rows] + 0.2 * torch.randn(count, 1, 16, 16, generator=generator)).clamp(-1, 1)
    return ((noisy + 1) * 127.5).round() / 127.5 - 1
