"""Seeds as a dimension: one step function, mapped over a stack of seeds, compiled, or called seed by seed."""

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
from ganbench.engine.step import Batch, Clock, Game, Rates, State, Trace, step
from ganbench.errors import ContractError, describe_error
from ganbench.suite.specs import TrainSpec

STACK = 16
"""Most seeds in one stack that is not compiled: beyond it the activations leave a core's cache."""
LANES = 4
"""Seeds in one compiled stack on a CPU. A program has a fixed number of lanes, so that it is the
same program for every number of seeds; lanes without a seed of their own repeat one."""
GPU_LANES = 16
"""The same on a GPU, where the launch of a kernel costs more than the lanes in it."""
SMALL = 32_768
"""Parameters of both players up to which lanes pay on a CPU: larger matrices fill a core one by one."""
TOLERANCE = {"fp32": 1e-3, "tf32": 1e-2, "bf16": 5e-2}
"""How far a program's first losses may be from those of the same step uncompiled."""

T = TypeVar("T")
Carried = Any
"""A state between two steps, in the form that suits the path."""


@dataclass(frozen=True)
class Path:
    """How a cell's seeds are run, how many at once, and why; part of every record."""

    how: Literal["compiled", "stacked", "looped"]
    lanes: int
    why: str


def _same(state: State) -> State:
    return state


class Engine(NamedTuple):
    """The step on its path: `take` a state, `advance` it as often as you like, `give` it back."""

    path: Path
    advance: Callable[[Carried, Batch, Clock, Rates], tuple[Carried, Trace]]
    take: Callable[[State], Carried] = _same
    give: Callable[[Carried], State] = _same


def choose(game: Game, spec: TrainSpec, device: str) -> Path:
    """The rule: compile what is long, stack what can be stacked without a bit of difference, loop the rest.

    It sees the spec and the machine, never the number of seeds: a seed's bits depend on its path.
    """
    reason = unstackable(game, spec)
    limit = compile_limit(game, spec, device)
    if limit is None:
        if device == "cpu":
            small = sum(game.generator.sizes) + sum(game.discriminator.sizes) <= SMALL
            why = reason or ("small networks fill a core four at a time" if small else "one seed fills a core")
            return Path("compiled", LANES if small and reason is None else 1, why)
        return Path("compiled", GPU_LANES if reason is None else 1, reason or "a stack fills a GPU")
    if spec.engine == "compiled":
        raise ContractError(f"`engine: compiled` is not possible here: {limit}")
    return _uncompiled(reason, limit)


def _uncompiled(unstackable: str | None, uncompiled: str) -> Path:
    """Stacked, or looped where there is a reason not to stack; `uncompiled` says why there is no program."""
    if unstackable is not None:
        return Path("looped", 1, f"{unstackable}; {uncompiled}")
    return Path("stacked", STACK, f"every operation maps over seeds to the bit; {uncompiled}")


def compile_limit(game: Game, spec: TrainSpec, device: str) -> str | None:
    """Why a cell is not compiled, or None where it is."""
    if spec.engine == "eager":
        return "the suite asks for `engine: eager`"
    layers = _random_layer(game)
    if layers is not None:
        return f"{layers} draws from a stream of its own"
    if spec.engine == "auto" and not spec.compiling_pays(_convolves(game)):
        return f"{spec.steps} steps do not pay for compiling"
    if device not in ("cpu", "cuda"):
        return f"programs are not compiled for {device}"
    return missing_compiler()


def unstackable(game: Game, spec: TrainSpec) -> str | None:
    """Why seeds run one by one, or None where a stack gives each the bits that it has alone.

    Convolutions: grouped convolutions lose on a CPU. Random layers: a stack has one random
    stream, a seed has its own. And what would give a seed other bits in a stack: vectorised
    kernels treat the end of an array apart and matrix kernels choose by alignment, so the batch
    must be a multiple of 32 and every dimension of a parameter beyond 8 a multiple of 4.
    """
    if _convolves(game):
        return "convolutions run faster seed by seed"
    for network in (game.generator, game.discriminator):
        for name, shape in network.shapes.items():
            if any(side > 8 and side % 4 for side in shape):
                return f"parameter {name} {tuple(shape)} has a side that is no multiple of 4"
    if spec.batch % 32:
        return f"batch {spec.batch} is no multiple of 32"
    if spec.precision == "bf16":
        return "bfloat16 was not compared in stacks"
    return _random_layer(game)


def _layers(game: Game) -> list[nn.Module]:
    return [*game.generator.module.modules(), *game.discriminator.module.modules()]


def _convolves(game: Game) -> bool:
    return any(isinstance(layer, nn.modules.conv._ConvNd) for layer in _layers(game))


def _random_layer(game: Game) -> str | None:
    random = (layer for layer in _layers(game) if isinstance(layer, nn.modules.dropout._DropoutNd))
    return next((type(layer).__name__ for layer in random), None)


def engine(path: Path, game: Game, spec: TrainSpec, example: tuple[State, Batch, Rates]) -> Engine:
    """The step on a path, tried on one seed's example.

    Where the compiler cannot take the step or gives another one, the path is that of
    `engine: eager`; where vmap cannot map it (a loss that branches on values, say), the loop.
    Raises `ContractError` where the spec insists on a program.
    """
    state, batch, rates = example
    if path.how == "compiled":
        lanes = (stacked([state] * path.lanes), stacked([batch] * path.lanes)) if path.lanes > 1 else (state, batch)
        try:
            return _compiled(game, path, (*lanes, rates), TOLERANCE[spec.precision])
        except Exception as error:  # the compiler raises whatever it likes; the step runs without it
            reason = f"not compiled: {error if isinstance(error, CannotCompileError) else describe_error(error)}"
            if spec.engine == "compiled":
                raise ContractError(reason) from error
            path = _uncompiled(unstackable(game, spec), reason)
    if path.how == "stacked":
        try:
            advance(game, path.lanes)(stacked([state, state]), stacked([batch, batch]), lambda: 0, rates)
        except Exception as error:
            path = Path("looped", 1, f"vmap cannot map it ({describe_error(error)})")
    return Engine(path, advance(game, path.lanes))


def advance(game: Game, lanes: int) -> Callable[[State, Batch, Clock, Rates], tuple[State, Trace]]:
    """The alternating step for one seed, or for a stack of them."""
    if lanes == 1:
        return lambda state, batch, clock, rates: step(game, state, batch, clock, rates)

    def mapped(state: State, batch: Batch, clock: Clock, rates: Rates) -> tuple[State, Trace]:
        result: tuple[State, Trace] = torch.vmap(lambda s, b: step(game, s, b, clock, rates))(state, batch)
        return result

    return mapped


def _compiled(game: Game, path: Path, example: tuple[State, Batch, Rates], tolerance: float) -> Engine:
    """The step as one program. Raises `CannotCompileError` where it is none, or another one."""

    def clock() -> int:
        raise CannotCompileError("the loss asks for the step's number")

    def plain(state: State, batch: Batch, rates: Rates) -> tuple[State, Trace]:
        return advance(game, path.lanes)(state, batch, clock, rates)

    program = compiled(plain, example)
    leaves, form = tree_flatten(example[0])
    count = len(leaves)

    def run(carried: Carried, batch: Batch, clock: Clock, rates: Rates) -> tuple[Carried, Trace]:
        results = program([*carried, *batch, *rates])
        return results[:count], Trace(*results[count:])

    _check(run, plain, example, tolerance)
    return Engine(path, run, tree_leaves, lambda carried: tree_unflatten(list(carried), form))


def _check(run: Any, plain: Any, example: tuple[State, Batch, Rates], tolerance: float) -> None:
    """That a program plays the same two steps. Raises `CannotCompileError` where it does not."""
    state, batch, rates = example
    carried = tree_leaves(state)
    for _ in range(2):  # the second step starts from what the first has made of the state
        carried, trace = run(carried, batch, None, rates)
        state, wanted = plain(state, batch, rates)
        for name in ("d_loss", "g_loss"):
            ours, theirs = getattr(trace, name), getattr(wanted, name)
            if not torch.allclose(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True):
                raise CannotCompileError(f"the program's {name} is {ours.tolist()}, uncompiled {theirs.tolist()}")


def observer(lanes: int, log_odds: bool) -> Callable[[Trace, Tensor], Tensor]:
    """The signals of one seed (12,), or of a stack (S, 12)."""

    def one(trace: Trace, real: Tensor) -> Tensor:
        return observe(trace, real, log_odds)

    return one if lanes == 1 else torch.vmap(one)


def stacked(items: list[T]) -> T:
    """Trees of tensors as one tree with a leading seed dimension."""
    result: T = tree_map(lambda *leaves: torch.stack(leaves), *items)
    return result


def lane(tree: T, index: int) -> T:
    """One seed's part of a stacked tree."""
    result: T = tree_map(lambda leaf: leaf[index], tree)
    return result
