"""Fully connected generator and discriminator, for points and small images."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from torch import nn


@dataclass(frozen=True)
class Mlp:
    """Fully connected pair of equal depth: ReLU in G, LeakyReLU of the given slope in D.

    G ends in tanh for images (which lie in [-1, 1]) and is linear for points.
    """

    width: int = 64
    depth: int = 3
    latent: int = 2
    slope: float = 0.0

    version = "1"

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.latent) < 1:
            raise ValueError("width, depth and latent must be >= 1")

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        layers = self._layers(self.latent, prod(shape), nn.ReLU)
        if len(shape) > 1:
            layers += [nn.Tanh(), nn.Unflatten(1, shape)]
        return nn.Sequential(*layers)

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Flatten(), *self._layers(prod(shape), 1, lambda: nn.LeakyReLU(self.slope)))

    def _layers(self, inputs: int, outputs: int, activation: Callable[[], nn.Module]) -> list[nn.Module]:
        widths = [inputs, *[self.width] * self.depth]
        hidden = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), activation())]
        return [*hidden, nn.Linear(widths[-1], outputs)]
