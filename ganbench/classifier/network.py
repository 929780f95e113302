"""The network of a trained extractor: a small convolutional classifier of images of any size."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

WIDTHS = (16, 32, 64)
"""Channels of the first convolutions; later ones have as many as the last."""
GRID = 4
"""Height and width of the map that the features are computed from."""
LARGEST = 64
"""Larger images are averaged down to this height and width."""
FEATURES = 64


class ClassifierNet(nn.Module):
    """Convolutions with batch normalization, each after the first halving the image; then 64 features, then logits.

    The number of convolutions follows from the size: three halvings for 32x32. With ten classes and one channel it has
    127,000 weights.
    """

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        """`shape` is that of an image, (C, H, W)."""
        super().__init__()
        self.shape, self.classes = shape, classes
        channels, height, width = shape
        self.size = (min(height, LARGEST), min(width, LARGEST))
        halvings = max(1, int(math.log2(max(1, min(self.size) / GRID))))
        wide = [WIDTHS[min(place, len(WIDTHS) - 1)] for place in range(halvings + 1)]
        layers: list[nn.Module] = []
        for place, (before, after) in enumerate(zip([channels, *wide], wide, strict=False)):
            layers += [
                nn.Conv2d(before, after, 3, stride=1 if place == 0 else 2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.body = nn.Sequential(*layers)
        self.features = nn.Linear(wide[-1] * GRID * GRID, FEATURES)
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (B, C, H, W) in [-1, 1] to features (B, 64) and logits (B, K)."""
        if tuple(images.shape[2:]) != self.size:
            images = adaptive_avg_pool2d(images, self.size)
        grid = adaptive_avg_pool2d(self.body(images), (GRID, GRID)).flatten(1)
        features = torch.relu(self.features(grid))
        return features, self.head(features)
