"""Trains a small classifier of images: the same data, recipe and machine give the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from ganbench.classifier.network import ClassifierNet
from ganbench.engine.threads import one_thread
from ganbench.registry.contracts import Data, floats
from ganbench.seeding import number

SHOWN = 600_000
"""Images that training shows by default, whatever the size of the data..."""
MOST_EPOCHS = 200
"""... but each at most so often."""
EVALUATED = 500
"""Images per call when the accuracy is measured."""

Report = Callable[[int, int, float], None]
"""Called after each epoch with its number, the number of epochs, and the mean loss in it."""


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained: Adam, a learning rate that falls to 0 as a cosine, and noise on the images.

    `epochs` 0 takes as many as show 600,000 images, at most 200. `noise` is the standard deviation of Gaussian noise on
    images in [-1, 1], `shift` how many pixels they are moved at most in either direction, with their border repeated.
    """

    epochs: int = 0
    batch: int = 128
    rate: float = 2e-3
    noise: float = 0.1
    shift: int = 0
    seed: int = 0

    def epochs_for(self, count: int) -> int:
        """The number of epochs for so many training images."""
        return self.epochs or min(MOST_EPOCHS, math.ceil(SHOWN / count))


def train_classifier(
    data: Data, classes: int, recipe: Recipe = Recipe(), report: Report | None = None
) -> ClassifierNet:
    """A classifier of images (N, C, H, W) with labels 0 to `classes` - 1, in evaluation mode, trained on one thread.

    Raises `ValueError` without labels.
    """
    if data.labels is None:
        raise ValueError("a classifier needs labels")
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(number(recipe.seed, "classifier/weights"))
        net = ClassifierNet(tuple(data.samples.shape[1:]), classes)
        draws = torch.Generator().manual_seed(number(recipe.seed, "classifier/batches"))
        _train(net, data.samples, data.labels, recipe, draws, report)
    return net.eval().requires_grad_(False)


def accuracy(net: nn.Module, data: Data) -> float:
    """The share of images whose label is the class of the largest logit. Raises `ValueError` without labels."""
    if data.labels is None:
        raise ValueError("an accuracy needs labels")
    right = 0
    with one_thread(), torch.no_grad():
        for images, labels in zip(
            torch.split(data.samples, EVALUATED), torch.split(data.labels, EVALUATED), strict=True
        ):
            right += int((net(floats(images))[1].argmax(dim=1) == labels).sum())
    return right / len(data.labels)


def _train(
    net: ClassifierNet, samples: Tensor, labels: Tensor, recipe: Recipe, draws: torch.Generator, report: Report | None
) -> None:
    count = len(samples)
    batch = min(recipe.batch, count)
    epochs, steps = recipe.epochs_for(count), count // batch
    optimizer = torch.optim.Adam(net.parameters(), recipe.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    for epoch in range(epochs):
        total = 0.0
        order = torch.randperm(count, generator=draws)[: steps * batch].view(steps, batch)
        for rows in order:
            images = moved(floats(samples[rows]), recipe.shift, draws)
            logits = net(images + recipe.noise * torch.randn(images.shape, generator=draws))[1]
            loss = cross_entropy(logits, labels[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item()
        if report:
            report(epoch + 1, epochs, total / steps)


def moved(images: Tensor, shift: int, draws: torch.Generator) -> Tensor:
    """Images (B, C, H, W), each moved down and across by draws from -shift to shift pixels, its border repeated."""
    if not shift:
        return images
    count, _, height, width = images.shape
    wide = pad(images, [shift] * 4, mode="replicate")
    rows = torch.randint(2 * shift + 1, (count, 1), generator=draws) + torch.arange(height)
    columns = torch.randint(2 * shift + 1, (count, 1), generator=draws) + torch.arange(width)
    every = torch.arange(count)[:, None, None]
    return wide[every, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()
