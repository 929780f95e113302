"""Whether samples are as probable under the data's known density as real ones are."""

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from ganbench import Dataset, View
from ganbench_metrics.distances import PART, rows_at_a_time
from ganbench_metrics.verdict_limits import KNOWN_DENSITY

CHANCE = 1.95
"""Once in 1,000 times two samples of one distribution are 1.95 sqrt(1/n + 1/m) apart or more (Smirnov 1948)."""
PAPER = r"""
@article{smirnov1948table,
  author  = {Smirnov, Nickolay},
  title   = {Table for Estimating the Goodness of Fit of Empirical Distributions},
  journal = {The Annals of Mathematical Statistics},
  volume  = {19},
  number  = {2},
  pages   = {279--281},
  year    = {1948},
  doi     = {10.1214/aoms/1177730256},
}
"""


@dataclass(frozen=True)
class KnownDensity:
    """The Kolmogorov-Smirnov distance of the log densities of fakes and of real samples, beyond what chance explains.

    Both are log densities of the data, `dataset.log_density(x)`, which are exact. `density KS` is 0 for a perfect
    sampler, however many samples there are, and 1 less chance if every fake is less probable than every real sample, or
    more probable. It detects what mode counts do not: samples too close to the middle of a mode or of a curve.
    """

    version = "1"
    reference = PAPER
    better = {"density KS": "lower"}
    kind = {"density KS": "share"}
    uses_extractor = False
    on_device = True
    limits = KNOWN_DENSITY

    def supports(self, dataset: Dataset) -> str | None:
        return None if hasattr(dataset, "log_density") else "the dataset does not give its density (`log_density`)"

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        theirs, ours = (_log_densities(side) for side in (real, fake))
        chance = CHANCE * sqrt(1 / len(theirs) + 1 / len(ours))
        return {"density KS": max(0.0, _distance(ours.double(), theirs.double()) - chance)}


def _log_densities(side: View) -> Tensor:
    """The data's log density (N,) at all samples of a side, part by part."""
    samples = side.samples
    parts = torch.split(samples, rows_at_a_time(samples.device, samples[0].numel(), PART))
    return torch.cat([side.dataset.log_density(part) for part in parts])  # type: ignore[attr-defined]


def _distance(x: Tensor, y: Tensor) -> float:
    """The largest difference of the shares of x (n,) and of y (m,) that are at most some value."""
    x, y = x.sort().values, y.sort().values
    values = torch.cat([x, y])
    shares = [torch.searchsorted(one, values, right=True).double() / len(one) for one in (x, y)]
    return (shares[0] - shares[1]).abs().max().item()
