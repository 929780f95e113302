"""Pre-drawn noise and batch indices of a seed, block by block, generated on the CPU for every device."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganbench import seeding
from ganbench.engine import noise
from ganbench.suite.specs import TrainSpec


def generator(seed: int, purpose: str, block: int = 0) -> torch.Generator:
    """A new CPU generator for one (seed, purpose, block).

    Random numbers are always generated on the CPU, so that every device sees the same ones.
    """
    return torch.Generator().manual_seed(seeding.number(seed, purpose, block))


class NoiseBlock(NamedTuple):
    """The random numbers of a block of n steps: rows of the dataset, latents and mixing weights.

    `rows` (n, [S,] n_dis, B), `latent` (n, [S,] n_dis + 1, B, latent), `mix` like latent without
    its last dimension; the seed dimension S exists only in a stack.
    """

    rows: Tensor
    latent: Tensor
    mix: Tensor


def noise_block(seed: int, block: int, spec: TrainSpec, samples: int, latent: int) -> NoiseBlock:
    """One seed's noise for one block: the same on every device and with any other seeds."""
    n, sides, batch = seeding.BLOCK, spec.n_dis, spec.batch
    return NoiseBlock(
        torch.randint(samples, (n, sides, batch), generator=noise.generator(seed, "real", block)),
        torch.randn(n, sides + 1, batch, latent, generator=noise.generator(seed, "latent", block)),
        torch.rand(n, sides + 1, batch, generator=noise.generator(seed, "mix", block)),
    )
