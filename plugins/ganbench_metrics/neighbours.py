"""Nearest neighbors: coverage and density of the data, and memorization of the training set."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import lgamma

import torch
from torch import Tensor

from ganbench import Dataset, Fault, View
from ganbench_metrics.distances import SLACK, mean_of, nearest_distances, squared_radii, squared_tiles
from ganbench_metrics.papers import NAEEM
from ganbench_metrics.verdict_limits import COVERAGE_DENSITY, LEAST_MEMORISATION, MOST_COPIES
from ganbench_transforms.limits import above, at_least


@dataclass(frozen=True)
class CoverageDensity:
    """Coverage and density by k nearest real neighbors (Naeem et al. 2020), at equal counts.

    Coverage is the share of real samples whose ball contains a fake; density is the number of real balls
    around a fake, divided by k. Coverage depends on both counts, so it is that of as many fakes as there are real
    samples (of the smaller number, at most `count` if that is not 0): its mean over all subsets of so many fakes,
    in closed form. So every fake counts, and perfect samples have 1 - 2^-k on average, whatever their number. Of
    more real samples the first are taken, in a fixed random order.
    """

    k: int = 5
    count: int = 0

    version = "2"
    reference = NAEEM
    better = {"coverage": "higher", "density": "higher"}
    kind = {"coverage": "share"}
    uses_extractor = True
    on_device = True
    limits = COVERAGE_DENSITY

    def __post_init__(self) -> None:
        at_least(1, k=self.k)
        at_least(0, count=self.count)

    def supports(self, dataset: Dataset) -> str | None:
        return None

    def minimum(self, dims: int) -> int:
        return self.k + 2

    def statistics(self, real: View, count: int) -> dict[str, Tensor]:
        """The real samples' center (d,), and the squared distance of each to its k-th nearest neighbor, (n,)."""
        reals = subsample(real.features, self._equal(len(real.features), count))
        center = mean_of(reals)
        return {"center": center, "radii": squared_radii(reals, center, self.k)}

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        fakes = fake.features
        known = real.statistics or self.statistics(real, len(fakes))
        count = self._equal(len(real.features), len(fakes))
        reals = subsample(real.features, count)
        inside = torch.zeros(len(reals), dtype=torch.int64, device=reals.device)
        for rows, _, tile in squared_tiles(reals, fakes, known["center"], SLACK):
            inside[rows] += (tile <= known["radii"][rows, None]).sum(dim=1)
        coverage = _hit(inside, len(fakes), count).mean().item()
        return {"coverage": coverage, "density": inside.sum().item() / (self.k * len(fakes))}

    def _equal(self, reals: int, fakes: int) -> int:
        """The number of samples per side."""
        return min(reals, fakes, self.count or reals)


def _hit(inside: Tensor, fakes: int, drawn: int) -> Tensor:
    """The chance that `drawn` of the fakes, without replacement, hit at least one of those inside, for each ball."""

    def log_ways(n: Tensor) -> Tensor:
        """The logarithm of the number of ways to draw from n; -inf if there are too few."""
        left = n - drawn
        ways = torch.lgamma(n + 1) - torch.lgamma(left.clamp(min=0) + 1) - lgamma(drawn + 1)
        return torch.where(left < 0, -torch.inf, ways)

    total = torch.tensor(float(fakes), dtype=torch.float64, device=inside.device)
    return 1 - (log_ways(fakes - inside.double()) - log_ways(total)).exp()


@dataclass(frozen=True)
class Memorisation:
    """How near fakes are to training samples, relative to held-out real samples.

    `memorisation` is the median distance to the nearest training sample over that of held-out samples, at most 1: as
    far from the training set as new data; 0: copies. `copies` is the share of fakes that are as near to a training
    sample as the nearest `near` of the held-out ones: `near` for new data, 1 for copies. The first cannot see that a
    part of the samples are copies, the second can.
    In the extractor's features, for all fakes or `count` of them. Blurred or wrong samples are farther away, which is
    not an advantage. If the suite compares with part of the training split, copies are found in that part only.
    """

    count: int = 0
    near: float = 0.05

    version = "3"
    better = {"memorisation": "higher", "copies": "lower"}
    kind = {"memorisation": "share", "copies": "share"}
    uses_extractor = True
    on_device = True

    def __post_init__(self) -> None:
        at_least(0, count=self.count)
        above(0, near=self.near)

    def supports(self, dataset: Dataset) -> str | None:
        return None

    def faults(self, scores: Mapping[str, float], dataset: Dataset) -> list[Fault]:
        """Memorizing: three times as many samples are near a training sample, or half are half as far, as new data."""
        copied = scores["copies"] > MOST_COPIES * self.near
        found = {"copies": copied, "memorisation": scores["memorisation"] < LEAST_MEMORISATION}
        told = [f"{name} {scores[name]:.3g}" for name, wrong in found.items() if wrong]
        return [Fault("memorising", evidence=", ".join(told))] if told else []

    def statistics(self, real: View, count: int) -> dict[str, Tensor]:
        """The median distance of held-out samples to the training set, and that of the nearest; scalar tensors."""
        train, held_out = self._splits(real)
        distances = nearest_distances(subsample(held_out, self.count), train)
        return {"floor": distances.median(), "near": distances.quantile(self.near)}

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        """Raises `ValueError` if half of the held-out samples are themselves copies."""
        known = real.statistics or self.statistics(real, len(fake.features))
        floor = known["floor"].item()
        if not floor:
            raise ValueError(
                "half of the held-out samples are copies of training samples; there is nothing to compare with"
            )
        distances = nearest_distances(subsample(fake.features, self.count), self._splits(real)[0])
        copies = (distances <= known["near"]).double().mean().item()
        return {"memorisation": min(1.0, distances.median().item() / floor), "copies": copies}

    @staticmethod
    def _splits(real: View) -> tuple[Tensor, Tensor]:
        """Features of the training split and of the held-out split."""
        assert real.other is not None
        other = real.other()
        first, second = (real, other) if real.split == "train" else (other, real)
        return first.features, second.features


def subsample(features: Tensor, count: int) -> Tensor:
    """At most `count` rows in a fixed random order; all of them, as they are, if `count` is 0 or there are no more."""
    if not count or count >= len(features):
        return features
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(0))
    return features[order[:count].to(features.device)]
