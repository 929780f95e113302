"""The random numbers of a step: rows of the data, latents, labels, mixing weights, and what the plugins declare."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.engine import threefry
from ganbench.engine.objective import Objective
from ganbench.registry.training_contracts import Noise

NUMBERS_AT_ONCE = 2**22
"""About so many random numbers of one seed are drawn at once for the steps of an uncompiled path."""

Declared = dict[str, dict[str, Tensor]]
"""Declared draws by plugin and name."""


class Draws(NamedTuple):
    """The random numbers of one step: for each of D's n_dis moves, then for G's; every player's move has its own.

    `rows` (n_dis + 1, B) of the data, `latent` (n_dis + 1, B, latent), `mix` (n_dis + 1, B), uniform in [0, 1): the
    weights of `Critic.between`; `fake_rows` (n_dis + 1, B): rows whose labels the fakes have, empty without labels;
    `noise` as declared, with (n_dis + 1, B) before its own shape, for transforms (n_dis + 1, 2, B): real and fake side.
    """

    rows: Tensor
    latent: Tensor
    mix: Tensor
    fake_rows: Tensor
    noise: Declared


@dataclass(frozen=True)
class Recipe:
    """What a step draws: how many numbers of which kind."""

    objective: Objective
    moves: int
    batch: int
    latent: int
    shape: tuple[int, ...]
    rows: int
    labeled: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the streams, in the order of their keys."""
        declared = (f"{one.name}.{name}" for one in self.objective.members for name in one.noise)
        return ("real", "latent", "mix", "labels", *declared)

    def keys(self, seed: int) -> Tensor:
        """The keys of a seed's streams (names, 2), int32."""
        return torch.tensor([threefry.key(seed, name) for name in self.names], dtype=torch.int32)

    def drawn(self, keys: Tensor, steps: Tensor) -> Draws:
        """The numbers of one step, () int32, for keys ([S,] names, 2); or of several steps (n,) for one seed's keys.

        The seeds, or the steps, are the first dimension.
        """
        sides, batch = self.moves, self.batch
        one = dict(zip(self.names, keys.unbind(-2), strict=True))
        noise: Declared = {}
        for member in self.objective.members:
            before = (sides, 2, batch) if member in self.objective.transforms else (sides, batch)
            for name, declared in member.noise.items():
                kind = threefry.normal if declared.kind == "normal" else threefry.uniform
                drawn = kind(one[f"{member.name}.{name}"], steps, (*before, *self._sides(declared)))
                noise.setdefault(member.name, {})[name] = drawn
        unlabeled = torch.zeros((*steps.shape, *keys.shape[:-2], sides, 0), dtype=torch.int64, device=keys.device)
        return Draws(
            threefry.integers(one["real"], steps, self.rows, (sides, batch)),
            threefry.normal(one["latent"], steps, (sides, batch, self.latent)),
            threefry.uniform(one["mix"], steps, (sides, batch)),
            threefry.integers(one["labels"], steps, self.rows, (sides, batch)) if self.labeled else unlabeled,
            noise,
        )

    def _sides(self, declared: Noise) -> tuple[int, ...]:
        if declared.shape == "sample":
            return self.shape
        return (self.latent,) if declared.shape == "latent" else tuple(declared.shape)

    @property
    def numbers(self) -> int:
        """About how many numbers one step draws."""
        found = self.moves * self.batch * (self.latent + 3)
        for member in self.objective.members:
            sides = 2 if member in self.objective.transforms else 1
            found += sum(sides * self.moves * self.batch * prod(self._sides(one)) for one in member.noise.values())
        return found

    @property
    def steps_at_once(self) -> int:
        """For how many steps numbers are drawn at once where the step is not compiled."""
        return max(1, NUMBERS_AT_ONCE // self.numbers)
