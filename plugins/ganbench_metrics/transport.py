"""Sliced Wasserstein distance for points."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Dataset, View
from ganbench_metrics.distances import centered, mean_of
from ganbench_metrics.papers import RABIN
from ganbench_metrics.verdict_limits import SLICED_WASSERSTEIN


@dataclass(frozen=True)
class SlicedWasserstein:
    """Mean Wasserstein-1 distance of one-dimensional projections, in the data's units (Rabin et al. 2011).

    Exact for each projection, whatever the two numbers of samples: every sample counts.
    """

    projections: int = 128

    version = "2"
    reference = RABIN
    better = {"SW1": "lower"}
    kind = {"SW1": "log"}
    uses_extractor = False
    limits = SLICED_WASSERSTEIN

    def supports(self, dataset: Dataset) -> str | None:
        return None if len(dataset.shape) == 1 else "in pixel space it says nothing about images"

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        generator = torch.Generator().manual_seed(0)
        dims = real.samples.shape[1]
        directions = torch.randn(self.projections, dims, generator=generator, dtype=torch.float64)
        directions = directions / directions.norm(dim=1, keepdim=True)
        center = mean_of(real.samples)
        ours, theirs = (directions @ centered(side.samples, center).T for side in (fake, real))
        return {"SW1": wasserstein(ours, theirs).mean().item()}


def wasserstein(x: Tensor, y: Tensor) -> Tensor:
    """The Wasserstein-1 distance of each row of x (R, n) and y (R, m): the integral of |F^-1(t) - G^-1(t)| over [0, 1].

    Both quantile functions are constant between the multiples of 1/n and 1/m, counted here in parts of 1/(n m).
    """
    n, m = x.shape[1], y.shape[1]
    ends = torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]).sort().values
    widths = ends.diff(prepend=torch.zeros(1, dtype=ends.dtype)).double() / (n * m)  # 0 where two ends coincide
    gaps: Tensor = x.sort(dim=1).values[:, (ends - 1) // m] - y.sort(dim=1).values[:, (ends - 1) // n]
    return gaps.abs() @ widths
