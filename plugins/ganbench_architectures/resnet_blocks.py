"""Residual blocks of SNGAN, and SAGAN's self-attention."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from ganbench_architectures.initialization import initialize_xavier
from ganbench_architectures.labels import batch_norm


def convolution(inputs: int, outputs: int, kernel: int, gain: float = 1.0) -> nn.Conv2d:
    """A convolution that keeps the size, with Xavier's initial weights."""
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    initialize_xavier(layer, gain)
    return layer


class GeneratorBlock(nn.Module):
    """Doubles the size: maps (B, inputs, S, S) [, labels (B,)] -> (B, outputs, 2 S, 2 S).

    x -> conv1x1(up(x)) + conv3x3(relu(bn(conv3x3(up(relu(bn(x))))))), bn conditional if there are classes.
    """

    labeled = True

    def __init__(self, inputs: int, outputs: int, upsample: str, classes: int | None) -> None:
        super().__init__()
        self.norm1, self.norm2 = batch_norm(inputs, classes), batch_norm(outputs, classes)
        self.conv1 = convolution(inputs, outputs, 3, sqrt(2))
        self.conv2 = convolution(outputs, outputs, 3, sqrt(2))
        self.shortcut = convolution(inputs, outputs, 1)
        self.upsample = upsample

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        given = () if labels is None else (labels,)
        h = torch.relu(self.norm1(x, *given))
        h = torch.relu(self.norm2(self.conv1(self._up(h)), *given))
        made: Tensor = self.conv2(h) + self.shortcut(self._up(x))
        return made

    def _up(self, x: Tensor) -> Tensor:
        if self.upsample == "nearest":
            return interpolate(x, scale_factor=2, mode="nearest")
        return interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class DiscriminatorBlock(nn.Module):
    """Maps (B, inputs, S, S) -> (B, outputs, S / 2, S / 2), or (B, outputs, S, S) without `down`.

    x -> pool(conv1x1(x)) + pool(conv3x3(relu(conv3x3(relu(x))))). The `first` block starts at the image: it has no ReLU
    before its first convolution, and pools before the 1x1 convolution. A block that neither pools nor changes the
    number of channels adds x itself.
    """

    def __init__(self, inputs: int, outputs: int, down: bool, first: bool = False) -> None:
        super().__init__()
        hidden = outputs if first else inputs
        self.conv1 = convolution(inputs, hidden, 3, sqrt(2))
        self.conv2 = convolution(hidden, outputs, 3, sqrt(2))
        self.shortcut = convolution(inputs, outputs, 1) if down or inputs != outputs else None
        self.down, self.first = down, first

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv2(torch.relu(self.conv1(x if self.first else torch.relu(x))))
        if self.shortcut is None:
            kept = x
        elif self.first:
            kept = self.shortcut(self._pool(x))
        else:
            kept = self._pool(self.shortcut(x))
        made: Tensor = self._pool(h) + kept
        return made

    def _pool(self, x: Tensor) -> Tensor:
        return avg_pool2d(x, 2) if self.down else x


class SelfAttention(nn.Module):
    """Adds to each place a mean of the others, weighted by similarity: (B, C, S, S) -> the same.

    Zhang et al. 2019: o = x + gamma w(h(x) softmax(f(x)' g(x))), gamma 0 at first; keys and values are pooled to half
    the size, as in its published code. f and g have C / 8 channels, h has C / 2 (at least one).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        keys, values = max(1, channels // 8), max(1, channels // 2)
        self.query, self.key, self.value, self.out = (
            nn.Conv2d(a, b, 1, bias=False)
            for a, b in ((channels, keys), (channels, keys), (channels, values), (values, channels))
        )
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x).flatten(2)
        key, value = (max_pool2d(layer(x), 2).flatten(2) for layer in (self.key, self.value))
        weights = torch.softmax(query.transpose(1, 2) @ key, dim=-1)
        mean = (value @ weights.transpose(1, 2)).reshape(*value.shape[:2], *x.shape[2:])
        made: Tensor = x + self.gamma * self.out(mean)
        return made
