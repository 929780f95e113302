"""One move of a player on one method of a part, in the small game of the kit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganbench.conformance.findings import BrokenRuleError, Collector, Finding, raised
from ganbench.conformance.probe import Batch, Players, ProbeCritic, batch_of, players
from ganbench.conformance.watch import Watch
from ganbench.engine import objective
from ganbench.engine.objective import Player, player_of
from ganbench.errors import PLUGIN_ERRORS
from ganbench.registry.training_contracts import Loss, Transform

METHODS: dict[str, Player] = {method: player for player, method in objective.METHODS.items()}
"""Each method of a part, and the player that minimizes it."""


class Move(NamedTuple):
    """What a method gave in one move."""

    loss: Tensor
    grad: dict[str, Tensor]


class Inputs(NamedTuple):
    """The inputs of one move."""

    both: Players
    batch: Batch
    kept: dict[str, Tensor]


def inputs_of(loss: Loss, shape: tuple[int, ...], seed: int) -> Inputs:
    """Made inputs of a move, with the start values of the part's memory, checked."""
    both = players(shape, seed)
    moved = both.discriminator if player_of(loss) == "d" else both.generator
    return Inputs(both, batch_of(shape, getattr(loss, "noise", {}), seed), start_memory(loss, moved))


def start_memory(plugin: object, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The start values of a memory. Raises `BrokenRuleError` for anything but float32 tensors by name."""
    start: object = getattr(plugin, "memory", lambda params: {})(dict(params))
    wanted = "return {name: float32 tensor}"
    if not isinstance(start, Mapping):
        raise BrokenRuleError(Finding("memory", f"memory returns {type(start).__name__}", wanted))
    for name, value in start.items():
        if not isinstance(value, Tensor) or value.dtype != torch.float32:
            what = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise BrokenRuleError(Finding("memory", f"memory gives {name!r} as {what}", wanted))
    return dict(start)


@dataclass(frozen=True)
class Method:
    """One method of a part (or `remember` of a transform), called in moves on samples of a shape."""

    loss: Loss | Transform
    name: str
    mover: Player
    shape: tuple[int, ...]

    def critic(self, inputs: Inputs) -> ProbeCritic:
        """The critic of one move."""
        needs = tuple(getattr(self.loss, "needs", ()))
        return ProbeCritic(self.mover, inputs.both, inputs.batch, self.shape, needs, inputs.kept)

    def call(self, inputs: Inputs, found: Collector | None = None) -> Any:
        """Call the method; with a collector under the watch, whose findings it gets. Raises `BrokenRuleError`."""
        critic = self.critic(inputs)
        if found is None:
            return getattr(self.loss, self.name)(critic)
        watch = Watch(critic.given)
        try:
            with watch:
                return getattr(self.loss, self.name)(critic)
        except BrokenRuleError:
            raise
        except PLUGIN_ERRORS as error:  # a third-party plugin may raise anything
            first = next((one for one in watch.findings if one.rule in watch.BLOCKING), None)
            raise BrokenRuleError(first or raised(self.name, error)) from error
        finally:
            found.extend(watch.findings)

    def asked(self, inputs: Inputs) -> list[Tensor]:
        """The samples about which it asks D without saying whose labels they have."""
        critic = self.critic(inputs)
        getattr(self.loss, self.name)(critic)
        return critic.asked

    def move(self, inputs: Inputs, found: Collector | None = None) -> Move:
        """One move of the player on what the method returns: its value and its gradient."""
        moving = inputs.both.discriminator if self.mover == "d" else inputs.both.generator

        def minimized(params: dict[str, Tensor]) -> Tensor:
            both = inputs.both._replace(**{"discriminator" if self.mover == "d" else "generator": params})
            return self._scalar(self.call(inputs._replace(both=both), found), len(inputs.batch.real))

        grad, value = torch.func.grad_and_value(minimized)(moving)
        return Move(value, grad)

    def _scalar(self, value: object, batch: int) -> Tensor:
        if not isinstance(value, Tensor):
            fix = "return a scalar tensor, computed from the critic"
            raise BrokenRuleError(Finding("scalar", f"{self.name} returns {type(value).__name__}", fix))
        if value.dim():
            fix = "take the mean over the batch: .mean()" if value.shape[0] == batch else "return a scalar"
            seen = f"{self.name} must be a scalar, got shape {tuple(value.shape)}"
            raise BrokenRuleError(Finding("scalar", seen, fix))
        return value
