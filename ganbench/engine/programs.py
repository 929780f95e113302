"""The step and its draws as programs, compared with the step as it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor
from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves

from ganbench.engine.compile import MAX_INLINED_BITS, CannotCompileError, Compiler, Program
from ganbench.engine.critic import Samples
from ganbench.engine.draws import Draws
from ganbench.engine.setting import Example, Setting
from ganbench.engine.step import Game, Numbers, State, Trace, step
from ganbench.engine.trees import stacked

Advance: TypeAlias = Callable[[State, Draws, Numbers], tuple[State, Trace]]
Arguments: TypeAlias = tuple[Samples, State, Draws, Numbers]


@dataclass(frozen=True)
class Programs:
    """The step of one stack as programs on leaves of trees, from data, state, draws and numbers to state and trace.

    `steps` are the step with the lazy parts, taken at every `every`-th step, and without them; one program if no part
    is lazy. `form` is the state's.
    """

    steps: tuple[Program, ...]
    every: int
    data: Sequence[Tensor]
    form: TreeSpec

    def which(self, t: int) -> int:
        """The index of the program of step t."""
        return 0 if t % self.every == 0 else 1

    def at(self, t: int) -> Program:
        """The program of step t."""
        return self.steps[self.which(t)]


def mapped(setting: Setting, game: Game) -> Advance:
    """The alternating step for a stack of seeds."""

    def stack(state: State, draws: Draws, numbers: Numbers) -> tuple[State, Trace]:
        result: tuple[State, Trace] = torch.vmap(lambda s, d: step(game, setting.data, s, d, numbers))(state, draws)
        return result

    return stack


def games_of(setting: Setting) -> tuple[Game, Game]:
    """The game of the steps at which the lazy parts are computed, and of all others."""
    game = setting.game
    return game, game if game.objective.every == 1 else replace(game, objective=game.objective.without_lazy())


def example_stack(example: Example, lanes: int) -> tuple[State, Tensor]:
    """The state and the keys of an example, in all lanes of a stack."""
    if lanes == 1:
        return example.state, example.keys
    return stacked([example.state] * lanes), stacked([example.keys] * lanes)


def draw_program(setting: Setting, lanes: int, example: Example, compiler: Compiler) -> Program:
    """The draws of a step as a program of the keys and the step's number. Raises whatever the compiler raises."""
    keys = example_stack(example, lanes)[1]
    return compiler(setting.recipe.drawn, (keys, example.numbers.step), inlined=MAX_INLINED_BITS)


def step_programs(setting: Setting, lanes: int, example: Example, tolerance: float, compiler: Compiler) -> Programs:
    """The step as programs.

    Raises `CannotCompileError` if a program computes something else, and whatever the compiler raises.
    """
    every = setting.game.objective.every
    state, keys = example_stack(example, lanes)
    draws = setting.recipe.drawn(keys, example.numbers.step)
    arguments = (setting.data, state, draws, example.numbers)
    games = games_of(setting)[: 1 if every == 1 else 2]
    steps = tuple(_program(setting, game, lanes, arguments, tolerance, compiler) for game in games)
    return Programs(steps, every, list(setting.data), tree_flatten(state)[1])


def _program(
    setting: Setting, game: Game, lanes: int, arguments: Arguments, tolerance: float, compiler: Compiler
) -> Program:
    """The program of one game's step, compared with the uncompiled step."""

    def plain(data: Samples, state: State, draws: Draws, numbers: Numbers) -> tuple[State, Trace]:
        own = setting._replace(data=data)
        return (mapped(own, game) if lanes > 1 else partial(step, game, data))(state, draws, numbers)

    program = compiler(plain, arguments, fixed=len(setting.data))
    _check(program, plain, arguments, tolerance)
    return program


def _check(program: Program, plain: Callable[..., tuple[State, Trace]], arguments: Arguments, tolerance: float) -> None:
    """Compare two steps of a program with the uncompiled ones. Raises `CannotCompileError` if they differ."""
    data, state, draws, numbers = arguments
    carried = tree_leaves(state)
    for _ in range(2):  # the second step starts from the state that the first returned
        results = list(program([*data, *carried, *tree_leaves((draws, numbers))]))
        trace, carried = Trace(*results[len(carried) :]), results[: len(carried)]
        state, expected = plain(data, state, draws, numbers)
        for name in ("d_loss", "g_loss"):
            ours, theirs = getattr(trace, name), getattr(expected, name)
            if not torch.allclose(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True):
                raise CannotCompileError(f"the program's {name} is {ours.tolist()}, uncompiled {theirs.tolist()}")
