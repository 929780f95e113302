"""What chance contributes to training: a block of draws for one seed, on the CPU, for every device."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganbench import rng
from ganbench.specs import TrainSpec


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
    n, sides, batch = rng.BLOCK, spec.n_dis, spec.batch
    return Draws(
        torch.randint(samples, (n, sides, batch), generator=rng.generator(seed, "real", block)),
        torch.randn(n, sides + 1, batch, latent, generator=rng.generator(seed, "latent", block)),
        torch.rand(n, sides + 1, batch, generator=rng.generator(seed, "mix", block)),
    )
