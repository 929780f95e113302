"""Layers that GAN papers put into networks: normalizations, statistics of the batch, noise, dropout."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from ganbench import hookimpl

Layer = Callable[[int], nn.Module]


class StandardDeviation(nn.Module):
    """Minibatch standard deviation: one more map with the mean deviation over the batch (Karras et al. 2018)."""

    def forward(self, x: Tensor) -> Tensor:
        spread = (x.var(dim=0, correction=0) + 1e-8).sqrt().mean()
        return torch.cat([x, spread.expand(len(x), 1, *x.shape[2:])], dim=1)


class Discrimination(nn.Module):
    """Minibatch discrimination: how near each sample's features are to those of the others (Salimans et al. 2016)."""

    def __init__(self, inputs: int, kernels: int = 8, dims: int = 4) -> None:
        super().__init__()
        self.kernels, self.project = kernels, nn.Linear(inputs, kernels * dims, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.project(x).unflatten(1, (self.kernels, -1))
        near = (-(rows[:, None] - rows).abs().sum(dim=-1)).exp().sum(dim=1) - 1
        return torch.cat([x, near], dim=1)


class Noise(nn.Module):
    """Normal noise on the activations, from torch's own random stream."""

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.sigma = sigma

    def forward(self, x: Tensor) -> Tensor:
        return x + self.sigma * torch.randn_like(x)


NORMS: dict[str, Layer] = {
    "group": lambda width: nn.GroupNorm(4, width),  # Wu and He 2018
    "instance": lambda width: nn.InstanceNorm2d(width, affine=True),  # Ulyanov et al. 2016
    "batch": nn.BatchNorm2d,
}
ENDS: dict[str, tuple[Callable[[int], nn.Module], int]] = {
    "none": (lambda width: nn.Identity(), 0),
    "discrimination": (Discrimination, 8),
    "dropout": (lambda width: nn.Dropout(0.5), 0),
    "rrelu": (lambda width: nn.RReLU(), 0),
    "noise": (lambda width: Noise(0.1), 0),
}
"""Layers at the end of a fully connected D, and the features that they add."""


@dataclass(frozen=True)
class Normalized:
    """A small convolutional pair with group, instance or batch normalization in G, and minibatch deviation in D."""

    norm: str = "group"
    width: int = 8
    latent: int = 16

    reference = ("arXiv:1803.08494", "arXiv:1607.08022", "arXiv:1710.10196")

    def __post_init__(self) -> None:
        if self.norm not in NORMS or self.width % 4:
            raise ValueError(f"norm must be one of {', '.join(NORMS)} and width a multiple of 4")

    def supports(self, shape: tuple[int, ...]) -> str | None:
        fits = len(shape) == 3 and shape[1] % 4 == 0 and shape[2] % 4 == 0
        return None if fits else "it needs images whose sides are multiples of 4"

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        size, wide = (shape[1] // 4, shape[2] // 4), 2 * self.width
        return nn.Sequential(
            nn.Linear(self.latent, wide * prod(size)),
            nn.Unflatten(1, (wide, *size)),
            NORMS[self.norm](wide),
            nn.ReLU(),
            nn.ConvTranspose2d(wide, self.width, 4, 2, 1),
            NORMS[self.norm](self.width),
            nn.ReLU(),
            nn.ConvTranspose2d(self.width, shape[0], 4, 2, 1),
            nn.Tanh(),
        )

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        wide = 2 * self.width
        return nn.Sequential(
            nn.Conv2d(shape[0], self.width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(self.width, wide, 4, 2, 1),
            nn.LeakyReLU(0.2),
            StandardDeviation(),
            nn.Flatten(),
            nn.Linear((wide + 1) * shape[1] * shape[2] // 16, 1),
        )


@dataclass(frozen=True)
class Equipped:
    """A fully connected pair whose D has weight normalization and ends in another layer.

    `end` is one of none, discrimination (minibatch discrimination), dropout, rrelu, noise.
    """

    end: str = "discrimination"
    width: int = 32
    latent: int = 2

    reference = ("arXiv:1606.03498", "arXiv:1602.07868")

    def __post_init__(self) -> None:
        if self.end not in ENDS:
            raise ValueError(f"end must be one of {', '.join(ENDS)}")

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        hidden = nn.Sequential(nn.Linear(self.latent, self.width), nn.ReLU(), nn.Linear(self.width, prod(shape)))
        return nn.Sequential(hidden, nn.Unflatten(1, shape), nn.Tanh() if len(shape) > 1 else nn.Identity())

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        layer, more = ENDS[self.end]
        return nn.Sequential(
            nn.Flatten(),
            weight_norm(nn.Linear(prod(shape), self.width)),
            nn.LeakyReLU(0.2),
            layer(self.width),
            nn.Linear(self.width + more, 1),
        )


@hookimpl
def register_architectures() -> dict[str, type]:
    return {"normalized": Normalized, "equipped": Equipped}
