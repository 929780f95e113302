"""A block of steps: what an engine is given and what it returns, and the form in which the host takes each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map, tree_unflatten

from ganbench.engine import pulse
from ganbench.engine.compile import Program
from ganbench.engine.draws import Draws, Recipe
from ganbench.engine.numbers import rows_of
from ganbench.engine.path import ExecutionPath
from ganbench.engine.programs import Programs, games_of, mapped
from ganbench.engine.setting import Setting
from ganbench.engine.signals import cadence, signal_function
from ganbench.engine.step import Numbers, State, Trace, step
from ganbench.engine.trees import lane
from ganbench.suite.train_spec import TrainSpec

Carried = Any
"""A state between two steps, in the form that the execution path uses."""


class Stack(NamedTuple):
    """Seeds that one program advances, stacked if the path has lanes: their states, their keys ([S,] names, 2)."""

    state: State
    keys: Tensor


class Block(NamedTuple):
    """What a block of n steps gave: the state of each stack after it, and of all S seeds of these stacks, in order,
    the losses of D and G at every step (n, S, 2) and the signals at some (m, S, 12), None if there are none.
    """

    states: list[State]
    losses: Tensor
    rows: Tensor | None


Run: TypeAlias = Callable[[Sequence[Stack], Numbers, int], Block]
"""Takes the steps of a table of numbers (steps first, on the host), of which the first step is given."""


class Watch(NamedTuple):
    """At which steps the signals are recorded, and how they are computed: ([S,] 12)."""

    every: int
    observe: Callable[[Trace], Tensor]

    @classmethod
    def of(cls, setting: Setting, spec: TrainSpec, lanes: int) -> Watch:
        return cls(cadence(spec.steps), signal_function(lanes, setting.game.objective.log_odds))


class Engine(NamedTuple):
    """The steps of a cell on an execution path; `branches` is the most stacks that advance at once."""

    path: ExecutionPath
    run: Run
    branches: int = 1


def _unchanged(state: State) -> State:
    return state


class Stepper(NamedTuple):
    """How the host advances one stack: `inputs(keys, table)` are the draws of each step; `pack` the state, `advance` it
    any number of times, `unpack` it.
    """

    inputs: Callable[[Tensor, Numbers], Iterator[Any]]
    advance: Callable[[Carried, Any, Numbers, int], tuple[Carried, Trace]]
    pack: Callable[[State], Carried] = _unchanged
    unpack: Callable[[Carried], State] = _unchanged


def host_run(stepper: Stepper, watch: Watch) -> Run:
    """Every step is launched by the host, one stack after the other."""

    def one(stack: Stack, table: Numbers, start: int) -> Block:
        state = stepper.pack(stack.state)
        losses: list[Tensor] = []
        rows: list[Tensor] = []
        drawn = stepper.inputs(stack.keys, table)
        for t, own in enumerate(rows_of(table), start):
            pulse.beat()
            state, trace = stepper.advance(state, next(drawn), own, t)
            losses.append(torch.stack([trace.d_loss, trace.g_loss], dim=-1))
            if t % watch.every == 0:
                rows.append(watch.observe(trace))
        return Block([stepper.unpack(state)], _by_seed(losses), _by_seed(rows) if rows else None)

    def run(stacks: Sequence[Stack], table: Numbers, start: int) -> Block:
        device = stacks[0].keys.device
        table = tree_map(lambda column: column.to(device), table)
        return _joined([one(stack, table, start) for stack in stacks])

    return run


def _by_seed(steps: list[Tensor]) -> Tensor:
    """Values ([S,] k) of some steps as (steps, S, k)."""
    found = torch.stack(steps)
    return found.reshape(len(steps), -1, found.shape[-1])


def _joined(blocks: list[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    rows = [block.rows for block in blocks if block.rows is not None]
    losses = torch.cat([block.losses for block in blocks], dim=1)
    return Block([block.states[0] for block in blocks], losses, torch.cat(rows, dim=1) if rows else None)


def eager_stepper(setting: Setting, lanes: int) -> Stepper:
    """The step as it is written, on draws made for many steps at once."""
    every = setting.game.objective.every
    full, between = (
        mapped(setting, game) if lanes > 1 else partial(step, game, setting.data) for game in games_of(setting)
    )

    def inputs(keys: Tensor, table: Numbers) -> Iterator[Draws]:
        return _drawn_ahead(setting.recipe, keys, table.step)

    def advance(state: State, draws: Draws, numbers: Numbers, t: int) -> tuple[State, Trace]:
        return (full if t % every == 0 else between)(state, draws, numbers)

    return Stepper(inputs, advance)


def _drawn_ahead(recipe: Recipe, keys: Tensor, steps: Tensor) -> Iterator[Draws]:
    """The draws of each step, for one seed's keys (names, 2) or those of a stack (S, names, 2)."""
    for some in torch.split(steps, recipe.steps_at_once):
        if keys.dim() == 2:
            draws = recipe.drawn(keys, some)
        else:
            draws = tree_map(lambda *seeds: torch.stack(seeds, dim=1), *(recipe.drawn(own, some) for own in keys))
        yield from (lane(draws, i) for i in range(len(some)))


def program_stepper(draw: Program, programs: Programs) -> Stepper:
    """The draws and the step as programs."""
    data, count = programs.data, programs.form.num_leaves

    def inputs(keys: Tensor, table: Numbers) -> Iterator[Sequence[Tensor]]:
        return (draw([keys, step]) for step in table.step.unbind())

    def advance(carried: Carried, draws: Sequence[Tensor], numbers: Numbers, t: int) -> tuple[Carried, Trace]:
        results = programs.at(t)([*data, *carried, *draws, *tree_leaves(numbers)])
        return results[:count], Trace(*results[count:])

    return Stepper(inputs, advance, tree_leaves, lambda carried: tree_unflatten(list(carried), programs.form))
