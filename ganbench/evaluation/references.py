"""Reference samples of a dataset, not made by a GAN: what good and bad scores are, at equal counts of samples."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.engine import threefry
from ganbench.evaluation.splits import Splits, subsample
from ganbench.registry.contracts import Data, floats

LARGE = 2**28
"""A split of so many numbers has its moments computed part by part: in float64 it alone takes 2 GiB."""
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
        mean, covariance = _moments(samples)
        values, vectors = torch.linalg.eigh(covariance)
        noise = threefry.once(threefry.normal, 0, "reference gaussian", (count, width)).double()
        drawn = noise.mul_(values.clamp(min=0).sqrt()) @ vectors.T
        return Data(drawn.add_(mean).float().reshape(shape))
    low, high = torch.aminmax(samples.double(), dim=0) if len(sides) == 1 else torch.tensor([-1.0, 1.0])
    uniform = threefry.once(threefry.uniform, 0, "reference noise", (count, width)).double()
    return Data(torch.lerp(low.double(), high.double(), uniform).float().reshape(shape))


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
