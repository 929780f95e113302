"""Inside the modes: how full, how wide and of what shape each is, relative to the same mode of the real samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log

import torch
from torch import Tensor

from ganbench import Dataset, View
from ganbench_metrics.distances import centered, mean_of
from ganbench_metrics.papers import RABIN
from ganbench_metrics.transport import wasserstein
from ganbench_metrics.verdict_limits import MODE_SHAPES
from ganbench_transforms.limits import at_least, shares

LEAST = 30
"""A mode with fewer samples on a side has no shape."""
CHANCE = 2.5
"""Ratios are moved towards 1 by so many standard errors, because the worst of many modes is looked for."""
GAP = 1.3
"""Mean Wasserstein-1 distance of n and m numbers of one normal distribution: 1.3 sqrt(1/n + 1/m) of its deviations."""
BEYOND = 1.5
"""How often that mean is subtracted from a distance."""


@dataclass(frozen=True)
class ModeShapes:
    """The worst mode's fill, spread and shape, relative to the real samples of that mode, beyond what chance explains.

    Modes are the extractor's, distances those of its features. `rarest mode` is the smallest share of a mode relative
    to its share of the real samples, at most 1. `narrowest mode` and `widest mode` are the extreme ratios of a mode's
    spread (root mean square distance from its mean) to the real one, at most and at least 1. All three are moved
    towards 1 by two and a half standard errors, so that a perfect sampler has about 1 for any number of samples.
    `mode W1` is the largest Wasserstein-1 distance inside a mode, mean over `projections` lines (Rabin et al. 2011), in
    standard deviations of the real mode, above 1.5 times what two samples of one distribution have.
    Only modes with at least `share` of their real share have a shape; what else is missing, `rarest mode` shows.
    """

    share: float = 0.1
    projections: int = 16

    version = "2"
    reference = RABIN
    better = {"rarest mode": "higher", "narrowest mode": "higher", "widest mode": "lower", "mode W1": "lower"}
    kind = {"rarest mode": "share", "narrowest mode": "share", "widest mode": "log"}
    uses_extractor = True
    on_device = True
    needs = ("modes",)
    limits = MODE_SHAPES

    def __post_init__(self) -> None:
        shares(share=self.share)
        at_least(1, projections=self.projections)

    def supports(self, dataset: Dataset) -> str | None:
        return None if dataset.modes else "the dataset does not state its number of modes"

    def __call__(self, real: View, fake: View) -> Mapping[str, float]:
        """Scores by name; without a mode of `LEAST` samples on both sides, `rarest mode` alone, 0 without any."""
        assert fake.modes is not None
        assert real.modes is not None
        count = max(int(real.modes.max()) + 1, 1)
        theirs, ours = _counts(real.modes, count), _counts(fake.modes, count)
        if not ours.sum():
            return {"rarest mode": 0.0}
        there = theirs > 0
        due = theirs / theirs.sum() * ours.sum()
        error = (1 / ours.clamp(min=0.5) + 1 / theirs.clamp(min=0.5)).sqrt()
        filled = (ours.clamp(min=0.5) / due)[there].log() + CHANCE * error[there]
        scores = {"rarest mode": filled.clamp(max=0).amin().exp().item() if len(filled) else 1.0}
        shaped = (ours >= self.share * due) & (torch.minimum(ours, theirs) >= LEAST)
        shapes = [self._shape(real, fake, k) for k in shaped.nonzero()[:, 0].tolist()]
        if not shapes:
            return scores
        narrowest, widest, distance = zip(*shapes, strict=True)
        return scores | {"narrowest mode": min(narrowest), "widest mode": max(widest), "mode W1": max(distance)}

    def _shape(self, real: View, fake: View, mode: int) -> tuple[float, float, float]:
        """One mode's spread, at most and at least 1, and its Wasserstein-1 distance."""
        theirs, ours = real.features[real.modes == mode], fake.features[fake.modes == mode]
        center = mean_of(theirs)
        theirs, ours = centered(theirs, center), centered(ours, center)
        ratio, error = _spread_ratio(ours, theirs)
        generator = torch.Generator().manual_seed(0)
        lines = torch.randn(theirs.shape[1], self.projections, generator=generator, dtype=torch.float64)
        lines = lines.to(theirs.device)
        a, b = ((side @ lines).T for side in (theirs, ours))
        gaps, unit = wasserstein(a, b).mean(), a.std(dim=1).mean()
        chance = BEYOND * GAP * (1 / len(theirs) + 1 / len(ours)) ** 0.5
        distance = max(0.0, (gaps / unit).item() - chance) if unit > 0 else float(gaps > 0)
        narrow, wide = min(0.0, ratio + CHANCE * error), max(0.0, ratio - CHANCE * error)
        return exp(narrow), exp(wide), distance


def _counts(modes: Tensor, count: int) -> Tensor:
    """The samples in each of the first `count` modes, (count,)."""
    return torch.bincount(modes[modes >= 0], minlength=count)[:count].double()


FLOOR = 1e-12
"""The smallest ratio of mean squared distances."""


def _spread_ratio(ours: Tensor, theirs: Tensor) -> tuple[float, float]:
    """The logarithm of the ratio of the spreads, and its standard error (by the real side's squared distances).

    Points that are all equal count as a millionth as wide as others.
    """
    squares = (theirs - theirs.mean(dim=0)).square().sum(dim=1)
    mine = (ours - ours.mean(dim=0)).square().sum(dim=1)
    mean = squares.mean()
    if not mean:
        return (0.5 * log(1 / FLOOR) if mine.any() else 0.0), 0.0
    error = 0.5 * (squares.var() / mean**2 * (1 / len(ours) + 1 / len(theirs))).sqrt()
    bias = len(ours) / (len(ours) - 1) * (len(theirs) - 1) / len(theirs)
    return 0.5 * (mine.mean() * bias / mean).clamp(min=FLOOR).log().item(), error.item()
