"""R3GAN's residual networks without normalization."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu

from ganbench_architectures.images import unsupported
from ganbench_architectures.labels import ClassVectors
from ganbench_losses.papers import HUANG

SLOPE = 0.2
GAIN = sqrt(2 / (1 + SLOPE**2))
"""Keeps the variance through LeakyReLU."""
LINEAR_LAYERS = 3
"""Of a residual block."""
SIDES = (8, 16, 32, 64, 128, 256)


@dataclass(frozen=True)
class R3gan:
    """R3GAN's residual pair: inverted bottlenecks with grouped 3x3 convolutions, no normalization.

    Huang et al. 2024, configuration E, as published: G (B, latent) -> (B, C, S, S) multiplies a learned 4x4 basis by a
    linear function of the latent; `blocks` residual blocks at every size from 4x4 on, between them bilinear
    upsampling with the filter 1-3-3-1 (and a 1x1 convolution where the width changes); a 1x1 convolution to the
    image. D (B, C, S, S) -> (B, 1) mirrors it and ends in a depthwise 4x4 basis and a linear layer.

    A block is x + W3 a(W2 a(W1 x)): 1x1 to `expansion` times the width, 3x3 in groups of `group` channels, 1x1 back; a
    is LeakyReLU of slope 0.2 after a bias. Weights start as N(0, gain**2 / fan in); in a block with the gain of
    LeakyReLU divided by the fourth root of the number of blocks, and W3 = 0 (as in Fixup).

    The defaults are those for CIFAR-10 and FFHQ-64: `width` channels up to 32x32, half at 64x64, a quarter at 128x128,
    an eighth at 256x256. `conditional: true`: G gets a learned vector of the class beside the latent; the logit is the
    inner product of D's last features (B, width) with another, divided by sqrt(width). It differs from the paper's in
    one point: G ends in tanh, because samples lie in [-1, 1]. `features` returns what D's last layer gets as an extra.
    """

    width: int = 768
    blocks: int = 2
    expansion: int = 2
    group: int = 16
    latent: int = 64
    conditional: bool = False
    features: bool = False

    version = "1"
    reference = HUANG

    def __post_init__(self) -> None:
        if min(self.width, self.blocks, self.expansion, self.group, self.latent) < 1:
            raise ValueError("width, blocks, expansion, group and latent must be >= 1")
        if self.width * self.expansion % self.group:
            raise ValueError(f"width x expansion must be a multiple of group, got {self.width} x {self.expansion} and "
                             f"{self.group}")  # fmt: skip

    @property
    def extras(self) -> tuple[str, ...]:
        """What D returns beside its logits."""
        return ("features",) if self.features else ()

    def supports(self, shape: tuple[int, ...]) -> str | None:
        reason = unsupported(shape, lambda side: side in SIDES, "square images of 8, 16, 32, 64, 128 and 256 pixels")
        if reason:
            return reason
        last = self._widths(shape[1])[-1]
        if last < 1 or last * self.expansion % self.group:
            return (
                f"at {shape[1]}x{shape[1]} the last stage is {last} wide: {last} x {self.expansion} is no multiple of "
                f"group {self.group}; choose another width or group"
            )
        return None

    def _widths(self, side: int) -> list[int]:
        """The width of each stage, from 4x4 to the size of the image."""
        return [self.width // max(1, (4 << i) // 32) for i in range(side.bit_length() - 2)]

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        widths = self._widths(shape[1])
        inputs = self.latent if classes is None else 2 * self.latent
        layers: list[nn.Module] = [GeneratorBasis(inputs, widths[0]), *self._blocks(widths[0], len(widths))]
        for a, b in pairwise(widths):
            change = [] if a == b else [convolution(a, b, 1)]
            layers += [*change, Upsample(), *self._blocks(b, len(widths))]
        body = nn.Sequential(*layers, convolution(widths[-1], shape[0], 1), nn.Tanh())
        return body if classes is None else ClassGenerator(body, classes, self.latent)

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        widths = self._widths(shape[1])[::-1]
        layers: list[nn.Module] = [convolution(shape[0], widths[0], 1), *self._blocks(widths[0], len(widths))]
        for a, b in pairwise(widths):
            change = [] if a == b else [convolution(a, b, 1)]
            layers += [Downsample(), *change, *self._blocks(b, len(widths))]
        basis = scaled(nn.Conv2d(widths[-1], widths[-1], 4, groups=widths[-1], bias=False))
        return R3ganDiscriminator(nn.Sequential(*layers, basis, nn.Flatten()), widths[-1], classes, self.features)

    def _blocks(self, width: int, stages: int) -> list[nn.Module]:
        """The residual blocks of one of so many stages."""
        return [Block(width, self.expansion, self.group, self.blocks * stages) for _ in range(self.blocks)]


@dataclass(frozen=True)
class R3ganTiny(R3gan):
    """R3GAN's residual pair, an eighth as wide as the published one: 96 channels, one block per size.

    The structure of `r3gan` at a cost that one GPU can pay. Its scores are not those of R3GAN.
    """

    width: int = 96
    blocks: int = 1


def scaled(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Conv2d | nn.Linear:
    """The layer with weights from N(0, gain**2 / fan in)."""
    nn.init.normal_(layer.weight, 0.0, gain / sqrt(layer.weight[0].numel()))
    return layer


def convolution(inputs: int, outputs: int, kernel: int, groups: int = 1, gain: float = 1.0) -> nn.Module:
    """A convolution that keeps the size, without biases."""
    return scaled(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False), gain)


class BiasedActivation(nn.Module):
    """LeakyReLU of x plus a learned bias for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return leaky_relu(x + self.bias[:, None, None], SLOPE)


class Block(nn.Module):
    """A residual block (B, width, S, S) -> the same; `of` is the number of blocks in its network."""

    def __init__(self, width: int, expansion: int, group: int, of: int) -> None:
        super().__init__()
        wide, gain = width * expansion, GAIN * of ** (-1 / (2 * LINEAR_LAYERS - 2))
        self.branch = nn.Sequential(
            convolution(width, wide, 1, gain=gain),
            BiasedActivation(wide),
            convolution(wide, wide, 3, groups=wide // group, gain=gain),
            BiasedActivation(wide),
            convolution(wide, width, 1, gain=0.0),
        )

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = x + self.branch(x)
        return made


class GeneratorBasis(nn.Module):
    """A learned 4x4 basis, scaled by a linear function of the input: (B, inputs) -> (B, channels, 4, 4)."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(channels, 4, 4))
        self.linear = scaled(nn.Linear(inputs, channels, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.basis * self.linear(x)[:, :, None, None]
        return made


class Resample(nn.Module):
    """Bilinear resampling of every channel with the filter 1-3-3-1, zeros beyond the border."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        line = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(line, line))

    def filters(self, channels: int) -> Tensor:
        """The filter for each channel (channels, 1, 4, 4)."""
        return self.kernel.expand(channels, 1, 4, 4)


class Upsample(Resample):
    """Doubles the size: (B, C, S, S) -> (B, C, 2 S, 2 S)."""

    def forward(self, x: Tensor) -> Tensor:
        return conv_transpose2d(x, 4 * self.filters(x.shape[1]), stride=2, padding=1, groups=x.shape[1])


class Downsample(Resample):
    """Halves the size: (B, C, S, S) -> (B, C, S / 2, S / 2)."""

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.filters(x.shape[1]), stride=2, padding=1, groups=x.shape[1])


class ClassGenerator(nn.Module):
    """G with a learned vector of the class beside the latent: (B, latent), (B,) -> (B, *shape)."""

    def __init__(self, body: nn.Module, classes: int, dims: int) -> None:
        super().__init__()
        self.body = body
        self.vectors = ClassVectors(classes, dims, std=1 / sqrt(classes))

    def forward(self, latent: Tensor, labels: Tensor) -> Tensor:
        made: Tensor = self.body(torch.cat([latent, self.vectors(labels)], dim=1))
        return made


class R3ganDiscriminator(nn.Module):
    """Logits (B, 1) of a body's features (B, width): w f(x), or <v[y], W f(x)> with a vector v[y] for each class."""

    def __init__(self, body: nn.Module, width: int, classes: int | None, features: bool) -> None:
        super().__init__()
        self.body, self.features = body, features
        self.output = scaled(nn.Linear(width, 1 if classes is None else width, bias=False))
        self.vectors = None if classes is None else ClassVectors(classes, width, std=1 / sqrt(classes * width))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        features: Tensor = self.body(x)
        logits: Tensor = self.output(features)
        if self.vectors is not None and labels is not None:
            logits = (logits * self.vectors(labels)).sum(dim=1, keepdim=True)
        return (logits, {"features": features}) if self.features else logits
