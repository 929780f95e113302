"""What chance contributes to training: a block of draws for one seed, on the CPU, for every device."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganbench import seeding
from ganbench.engine import noise
from ganbench.suite.specs import TrainSpec


def generator(seed: int, purpose: str, block: int = 0) -> torch.Generator:
    """A fresh CPU generator for one (seed, purpose, block).

    Draws are made on the CPU whatever the device, so that every device sees the same numbers.
    """
    return torch.Generator().manual_seed(seeding.number(seed, purpose, block))


class Draws(NamedTuple):
    """A block of draws: rows of the data set, latents and mixing weights for n steps.

    `rows` (n, [S,] n_dis, B), `latent` (n, [S,] n_dis + 1, B, latent), `mix` like latent without
    its last dimension; the seed dimension is there in a stack.
    """

    rows: Tensor
    latent: Tensor
    mix: Tensor


def draw(seed: int, block: int, spec: TrainSpec, samples: int, latent: int) -> Draws:
    """One seed's draws of one block: the same on every device and beside any neighbours."""
    n, sides, batch = seeding.BLOCK, spec.n_dis, spec.batch
    return Draws(
        torch.randint(samples, (n, sides, batch), generator=noise.generator(seed, "real", block)),
        torch.randn(n, sides + 1, batch, latent, generator=noise.generator(seed, "latent", block)),
        torch.rand(n, sides + 1, batch, generator=noise.generator(seed, "mix", block)),
    )
