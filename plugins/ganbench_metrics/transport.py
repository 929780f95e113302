"""Sliced Wasserstein distance for points."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Dataset, View
from ganbench_metrics.papers import RABIN


@dataclass(frozen=True)
class SlicedWasserstein:
    """Mean Wasserstein-1 distance of one-dimensional projections, in the data's units (Rabin et al. 2011)."""

    projections: int = 128
    quantiles: int = 2000

    version = "1"
    reference = RABIN
    better = {"SW1": "lower"}
    kind = {"SW1": "log"}
    uses_extractor = False

    def supports(self, dataset: Dataset) -> str | None:
        return None if len(dataset.shape) == 1 else "in pixel space it says nothing about images"

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        generator = torch.Generator().manual_seed(0)
        directions = torch.randn(self.projections, real.samples.shape[1], generator=generator, dtype=torch.float64)
        directions = directions / directions.norm(dim=1, keepdim=True)
        gaps = self._profile(real.samples, directions) - self._profile(fake.samples, directions)
        return {"SW1": gaps.abs().mean().item()}

    def _profile(self, points: Tensor, directions: Tensor) -> Tensor:
        """Quantiles of each projection, at the middle of equal shares, (projections, quantiles)."""
        ordered = (directions @ points.double().T).sort(dim=1).values
        at = ((torch.arange(self.quantiles) + 0.5) / self.quantiles * ordered.shape[1]).long()
        return ordered[:, at]
