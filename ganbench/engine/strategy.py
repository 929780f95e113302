"""Execution paths: the step compiled, vmapped over a stack of seeds, or called seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from ganbench.engine.compile import MAX_INLINED_BITS, CannotCompileError, Compiler, Program, compiled
from ganbench.engine.critic import Samples
from ganbench.engine.devices import missing_compiler
from ganbench.engine.draws import Draws
from ganbench.engine.networks import Network
from ganbench.engine.setting import Example, Setting
from ganbench.engine.signals import observe
from ganbench.engine.step import Game, Numbers, State, Trace, step
from ganbench.errors import ContractError, describe_error
from ganbench.suite.train_spec import TrainSpec

MAX_STACK = 16
"""The most seeds in a stack that is not compiled: with more, the activations exceed a core's cache."""
CPU_LANES = 4
"""Seeds in one compiled stack on a CPU. A program has a fixed number of lanes, so that the same program
serves every number of seeds; lanes without a seed of their own repeat one."""
GPU_LANES = 16
"""Seeds in one compiled stack on a GPU, where launching a kernel costs more than the lanes in it."""
MAX_LANE_PARAMETERS = 32_768
"""Several lanes are used on a CPU up to this many parameters of both players; with larger matrices one
seed fills a core."""
LOSS_TOLERANCE = {"fp32": 1e-3, "tf32": 1e-2, "bf16": 5e-2}
"""How far a program's first losses may differ from those of the uncompiled step."""

T = TypeVar("T")
Carried = Any
"""A state between two steps, in the form that the execution path uses."""


@dataclass(frozen=True)
class ExecutionPath:
    """How a cell's seeds are run, how many at a time, and the reason; part of every record."""

    kind: Literal["compiled", "stacked", "looped"]
    lanes: int
    reason: str


def _unchanged(state: State) -> State:
    return state


class Engine(NamedTuple):
    """The step on an execution path: `pack` a state, `advance` it any number of times, `unpack` it.

    `inputs(keys, numbers)` gives what `advance` takes at each of these steps: the draws of the seeds' keys, or the keys
    themselves if the step draws.
    """

    path: ExecutionPath
    inputs: Callable[[Sequence[Tensor], Sequence[Numbers]], Iterator[Any]]
    advance: Callable[[Carried, Any, Numbers, int], tuple[Carried, Trace]]
    pack: Callable[[State], Carried] = _unchanged
    unpack: Callable[[Carried], State] = _unchanged


def choose_path(game: Game, spec: TrainSpec, device: str) -> ExecutionPath:
    """Choose the path: compile long training, stack seeds if that changes no bit, loop otherwise.

    The rule depends on the spec and the machine, never on the number of seeds, because a seed's bits
    depend on its path. Raises `ContractError` if the spec requires a program and none is possible.
    """
    reason = unstackable(game, spec)
    limit = compile_limit(game, spec, device)
    if limit is None:
        if device == "cpu":
            small = sum(game.generator.sizes) + sum(game.discriminator.sizes) <= MAX_LANE_PARAMETERS
            why = reason or ("small networks fill a core four at a time" if small else "one seed fills a core")
            return ExecutionPath("compiled", CPU_LANES if small and reason is None else 1, why)
        return ExecutionPath("compiled", GPU_LANES if reason is None else 1, reason or "a stack fills a GPU")
    if spec.engine == "compiled":
        raise ContractError(f"`engine: compiled` is not possible here: {limit}")
    return _uncompiled(reason, limit)


def _uncompiled(unstackable: str | None, uncompiled: str) -> ExecutionPath:
    """The stacked path, or the looped path if there is a reason not to stack.

    `uncompiled` says why the path is not the compiled one.
    """
    if unstackable is not None:
        return ExecutionPath("looped", 1, f"{unstackable}; {uncompiled}")
    return ExecutionPath("stacked", MAX_STACK, f"stacking seeds changes no bit; {uncompiled}")


def compile_limit(game: Game, spec: TrainSpec, device: str) -> str | None:
    """Why a cell is not compiled, or None if it is."""
    if spec.engine == "eager":
        return "the suite sets `engine: eager`"
    random = _random_layer(game)
    if random is not None:
        return random
    if spec.engine == "auto" and not spec.compiling_pays(_convolves(game)):
        return f"{spec.steps} steps are too few for compiling to pay off"
    if device not in ("cpu", "cuda"):
        return f"programs are not compiled for {device}"
    return missing_compiler()


def unstackable(game: Game, spec: TrainSpec) -> str | None:
    """Why seeds are not stacked, or None if a stack gives each seed the bits that it has alone.

    Convolutions: grouped convolutions are slow on a CPU. Random layers: a stack has one random
    stream, but each seed needs its own. And whatever would change a seed's bits in a stack: vectorized
    kernels treat the end of an array separately and matrix kernels are chosen by alignment, so the batch
    must be a multiple of 32, and every parameter dimension above 8 a multiple of 4. Tables of which rows are looked up
    (`nn.Embedding` and its subclasses) may have any number of rows: they add the gradients of a row in the same order.
    """
    if _convolves(game):
        return "convolutions run faster seed by seed"
    for network in (game.generator, game.discriminator):
        tables = _tables(network)
        for name, shape in network.shapes.items():
            if any(side > 8 and side % 4 for side in (shape[1:] if name in tables else shape)):
                return f"parameter {name} {tuple(shape)} has a dimension that is not a multiple of 4"
    if spec.batch % (32 * game.packed):
        packed = f" with {game.packed} samples packed" if game.packed > 1 else ""
        return f"batch {spec.batch}{packed} is not a multiple of {32 * game.packed}"
    if spec.precision == "bf16":
        return "bfloat16 has not been validated in stacks"
    return _random_layer(game)


def _tables(network: Network) -> set[str]:
    """The names of the parameters that are tables of vectors, one for each class."""
    layers = network.module.named_modules()
    return {f"{name}.weight".lstrip(".") for name, layer in layers if isinstance(layer, nn.Embedding)}


def _layers(game: Game) -> list[nn.Module]:
    return [*game.generator.module.modules(), *game.discriminator.module.modules()]


def _convolves(game: Game) -> bool:
    return any(isinstance(layer, nn.modules.conv._ConvNd) for layer in _layers(game))


def _random_layer(game: Game) -> str | None:
    random = (layer for layer in _layers(game) if isinstance(layer, nn.modules.dropout._DropoutNd) and layer.p)
    return next((f"{type(layer).__name__} uses its own random stream" for layer in random), None)


def build_engine(
    path: ExecutionPath, setting: Setting, spec: TrainSpec, example: Example, compiler: Compiler = compiled
) -> Engine:
    """Build the step on a path, and try it on an example of one seed.

    If the compiler rejects the step of several lanes or its program computes something else, one lane is tried. If that
    fails too, the path becomes that of `engine: eager`; if vmap cannot map the step (the loss branches on values, for
    example), seeds run one by one. Raises `ContractError` if the spec requires a program.
    """
    reason = ""
    while path.kind == "compiled":
        try:
            return _compiled(setting, path, example, LOSS_TOLERANCE[spec.precision], compiler)
        except ContractError:
            raise
        except Exception as error:  # the compiler may raise anything; the step runs without it
            reason = f"not compiled: {error if isinstance(error, CannotCompileError) else describe_error(error)}"
            if path.lanes > 1:
                path = ExecutionPath("compiled", 1, f"{path.lanes} lanes are {reason}")
                continue
            if spec.engine == "compiled":
                raise ContractError(reason) from error
            path = _uncompiled(unstackable(setting.game, spec), reason)
    if path.kind == "stacked":
        state, keys, numbers = example
        draws = setting.recipe.drawn(keys, numbers.step)
        try:
            mapped(setting, setting.game)(stacked([state, state]), stacked([draws, draws]), numbers)
        except ContractError:
            raise
        except Exception as error:
            also = f"; {reason}" if reason else ""
            path = ExecutionPath("looped", 1, f"vmap cannot map the step ({describe_error(error)}){also}")
    return _eager(setting, path)


Advance = Callable[[State, Draws, Numbers], tuple[State, Trace]]


def mapped(setting: Setting, game: Game) -> Advance:
    """The alternating step for a stack of seeds."""

    def stack(state: State, draws: Draws, numbers: Numbers) -> tuple[State, Trace]:
        result: tuple[State, Trace] = torch.vmap(lambda s, d: step(game, setting.data, s, d, numbers))(state, draws)
        return result

    return stack


def _lazy(setting: Setting) -> tuple[Game, Game]:
    """The game of the steps at which the lazy parts are computed, and of all others."""
    game = setting.game
    return game, game if game.objective.every == 1 else replace(game, objective=game.objective.without_lazy())


def _eager(setting: Setting, path: ExecutionPath) -> Engine:
    """The step as it is written, on draws made for many steps at once."""
    every = setting.game.objective.every
    full, between = (
        mapped(setting, game) if path.lanes > 1 else partial(step, game, setting.data) for game in _lazy(setting)
    )

    def inputs(keys: Sequence[Tensor], numbers: Sequence[Numbers]) -> Iterator[Draws]:
        for start in range(0, len(numbers), setting.recipe.steps_at_once):
            steps = torch.stack([one.step for one in numbers[start : start + setting.recipe.steps_at_once]])
            drawn = [setting.recipe.drawn(own, steps) for own in keys]
            draws = tree_map(lambda *seeds: torch.stack(seeds, dim=1), *drawn) if path.lanes > 1 else drawn[0]
            yield from (lane(draws, i) for i in range(len(steps)))

    def advance(state: State, draws: Draws, numbers: Numbers, t: int) -> tuple[State, Trace]:
        return (full if t % every == 0 else between)(state, draws, numbers)

    return Engine(path, inputs, advance)


def _compiled(setting: Setting, path: ExecutionPath, example: Example, tolerance: float, compiler: Compiler) -> Engine:
    """Compile the draws and the step. Raises `CannotCompileError` if that fails or the step computes something else."""
    lanes, every = path.lanes, setting.game.objective.every
    state, keys = (stacked([example.state] * lanes), stacked([example.keys] * lanes)) if lanes > 1 else example[:2]
    draws = setting.recipe.drawn(keys, example.numbers.step)
    draw = compiler(setting.recipe.drawn, (keys, example.numbers.step), inlined=MAX_INLINED_BITS)
    arguments = (setting.data, state, draws, example.numbers)
    games = _lazy(setting)[: 1 if every == 1 else 2]
    programs = [_program(setting, game, lanes, arguments, tolerance, compiler) for game in games]
    leaves, form = tree_flatten(state)
    data = list(setting.data)

    def inputs(keys: Sequence[Tensor], numbers: Sequence[Numbers]) -> Iterator[Sequence[Tensor]]:
        own = torch.stack(list(keys)) if lanes > 1 else keys[0]
        return (draw([own, one.step]) for one in numbers)

    def advance(carried: Carried, draws: Sequence[Tensor], numbers: Numbers, t: int) -> tuple[Carried, Trace]:
        results = programs[0 if t % every == 0 else 1]([*data, *carried, *draws, *tree_leaves(numbers)])
        return results[: len(leaves)], Trace(*results[len(leaves) :])

    return Engine(path, inputs, advance, tree_leaves, lambda carried: tree_unflatten(list(carried), form))


Arguments = tuple[Samples, State, Draws, Numbers]


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


def signal_function(lanes: int, log_odds: bool) -> Callable[[Trace], Tensor]:
    """A function that computes the signals of one seed (12,) or of a stack (S, 12)."""

    def one(trace: Trace) -> Tensor:
        return observe(trace, log_odds)

    return one if lanes == 1 else torch.vmap(one)


def stacked(items: list[T]) -> T:
    """Stack trees of tensors into one tree with a leading seed dimension."""
    result: T = tree_map(lambda *leaves: torch.stack(leaves), *items)
    return result


def lane(tree: T, index: int) -> T:
    """One seed's slice of a stacked tree."""
    result: T = tree_map(lambda leaf: leaf[index], tree)
    return result
