"""Coverage and density: what share of the real neighbourhoods the fakes reach, and how densely."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Dataset, View


@dataclass(frozen=True)
class CoverageDensity:
    """Coverage and density by k nearest real neighbours (Naeem et al. 2020), `count` samples a side.

    Coverage is the share of real samples whose ball holds a fake; density counts real balls per
    fake, over k. Both sides are thinned to `count` by one fixed shuffle, because coverage depends
    on the counts.
    """

    k: int = 5
    count: int = 1000

    version = "1"
    better = {"coverage": "higher", "density": "higher"}
    judged = True

    def supports(self, dataset: Dataset) -> str | None:
        return None

    def minimum(self, dims: int) -> int:
        return self.k + 2

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        reals, fakes = self._thinned(real.features), self._thinned(fake.features)
        radii = torch.cdist(reals, reals).kthvalue(self.k + 1, dim=1).values  # the first is the point itself
        inside = torch.cdist(reals, fakes) <= radii[:, None]
        coverage = inside.any(dim=1).double().mean().item()
        return {"coverage": coverage, "density": inside.double().sum().item() / (self.k * len(fakes))}

    def _thinned(self, features: Tensor) -> Tensor:
        order = torch.randperm(len(features), generator=torch.Generator().manual_seed(0))
        return features[order[: self.count]].double()
