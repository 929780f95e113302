"""The alternating step of the adversarial game, as a pure function of one seed's state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ganbench.engine.critic import Applied, Critic, Memory, Move, Samples
from ganbench.engine.draws import Draws
from ganbench.engine.networks import Buffers, Network
from ganbench.engine.objective import METHODS, Objective, Player, Setup
from ganbench.engine.update_rules import Slots, UpdateRule
from ganbench.errors import ContractError

SHOWN = 64
"""Samples of each side that a trace keeps: enough to measure their diversity."""


class PlayerState(NamedTuple):
    """One player: flat parameters (P,), buffers, and the optimizer's vectors (P,)."""

    params: Tensor
    buffers: Buffers
    slots: Slots


class State(NamedTuple):
    """Both players, the average of G's parameters (P,), which without one stays as it began, and the memories."""

    generator: PlayerState
    discriminator: PlayerState
    average: Tensor
    memory: Memory


class Numbers(NamedTuple):
    """The numbers of one step, computed on the host: the optimizers' factors, the decay of the average, schedules."""

    step: Tensor  # (), int32, from 0
    d: Tensor  # (n_dis, factors)
    g: Tensor  # (factors,)
    decay: Tensor  # (2,): the decay of the average, and 1 minus it
    values: Mapping[str, Mapping[str, Tensor]]  # by plugin and field, ()


class Trace(NamedTuple):
    """What a step computed before each move: the input of the training signals."""

    d_loss: Tensor  # ()
    g_loss: Tensor  # ()
    real_logits: Tensor  # (B,), at D's last move
    fake_logits: Tensor  # (B,)
    d_grad: Tensor  # (P,)
    g_grad: Tensor  # (P,)
    real: Tensor  # (64, *shape), of the batch of D's last move
    fake: Tensor  # (64, *shape), of the batch of G's move


@dataclass(frozen=True)
class Game:
    """What stays fixed during training: the objective, both networks, the optimizers, who moves when."""

    objective: Objective
    generator: Network
    discriminator: Network
    d_rule: UpdateRule
    g_rule: UpdateRule
    n_dis: int = 1
    averaged: bool = False
    simultaneous: bool = False
    unrolled: int = 0
    fresh_real: bool = True
    labeled: bool = False
    packed: int = 1


def step(game: Game, data: Samples, state: State, draws: Draws, numbers: Numbers) -> tuple[State, Trace]:
    """One alternating step: D moves `n_dis` times while G is fixed, then G once while D is fixed."""
    g, d, average, memory = state
    for i in range(game.n_dis):
        move = move_of(game, data, g, d, memory, of_move(draws, i), numbers)
        d, memory, (d_loss, d_grad, real_logits, fake_logits) = move_discriminator(game, move, d, numbers, numbers.d[i])
    own = of_move(draws, -1) if game.fresh_real else of_move(draws, -1)._replace(rows=draws.rows[-2])
    rival = state.discriminator if game.simultaneous else d
    last = move_of(game, data, g, rival, memory, own, numbers)
    g, memory, (g_loss, g_grad, fake) = move_generator(game, last, g, rival, numbers)
    if game.averaged:
        average = average * numbers.decay[0] + g.params * numbers.decay[1]
    trace = Trace(d_loss, g_loss, real_logits, fake_logits, d_grad, g_grad, move.real_samples[:SHOWN], fake[:SHOWN])
    return State(g, d, average, memory), trace


def move_of(
    game: Game, data: Samples, g: PlayerState, d: PlayerState, memory: Memory, draws: Draws, numbers: Numbers
) -> Move:
    """A move as it begins: both players as they are, the draws of this move."""
    generator = Applied(game.generator, g.params, g.buffers)
    discriminator = Applied(game.discriminator, d.params, d.buffers)
    transforms = tuple((one, bound(one, numbers)) for one in game.objective.transforms)
    return Move(generator, discriminator, data, draws, transforms, memory, game.labeled)


def move_discriminator(
    game: Game, move: Move, d: PlayerState, numbers: Numbers, factors: Tensor
) -> tuple[PlayerState, Memory, tuple[Tensor, Tensor, Tensor, Tensor]]:
    """D moves along its gradient of `d_loss`; G, including its buffers, is fixed."""
    samples = move.real_samples, move.fake_samples

    def objective(params: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor, Buffers, Memory]]:
        seen = move.by_discriminator(params, *samples)
        loss, memory = minimized(game.objective, "d", seen, numbers)
        return loss, (seen.real[0], seen.fake[0], seen.discriminator_buffers, memory)

    grad, (loss, (real, fake, buffers, memory)) = torch.func.grad_and_value(objective, has_aux=True)(d.params)
    params, slots = game.d_rule.move(d.params, grad, d.slots, factors)
    return PlayerState(projected(game, params, numbers), buffers, slots), memory, (loss, grad, real, fake)


def move_generator(
    game: Game, move: Move, g: PlayerState, d: PlayerState, numbers: Numbers
) -> tuple[PlayerState, Memory, tuple[Tensor, Tensor, Tensor]]:
    """G moves along its gradient of `g_loss`; D, including its buffers, is fixed, or first unrolled for some moves."""

    def objective(params: Tensor) -> tuple[Tensor, tuple[Tensor, Buffers, Memory]]:
        seen = move.by_generator(params)
        rival = d
        for _ in range(game.unrolled):
            rival, _, _ = move_discriminator(game, seen, rival, numbers, numbers.d[-1])
            seen = seen.against(rival.params, rival.buffers)
        loss, memory = minimized(game.objective, "g", seen, numbers)
        return loss, (seen.fake_samples, seen.generator_buffers, memory)

    grad, (loss, (fake, buffers, memory)) = torch.func.grad_and_value(objective, has_aux=True)(g.params)
    params, slots = game.g_rule.move(g.params, grad, g.slots, numbers.g)
    return PlayerState(params, buffers, slots), memory, (loss, grad, fake)


def minimized(objective: Objective, player: Player, move: Move, numbers: Numbers) -> tuple[Tensor, Memory]:
    """The sum of the parts that a player minimizes, a scalar, and the memories after this move."""
    terms, memory = [], dict(move.memory)
    for part in objective.parts:
        plugin, critic = bound(part, numbers), Critic(move, part.name)
        if hasattr(plugin, METHODS[player]):
            term = _scalar(part.name, METHODS[player], getattr(plugin, METHODS[player])(critic))
            terms.append(term * part.every if part.every > 1 else term)
        if part.remembers_with == player:
            memory[part.name] = _remembered(part.name, plugin, critic)
    for transform, plugin in move.transforms:
        if transform.remembers_with == player:
            memory[transform.name] = _remembered(transform.name, plugin, Critic(move, transform.name))
    return sum(terms[1:], start=terms[0]), memory


def bound(setup: Setup, numbers: Numbers) -> Any:
    """The plugin of a part or a transform with the current values of its schedules."""
    return setup.bound(numbers.values.get(setup.name, {}))


def projected(game: Game, params: Tensor, numbers: Numbers) -> Tensor:
    """D's parameters (P,) after its move, as the parts that have a `project` replace them."""
    for part in game.objective.parts:
        plugin = bound(part, numbers)
        if hasattr(plugin, "project"):
            named = game.discriminator.named(params)
            replaced: Mapping[str, Tensor] = plugin.project(named)
            for name, value in replaced.items():
                if name not in named or value.shape != named[name].shape:
                    raise ContractError(f"{part.name}.project returned {name!r}, which is no parameter of D as it was")
            params = game.discriminator.vector({**named, **replaced})
    return params


def of_move(draws: Draws, index: int) -> Draws:
    """The draws of one move."""
    chosen: Draws = tree_map(lambda leaf: leaf[index], draws)
    return chosen


def _remembered(name: str, plugin: Any, critic: Critic) -> dict[str, Tensor]:
    """The next values of a memory, of the same names and shapes. Raises `ContractError`."""
    found: Mapping[str, Tensor] = plugin.remember(critic)
    if set(found) != set(critic.memory):
        raise ContractError(f"{name}.remember must return {', '.join(critic.memory)}, got {', '.join(found)}")
    for key, value in found.items():
        if value.shape != critic.memory[key].shape:
            was = tuple(critic.memory[key].shape)
            raise ContractError(f"{name}.remember: {key} must keep its shape {was}, got {tuple(value.shape)}")
    return {key: found[key].detach() for key in critic.memory}


def _scalar(part: str, method: str, loss: object) -> Tensor:
    """Check that a loss is a scalar tensor. Raises `ContractError`."""
    if not isinstance(loss, Tensor):
        raise ContractError(f"{part}.{method} must return a tensor, not {type(loss).__name__}")
    if loss.dim():
        shape = tuple(loss.shape)
        raise ContractError(f"{part}.{method} must be a scalar, not of shape {shape}: take the mean over the batch")
    return loss
