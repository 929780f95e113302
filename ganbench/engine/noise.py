"""Seeded generators of the evaluation."""

from __future__ import annotations

import torch

from ganbench import seeding


def generator(seed: int, purpose: str, block: int = 0) -> torch.Generator:
    """A new CPU generator for one (seed, purpose, block).

    Random numbers are always generated on the CPU, so that every device sees the same ones.
    """
    return torch.Generator().manual_seed(seeding.number(seed, purpose, block))
