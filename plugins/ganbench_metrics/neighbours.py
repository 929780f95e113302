"""Nearest neighbours: coverage and density of the data, and memorisation of the training set."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Dataset, Fault, View


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
    uses_extractor = True

    def supports(self, dataset: Dataset) -> str | None:
        return None

    def minimum(self, dims: int) -> int:
        return self.k + 2

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        reals, fakes = thinned(real.features, self.count), thinned(fake.features, self.count)
        radii = torch.cdist(reals, reals).kthvalue(self.k + 1, dim=1).values  # the first is the point itself
        inside = torch.cdist(reals, fakes) <= radii[:, None]
        coverage = inside.any(dim=1).double().mean().item()
        return {"coverage": coverage, "density": inside.double().sum().item() / (self.k * len(fakes))}


@dataclass(frozen=True)
class Memorisation:
    """Median distance of fakes to their nearest training sample, over that of held-out real samples, at most 1.

    1: no nearer to the training set than fresh data are; 0: copies. `count` fakes in the
    extractor's features. Blurred or wrong samples lie farther away, which is no merit: they have 1.
    Where the suite compares with part of the training split, only that part can be found copied.
    """

    count: int = 1000

    version = "1"
    better = {"memorisation": "higher"}
    uses_extractor = True

    def supports(self, dataset: Dataset) -> str | None:
        return None

    def faults(self, scores: Mapping[str, float], dataset: Dataset) -> list[Fault]:
        """Memorising: half of the samples are less than half as far from the training set as fresh data."""
        return [Fault("memorising")] if scores["memorisation"] < 0.5 else []

    def statistics(self, real: View, count: int) -> dict[str, Tensor]:
        """The held-out samples' median distance to the training set, ()."""
        train, held_out = self._splits(real)
        return {"floor": _nearest(thinned(held_out, self.count), train).median()}

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        """Raises `ValueError` where the held-out samples are themselves copies."""
        known = real.statistics or self.statistics(real, len(fake.features))
        floor = known["floor"].item()
        if not floor:
            raise ValueError("half of the held-out samples are copies of training samples: nothing to compare with")
        distance = _nearest(thinned(fake.features, self.count), self._splits(real)[0]).median().item()
        return {"memorisation": min(1.0, distance / floor)}

    @staticmethod
    def _splits(real: View) -> tuple[Tensor, Tensor]:
        """Features of the training split and of the held-out one."""
        assert real.other is not None
        other = real.other()
        first, second = (real, other) if real.split == "train" else (other, real)
        return first.features.double(), second.features


def thinned(features: Tensor, count: int) -> Tensor:
    """At most `count` rows by one fixed shuffle, in float64."""
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(0))
    return features[order[:count]].double()


def _nearest(points: Tensor, others: Tensor) -> Tensor:
    """Each point's distance to the nearest of the others, (N,); exact, so that a copy is at 0."""
    return torch.cat(
        [
            torch.cdist(part, others, compute_mode="donot_use_mm_for_euclid_dist").amin(dim=1)
            for part in points.split(max(1, (1 << 21) // len(others)))
        ]
    )
