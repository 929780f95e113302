"""Spread: how far apart the samples lie, relative to the data."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Dataset, Fault, View
from ganbench_metrics.neighbours import thinned


@dataclass(frozen=True)
class Spread:
    """Mean distance between two fakes over that between two real samples, in features, at most 1.

    `count` samples a side. 0 for one sample repeated. Wider than the data is no merit, and has 1.
    """

    count: int = 1000

    version = "1"
    better = {"diversity": "higher"}
    uses_extractor = True

    def supports(self, dataset: Dataset) -> str | None:
        return None

    def minimum(self, dims: int) -> int:
        return 2

    def faults(self, scores: Mapping[str, float], dataset: Dataset) -> list[Fault]:
        """Collapsed: the samples lie within a quarter of the data's spread."""
        return [Fault("collapsed")] if scores["diversity"] < 0.25 else []

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        return {"diversity": min(1.0, self._spread(fake.features) / self._spread(real.features))}

    def _spread(self, features: Tensor) -> float:
        """The mean distance over all pairs of different samples."""
        return torch.pdist(thinned(features, self.count)).mean().item()
