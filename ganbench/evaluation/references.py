"""Reference samples of a dataset, not made by a GAN: what good and bad scores are, at equal counts of samples."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.engine import threefry
from ganbench.evaluation.splits import Splits, subsample
from ganbench.registry.contracts import Data, floats

LARGE = 2**28
"""A split of so many numbers has its moments computed part by part: in float64 it alone takes 2 GiB."""
WIDE = 4096
"""Numbers of a sample up to which its covariance is computed."""
PART = 2**24
"""Numbers of a part."""


def reference_samples(name: str, splits: Splits, split: str, count: int) -> Data:
    """Samples (at most count, *shape) of one reference; real ones with their labels, if there are some.

    `real`: the split that the scores do not compare with, at most `count` samples of it;
    `gaussian`: a Gaussian with the data's mean and covariance (in pixel space, for images);
    `noise`: uniform over [-1, 1] for images and over the data's bounding box for points.
    """
    other = subsample(splits.load("test" if split == "train" else "train"), count, "reference")
    if name == "real":
        return other._replace(samples=floats(other.samples))
    samples, sides = splits.load(split).samples, splits.dataset.shape
    shape, width = (count, *sides), samples[0].numel()
    if name == "gaussian":
        return Data(_gaussian(samples, count).reshape(shape))
    low, high = torch.aminmax(samples.double(), dim=0) if len(sides) == 1 else torch.tensor([-1.0, 1.0])
    uniform = threefry.once(threefry.uniform, 0, "reference noise", (count, width)).double()
    return Data(torch.lerp(low.double(), high.double(), uniform).float().reshape(shape))


def _gaussian(samples: Tensor, count: int) -> Tensor:
    """Points (count, D) of the normal distribution with the mean and covariance of samples (N, *shape), float32.

    Up to `WIDE` numbers a sample by the eigenvectors of the covariance. Beyond, or with fewer samples than numbers, by
    random combinations of the centered samples, whose covariance is the same: D x D would not fit, and takes D^3 steps.
    """
    number, width = len(samples), samples[0].numel()
    if width <= min(WIDE, number):
        mean, covariance = _moments(samples)
        values, vectors = torch.linalg.eigh(covariance)
        noise = threefry.once(threefry.normal, 0, "reference gaussian", (count, width)).double()
        known: Tensor = noise.mul_(values.clamp(min=0).sqrt()) @ vectors.T
        return known.add_(mean).float()
    mean, drawn = samples.new_zeros(width, dtype=torch.float64), torch.zeros(count, width, dtype=torch.float64)
    for part in torch.split(samples, max(1, PART // width)):
        mean += floats(part).flatten(1).double().sum(dim=0) / number
    for i, part in enumerate(torch.split(samples, max(1, PART // width))):
        weights = threefry.once(threefry.normal, i, "reference gaussian parts", (count, len(part))).double()
        drawn.addmm_(weights, floats(part).flatten(1).double() - mean)
    return drawn.div_(max(1, number - 1) ** 0.5).add_(mean).float()


def _moments(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and unbiased covariance (D, D) of samples (N, *shape) as vectors, in float64."""
    if samples.numel() < LARGE:
        data = floats(samples).flatten(1).double()
        return data.mean(dim=0), torch.cov(data.T).reshape(data.shape[1], -1)
    parts = torch.split(samples, max(1, PART // samples[0].numel()))
    mean = sum((floats(part).flatten(1).double().sum(dim=0) for part in parts), torch.zeros(())) / len(samples)
    covariance = mean.new_zeros(len(mean), len(mean))
    for part in parts:
        rows = floats(part).flatten(1).double() - mean
        covariance.addmm_(rows.T, rows)
    return mean, covariance.div_(len(samples) - 1)
