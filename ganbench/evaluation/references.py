"""Reference samples of a dataset, not made by a GAN: what good and bad scores are, at equal counts of samples."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.engine import threefry
from ganbench.evaluation.splits import Splits, subsample
from ganbench.registry.contracts import Data, floats


def reference_samples(name: str, splits: Splits, split: str, count: int) -> Data:
    """Samples (at most count, *shape) of one reference; real ones with their labels, if there are some.

    `real`: the split that the scores do not compare with, at most `count` samples of it;
    `gaussian`: a Gaussian with the data's mean and covariance (in pixel space, for images);
    `noise`: uniform over [-1, 1] for images and over the data's bounding box for points.
    """
    other = subsample(splits.load("test" if split == "train" else "train"), count, "reference")
    if name == "real":
        return other._replace(samples=floats(other.samples))
    data: Tensor = floats(splits.load(split).samples).flatten(1).double()
    sides = splits.dataset.shape
    shape = (count, *sides)
    if name == "gaussian":
        values, vectors = torch.linalg.eigh(torch.cov(data.T).reshape(data.shape[1], -1))
        noise = threefry.once(threefry.normal, 0, "reference gaussian", (count, data.shape[1])).double()
        drawn: Tensor = data.mean(dim=0) + (noise * values.clamp(min=0).sqrt()) @ vectors.T
        return Data(drawn.float().reshape(shape))
    low, high = torch.aminmax(data, dim=0) if len(sides) == 1 else torch.tensor([-1.0, 1.0])
    uniform = threefry.once(threefry.uniform, 0, "reference noise", (count, data.shape[1])).double()
    return Data(torch.lerp(low.double(), high.double(), uniform).float().reshape(shape))
