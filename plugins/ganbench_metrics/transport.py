"""Sliced Wasserstein distance for points."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Dataset, View
from ganbench_metrics.distances import centered, mean_of, rows_at_a_time
from ganbench_metrics.papers import RABIN
from ganbench_metrics.verdict_limits import SLICED_WASSERSTEIN
from ganbench_transforms.limits import at_least


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
    on_device = True
    limits = SLICED_WASSERSTEIN

    def __post_init__(self) -> None:
        at_least(1, projections=self.projections)

    def supports(self, dataset: Dataset) -> str | None:
        return None if len(dataset.shape) == 1 else "in pixel space it says nothing about images"

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        generator = torch.Generator().manual_seed(0)
        fakes, reals = fake.samples, real.samples
        directions = torch.randn(self.projections, reals.shape[1], generator=generator, dtype=torch.float64)
        directions = (directions / directions.norm(dim=1, keepdim=True)).to(reals.device)
        center = mean_of(reals)
        ours, theirs = (centered(side, center).T for side in (fakes, reals))
        lines = rows_at_a_time(ours.device, len(reals) + len(fakes), self.projections)
        found = [wasserstein(part @ ours, part @ theirs) for part in torch.split(directions, lines)]
        return {"SW1": torch.cat(found).mean().item()}


def wasserstein(x: Tensor, y: Tensor) -> Tensor:
    """The Wasserstein-1 distance of each row of x (R, n) and y (R, m): the integral of |F^-1(t) - G^-1(t)| over [0, 1].

    Both quantile functions are constant between the multiples of 1/n and 1/m, counted here in parts of 1/(n m).
    """
    n, m = x.shape[1], y.shape[1]
    one, other = (torch.arange(1, count + 1, device=x.device) for count in (n, m))
    ends = torch.cat([one * m, other * n]).sort().values
    widths = ends.diff(prepend=ends.new_zeros(1)).double() / (n * m)  # 0 where two ends coincide
    gaps: Tensor = x.sort(dim=1).values[:, (ends - 1) // m] - y.sort(dim=1).values[:, (ends - 1) // n]
    return gaps.abs() @ widths
