"""What training holds and returns: a seed's result, its resumable state, groups of seeds, progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from ganbench.engine.networks import Buffers
from ganbench.engine.step import State
from ganbench.results.records import Failure, Snapshot


@dataclass
class TrainedSeed:
    """The result of training one seed.

    `params` are G's raw parameters, `average` their exponential moving average, both flat (P,); without an average
    (`ema: 0`) that is G before its first step.
    `discriminator` are D's, with buffers of their own; `history` the signals (rows, 12) at `steps`.
    `failure` says at which step it diverged, None if it did not. `frames` are a few samples by step, taken
    during training for the film.
    """

    seed: int
    failure: Failure | None = None
    params: Tensor = field(default_factory=lambda: torch.zeros(0))
    average: Tensor = field(default_factory=lambda: torch.zeros(0))
    buffers: Buffers = field(default_factory=dict)
    discriminator: Tensor = field(default_factory=lambda: torch.zeros(0))
    discriminator_buffers: Buffers = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    history: list[list[float]] = field(default_factory=list)
    seconds: float = 0.0
    snapshots: list[Snapshot] = field(default_factory=list)
    frames: dict[int, Tensor] = field(default_factory=dict)


class SeedState(NamedTuple):
    """A seed's state after `step` steps and its result so far: what a checkpoint saves and restores."""

    step: int
    state: State
    result: TrainedSeed


@dataclass
class Group:
    """Seeds that advance together: a stack, or one seed."""

    seeds: tuple[int, ...]
    state: State
    step: int = 0
    alive: bool = True

    @property
    def distinct(self) -> tuple[int, ...]:
        """The seeds without those that only fill up a stack."""
        return tuple(dict.fromkeys(self.seeds))


class Callback(NamedTuple):
    """A function called `times` times during training, evenly spaced, the last time at the final step."""

    times: int
    call: Callable[[int, list[TrainedSeed]], None]

    def due(self, steps: int) -> list[int]:
        """The steps after which it is called, in a training of `steps` steps."""
        return [round(steps * (i + 1) / self.times) for i in range(self.times)]


NewRows: TypeAlias = dict[int, tuple[list[int], list[list[float]]]]
"""By seed: the steps (m,) at which signals were recorded, and the signals (m, 12)."""


class Progress(NamedTuple):
    """The progress of a cell: step (mean over its seeds), seeds alive, last losses, real images per second.

    `fresh` are the rows of the history since the previous progress; after a resume, also those recorded before it.
    """

    step: float
    alive: int
    d_loss: float
    g_loss: float
    images_per_second: float
    fresh: NewRows

    def after(self, earlier: Progress) -> Progress:
        """This progress, including the rows of an earlier one that was not sent."""
        fresh = dict(earlier.fresh)
        for seed, (steps, history) in self.fresh.items():
            before = fresh.get(seed, ([], []))
            fresh[seed] = (before[0] + steps, before[1] + history)
        return self._replace(fresh=fresh)
