"""Spread: how far apart the samples are, relative to the data."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Dataset, View
from ganbench_metrics.distances import mean_distance
from ganbench_metrics.neighbours import subsample
from ganbench_metrics.verdict_limits import SPREAD
from ganbench_transforms.limits import at_least


@dataclass(frozen=True)
class Spread:
    """Mean distance between two fakes over that between two real samples, in feature space, at most 1.

    Over all pairs, or those of `count` samples per side. 0 for one sample repeated. Samples wider than the data have 1
    too.
    """

    count: int = 0

    version = "2"
    better = {"diversity": "higher"}
    kind = {"diversity": "share"}
    uses_extractor = True
    on_device = True
    limits = SPREAD

    def __post_init__(self) -> None:
        at_least(0, count=self.count)

    def supports(self, dataset: Dataset) -> str | None:
        return None

    def minimum(self, dims: int) -> int:
        return 2

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        known = real.statistics or self.statistics(real, len(fake.features))
        return {"diversity": min(1.0, self._spread(fake.features) / known["spread"].item())}

    def statistics(self, real: View, count: int) -> dict[str, Tensor]:
        """The mean distance between two real samples, a scalar tensor."""
        return {"spread": torch.tensor(self._spread(real.features), dtype=torch.float64)}

    def _spread(self, features: Tensor) -> float:
        """The mean distance over all pairs of distinct samples."""
        return mean_distance(subsample(features, self.count))
