"""Gaussian mixtures in the plane, with known modes and a known density."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import cos, isqrt, log, pi, sin
from typing import Literal

import torch
from torch import Tensor

from ganbench import Data
from ganbench_datasets.papers import METZ

SIZES = {"train": 100_000, "test": 10_000}


class Points(ABC):
    """Points that are drawn at random, always the same ones."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n new points (n, D)."""

    def load(self, split: Literal["train", "test"]) -> Data:
        """Fixed samples: 100,000 training points and 10,000 other test points."""
        seed = {"train": 0, "test": 1}[split]
        return Data(self.sample(SIZES[split], torch.Generator().manual_seed(seed)))


@dataclass(frozen=True)
class Mixture(Points):
    """Equal isotropic Gaussians on a ring or on a square grid.

    `scale` is the radius of the ring or the spacing of the grid, `std` the standard deviation of each
    Gaussian, both in the units that the networks see.
    """

    layout: str = "ring"
    components: int = 8
    scale: float = 2.0
    std: float = 0.02

    version = "1"
    shape = (2,)
    extractor = "mixture"
    metrics = ("modes", "mode-shapes", "spread", "sliced-wasserstein")

    def __post_init__(self) -> None:
        if self.layout not in ("ring", "grid"):
            raise ValueError(f"layout must be ring or grid, got {self.layout!r}")
        if self.components < 2 or (self.layout == "grid" and isqrt(self.components) ** 2 != self.components):
            raise ValueError(f"{self.components} components do not make a {self.layout}")
        if self.scale <= 0 or self.std <= 0:
            raise ValueError("scale and std must be > 0")

    @property
    def modes(self) -> int:
        return self.components

    @property
    def centres(self) -> Tensor:
        """The centers of the modes (K, 2)."""
        if self.layout == "ring":
            angles = [2 * pi * i / self.components for i in range(self.components)]
            return torch.tensor([[self.scale * cos(a), self.scale * sin(a)] for a in angles])
        side = isqrt(self.components)
        line = (torch.arange(side) - (side - 1) / 2) * self.scale
        return torch.cartesian_prod(line, line)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n new points (n, 2)."""
        mode = torch.randint(self.components, (n,), generator=generator)
        return self.centres[mode] + self.std * torch.randn(n, 2, generator=generator)

    def log_density(self, x: Tensor) -> Tensor:
        """The natural logarithm of the density at x (N, 2)."""
        squares = (x[:, None] - self.centres.to(x)).square().sum(dim=2)
        return torch.logsumexp(-squares / (2 * self.std**2), dim=1) - log(2 * pi * self.std**2 * self.components)

    def fingerprint(self) -> str:
        """A hash of everything that `load` computes from; the samples themselves are not computed."""
        parameters = (self.layout, self.components, float(self.scale), float(self.std))
        return hashlib.sha256(repr((self.version, parameters, SIZES)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Ring8(Mixture):
    """Eight Gaussians of std 0.02 on a circle of radius 2."""

    reference = METZ


@dataclass(frozen=True)
class Grid25(Mixture):
    """Twenty-five Gaussians on a 5x5 grid, spacing 1 and std 0.025 (half of the usual 2 and 0.05)."""

    layout: str = "grid"
    components: int = 25
    scale: float = 1.0
    std: float = 0.025
