"""Seeds as a dimension: one step function, mapped over a stack of seeds or called seed by seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from ganbench.errors import said
from ganbench.signals import observe
from ganbench.step import Batch, Game, Rates, State, Trace, step

STACK = 16
"""Most seeds in one stack: beyond it the activations leave a core's cache."""

T = TypeVar("T")
Advance = Callable[[State, Batch, int, Rates], tuple[State, Trace]]


@dataclass(frozen=True)
class Path:
    """How a cell's seeds are run, and why; part of every record."""

    how: Literal["stacked", "looped"]
    why: str


def choose(game: Game, batch: int) -> Path:
    """The rule: stack what can be stacked without a bit of difference, loop the rest.

    Looped are convolutions (grouped convolutions lose on a CPU) and random layers (a stack has
    one random stream, a seed has its own). Looped, too, is what would give a seed other bits in
    a stack than alone: vectorised kernels treat the end of an array apart and matrix kernels
    choose by alignment, so the batch must be a multiple of 32 and every dimension of a parameter
    beyond 8 a multiple of 4. The rule sees the spec alone, never the number of seeds.
    """
    for network in (game.generator, game.discriminator):
        for module in network.module.modules():
            if isinstance(module, nn.modules.conv._ConvNd):
                return Path("looped", "convolutions run faster seed by seed")
            if isinstance(module, nn.modules.dropout._DropoutNd):
                return Path("looped", f"{type(module).__name__} draws from a stream of its own")
        for name, shape in network.shapes.items():
            if any(side > 8 and side % 4 for side in shape):
                return Path("looped", f"parameter {name} {tuple(shape)} has a side that is no multiple of 4")
    if batch % 32:
        return Path("looped", f"batch {batch} is no multiple of 32")
    return Path("stacked", "every operation maps over seeds to the bit")


def probed(path: Path, game: Game, state: State, batch: Batch, rates: Rates) -> Path:
    """The path, or the loop where vmap cannot map this game (a loss that branches on values, say)."""
    if path.how == "looped":
        return path
    try:
        advance(game, "stacked")(stacked([state, state]), stacked([batch, batch]), 0, rates)
    except Exception as error:
        return Path("looped", f"vmap cannot map it ({said(error)})")
    return path


def advance(game: Game, how: str) -> Advance:
    """The alternating step for one seed, or for a stack of them."""
    if how == "looped":
        return lambda state, batch, t, rates: step(game, state, batch, t, rates)

    def mapped(state: State, batch: Batch, t: int, rates: Rates) -> tuple[State, Trace]:
        result: tuple[State, Trace] = torch.vmap(lambda s, b: step(game, s, b, t, rates))(state, batch)
        return result

    return mapped


def observer(how: str, log_odds: bool) -> Callable[[Trace, Tensor], Tensor]:
    """The signals of one seed (12,), or of a stack (S, 12)."""

    def one(trace: Trace, real: Tensor) -> Tensor:
        return observe(trace, real, log_odds)

    return one if how == "looped" else torch.vmap(one)


def stacked(items: list[T]) -> T:
    """Trees of tensors as one tree with a leading seed dimension."""
    result: T = tree_map(lambda *leaves: torch.stack(leaves), *items)
    return result


def lane(tree: T, index: int) -> T:
    """One seed's part of a stacked tree."""
    result: T = tree_map(lambda leaf: leaf[index], tree)
    return result
