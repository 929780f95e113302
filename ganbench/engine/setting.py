"""What a cell trains: the game, both networks, the data on the device, what a step draws, a seed's first state."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from ganbench.engine.critic import Samples
from ganbench.engine.draws import Recipe
from ganbench.engine.networks import Network, check_stateless, initial
from ganbench.engine.numbers import numbers
from ganbench.engine.objective import Objective
from ganbench.engine.step import Game, Numbers, PlayerState, State
from ganbench.engine.update_rules import update_rule
from ganbench.errors import ContractError
from ganbench.registry.contracts import Data
from ganbench.registry.training_contracts import Architecture, discriminator_of, generator_of, packed
from ganbench.suite.train_spec import TrainSpec


class Setting(NamedTuple):
    """What is the same for all seeds of a cell: the game, how its networks begin, the data, what a step draws."""

    game: Game
    players: Players
    data: Samples
    recipe: Recipe


class Example(NamedTuple):
    """One seed's state, the keys of its streams, and the numbers of the first step."""

    state: State
    keys: Tensor
    numbers: Numbers


class Players(NamedTuple):
    """How both networks are built: the architecture, shapes, and the number of classes if it is conditional."""

    architecture: Architecture
    shape: tuple[int, ...]
    seen: tuple[int, ...]  # of a sample as D sees it
    classes: int | None

    def generator(self) -> nn.Module:
        return generator_of(self.architecture, self.shape, self.classes)

    def discriminator(self) -> nn.Module:
        return discriminator_of(self.architecture, self.seen, self.classes)

    def check_stateless(self, samples: Tensor) -> None:
        """Raise `ContractError` if a network depends on more than parameters, buffers and input."""
        labels = () if self.classes is None else (torch.zeros(2, dtype=torch.int64),)
        check_stateless(self.generator, (torch.ones(2, self.architecture.latent), *labels), "the generator")
        seen = samples[:2] if self.seen == self.shape else torch.ones(2, *self.seen)
        check_stateless(self.discriminator, (seen, *labels), "the discriminator")


def build_game(objective: Objective, players: Players, spec: TrainSpec, seed: int, device: torch.device) -> Game:
    """The objective, both networks, the optimizers and the order of moves.

    The modules are built for one seed, but every seed's parameters and buffers are passed to them.
    """
    modules = initial(players.generator, seed, "generator")[0], initial(players.discriminator, seed, "discriminator")[0]
    g, d = (Network(module.to(device), precision=spec.precision) for module in modules)
    return Game(
        objective, g, d, update_rule(spec.d, differentiable=spec.unrolled > 0), update_rule(spec.g), spec.n_dis,
        averaged=spec.averaged, simultaneous=spec.simultaneous, unrolled=spec.unrolled, fresh_real=spec.fresh_real,
        labeled=players.classes is not None, packed=packed(players.shape, players.seen),
    )  # fmt: skip


def init_state(setting: Setting, seed: int, device: torch.device) -> State:
    """A seed's state before the first step, on `device`."""
    game, players = setting.game, setting.players
    _, g_params, g_buffers = initial(players.generator, seed, "generator")
    _, d_params, d_buffers = initial(players.discriminator, seed, "discriminator")
    g = PlayerState(g_params, g_buffers, game.g_rule.start(g_params))
    d = PlayerState(d_params, d_buffers, game.d_rule.start(d_params))
    named = {"g": game.generator.named(g_params), "d": game.discriminator.named(d_params)}
    memory = {one.name: one.start(named[one.remembers_with]) for one in game.objective.members if one.remembers_with}
    return moved(State(g, d, g_params, memory), device)


def moved(state: State, device: torch.device) -> State:
    moved: State = tree_map(lambda leaf: leaf.to(device), state)
    return moved


def _labels(data: Data, classes: int | None) -> Tensor:
    """The labels (N,), none (0,) for networks without classes. Raises `ContractError` if labels are needed."""
    if classes is None:
        return torch.zeros(0, dtype=torch.int64)
    if data.labels is None:
        raise ContractError("the architecture is conditional, and the training data have no labels")
    return data.labels


def build_setting(
    objective: Objective,
    architecture: Architecture,
    data: Data,
    spec: TrainSpec,
    seed: int = 0,
    device: torch.device = torch.device("cpu"),  # noqa: B008
    classes: int | None = None,
) -> Setting:
    """The setting of a cell. Raises `ContractError` for networks or data that break their contracts."""
    shape = tuple(data.samples.shape[1:])
    players = Players(architecture, shape, objective.shape(shape), classes)
    samples = Samples(data.samples.to(device), _labels(data, classes).to(device))
    players.check_stateless(samples.batch(torch.arange(2, device=device) % len(data.samples)).cpu())
    recipe = Recipe(
        objective, spec.n_dis + 1, spec.batch, architecture.latent, shape, len(data.samples), classes is not None
    )
    return Setting(build_game(objective, players, spec, seed, device), players, samples, recipe)


def build_example(setting: Setting, spec: TrainSpec, seed: int, device: torch.device) -> Example:
    """A seed before its first step."""
    first = numbers(setting.game, spec, 0, 1, device)[0]
    return Example(init_state(setting, seed, device), setting.recipe.keys(seed).to(device), first)
