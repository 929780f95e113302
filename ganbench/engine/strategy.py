"""Execution paths: the step compiled, vmapped over a stack of seeds, or called seed by seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from ganbench.engine.compile import CannotCompileError, compiled
from ganbench.engine.devices import missing_compiler
from ganbench.engine.signals import observe
from ganbench.engine.step import Batch, Game, Rates, State, StepNumber, Trace, step
from ganbench.errors import ContractError, describe_error
from ganbench.suite.specs import TrainSpec

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
    """The step on an execution path: `pack` a state, `advance` it any number of times, `unpack` it."""

    path: ExecutionPath
    advance: Callable[[Carried, Batch, StepNumber, Rates], tuple[Carried, Trace]]
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
    layers = _random_layer(game)
    if layers is not None:
        return f"{layers} uses its own random stream"
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
    must be a multiple of 32, and every parameter dimension above 8 a multiple of 4.
    """
    if _convolves(game):
        return "convolutions run faster seed by seed"
    for network in (game.generator, game.discriminator):
        for name, shape in network.shapes.items():
            if any(side > 8 and side % 4 for side in shape):
                return f"parameter {name} {tuple(shape)} has a dimension that is not a multiple of 4"
    if spec.batch % 32:
        return f"batch {spec.batch} is not a multiple of 32"
    if spec.precision == "bf16":
        return "bfloat16 has not been validated in stacks"
    return _random_layer(game)


def _layers(game: Game) -> list[nn.Module]:
    return [*game.generator.module.modules(), *game.discriminator.module.modules()]


def _convolves(game: Game) -> bool:
    return any(isinstance(layer, nn.modules.conv._ConvNd) for layer in _layers(game))


def _random_layer(game: Game) -> str | None:
    random = (layer for layer in _layers(game) if isinstance(layer, nn.modules.dropout._DropoutNd))
    return next((type(layer).__name__ for layer in random), None)


def build_engine(path: ExecutionPath, game: Game, spec: TrainSpec, example: tuple[State, Batch, Rates]) -> Engine:
    """Build the step on a path, and try it on an example of one seed.

    If the compiler rejects the step or its program computes something else, the path becomes that of
    `engine: eager`; if vmap cannot map the step (the loss branches on values, for example), seeds run
    one by one. Raises `ContractError` if the spec requires a program.
    """
    state, batch, rates = example
    if path.kind == "compiled":
        lanes = (stacked([state] * path.lanes), stacked([batch] * path.lanes)) if path.lanes > 1 else (state, batch)
        try:
            return _compiled(game, path, (*lanes, rates), LOSS_TOLERANCE[spec.precision])
        except Exception as error:  # the compiler may raise anything; the step runs without it
            reason = f"not compiled: {error if isinstance(error, CannotCompileError) else describe_error(error)}"
            if spec.engine == "compiled":
                raise ContractError(reason) from error
            path = _uncompiled(unstackable(game, spec), reason)
    if path.kind == "stacked":
        try:
            advance(game, path.lanes)(stacked([state, state]), stacked([batch, batch]), lambda: 0, rates)
        except Exception as error:
            path = ExecutionPath("looped", 1, f"vmap cannot map the step ({describe_error(error)})")
    return Engine(path, advance(game, path.lanes))


def advance(game: Game, lanes: int) -> Callable[[State, Batch, StepNumber, Rates], tuple[State, Trace]]:
    """The alternating step for one seed, or for a stack of them."""
    if lanes == 1:
        return lambda state, batch, step_number, rates: step(game, state, batch, step_number, rates)

    def mapped(state: State, batch: Batch, step_number: StepNumber, rates: Rates) -> tuple[State, Trace]:
        result: tuple[State, Trace] = torch.vmap(lambda s, b: step(game, s, b, step_number, rates))(state, batch)
        return result

    return mapped


def _compiled(game: Game, path: ExecutionPath, example: tuple[State, Batch, Rates], tolerance: float) -> Engine:
    """Compile the step. Raises `CannotCompileError` if that fails or the program computes something else."""

    def no_step_number() -> int:
        raise CannotCompileError("the loss reads the step number")

    def plain(state: State, batch: Batch, rates: Rates) -> tuple[State, Trace]:
        return advance(game, path.lanes)(state, batch, no_step_number, rates)

    program = compiled(plain, example)
    leaves, form = tree_flatten(example[0])
    count = len(leaves)

    def run(carried: Carried, batch: Batch, rates: Rates) -> tuple[Carried, Trace]:
        results = program([*carried, *batch, *rates])
        return results[:count], Trace(*results[count:])

    _check(run, plain, example, tolerance)

    def advance_compiled(
        carried: Carried, batch: Batch, step_number: StepNumber, rates: Rates
    ) -> tuple[Carried, Trace]:
        return run(carried, batch, rates)

    return Engine(path, advance_compiled, tree_leaves, lambda carried: tree_unflatten(list(carried), form))


def _check(
    run: Callable[[Carried, Batch, Rates], tuple[Carried, Trace]],
    plain: Callable[[State, Batch, Rates], tuple[State, Trace]],
    example: tuple[State, Batch, Rates],
    tolerance: float,
) -> None:
    """Compare two steps of a program with the uncompiled ones. Raises `CannotCompileError` if they differ."""
    state, batch, rates = example
    carried = tree_leaves(state)
    for _ in range(2):  # the second step starts from the state that the first returned
        carried, trace = run(carried, batch, rates)
        state, expected = plain(state, batch, rates)
        for name in ("d_loss", "g_loss"):
            ours, theirs = getattr(trace, name), getattr(expected, name)
            if not torch.allclose(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True):
                raise CannotCompileError(f"the program's {name} is {ours.tolist()}, uncompiled {theirs.tolist()}")


def signal_function(lanes: int, log_odds: bool) -> Callable[[Trace, Tensor], Tensor]:
    """A function that computes the signals of one seed (12,) or of a stack (S, 12)."""

    def one(trace: Trace, real: Tensor) -> Tensor:
        return observe(trace, real, log_odds)

    return one if lanes == 1 else torch.vmap(one)


def stacked(items: list[T]) -> T:
    """Stack trees of tensors into one tree with a leading seed dimension."""
    result: T = tree_map(lambda *leaves: torch.stack(leaves), *items)
    return result


def lane(tree: T, index: int) -> T:
    """One seed's slice of a stacked tree."""
    result: T = tree_map(lambda leaf: leaf[index], tree)
    return result
