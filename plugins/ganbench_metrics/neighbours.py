"""Nearest neighbors: coverage and density of the data, and memorization of the training set."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Dataset, Fault, View
from ganbench_metrics.papers import NAEEM
from ganbench_metrics.verdict_limits import LEAST_MEMORISATION


@dataclass(frozen=True)
class CoverageDensity:
    """Coverage and density by k nearest real neighbors (Naeem et al. 2020), `count` samples per side.

    Coverage is the share of real samples whose ball contains a fake; density is the number of real balls
    around a fake, divided by k. Both sides are subsampled to `count` in a fixed order, because coverage
    depends on the counts.
    """

    k: int = 5
    count: int = 1000

    version = "1"
    reference = NAEEM
    better = {"coverage": "higher", "density": "higher"}
    kind = {"coverage": "share"}
    uses_extractor = True

    def supports(self, dataset: Dataset) -> str | None:
        return None

    def minimum(self, dims: int) -> int:
        return self.k + 2

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        reals, fakes = subsample(real.features, self.count), subsample(fake.features, self.count)
        radii = torch.cdist(reals, reals).kthvalue(self.k + 1, dim=1).values  # the first is the point itself
        inside = torch.cdist(reals, fakes) <= radii[:, None]
        coverage = inside.any(dim=1).double().mean().item()
        return {"coverage": coverage, "density": inside.double().sum().item() / (self.k * len(fakes))}


@dataclass(frozen=True)
class Memorisation:
    """Median distance of fakes to their nearest training sample, over that of held-out real samples, at most 1.

    1: as far from the training set as new data; 0: copies. Computed for `count` fakes in the extractor's
    features. Blurred or wrong samples are farther away, which is not an advantage: they have 1 too.
    If the suite compares with part of the training split, copies are found in that part only.
    """

    count: int = 1000

    version = "1"
    better = {"memorisation": "higher"}
    kind = {"memorisation": "share"}
    uses_extractor = True

    def supports(self, dataset: Dataset) -> str | None:
        return None

    def faults(self, scores: Mapping[str, float], dataset: Dataset) -> list[Fault]:
        """Memorizing: half of the samples are less than half as far from the training set as new data."""
        return [Fault("memorising")] if scores["memorisation"] < LEAST_MEMORISATION else []

    def statistics(self, real: View, count: int) -> dict[str, Tensor]:
        """The median distance of held-out samples to the training set, a scalar tensor."""
        train, held_out = self._splits(real)
        return {"floor": _nearest(subsample(held_out, self.count), train).median()}

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        """Raises `ValueError` if half of the held-out samples are themselves copies."""
        known = real.statistics or self.statistics(real, len(fake.features))
        floor = known["floor"].item()
        if not floor:
            raise ValueError(
                "half of the held-out samples are copies of training samples; there is nothing to compare with"
            )
        distance = _nearest(subsample(fake.features, self.count), self._splits(real)[0]).median().item()
        return {"memorisation": min(1.0, distance / floor)}

    @staticmethod
    def _splits(real: View) -> tuple[Tensor, Tensor]:
        """Features of the training split and of the held-out split."""
        assert real.other is not None
        other = real.other()
        first, second = (real, other) if real.split == "train" else (other, real)
        return first.features.double(), second.features


def subsample(features: Tensor, count: int) -> Tensor:
    """At most `count` rows in a fixed random order, as float64."""
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(0))
    return features[order[:count]].double()


def _nearest(points: Tensor, others: Tensor) -> Tensor:
    """Each point's distance to the nearest of the others, (N,); exact, so that a copy has distance 0."""
    return torch.cat(
        [
            torch.cdist(part, others, compute_mode="donot_use_mm_for_euclid_dist").amin(dim=1)
            for part in torch.split(points, max(1, (1 << 21) // len(others)))
        ]
    )
