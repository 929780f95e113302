"""Execution paths: the rule by which a cell's step is compiled, recorded, vmapped over a stack of seeds, or looped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

from ganbench.engine.backend import Backend
from ganbench.engine.networks import Network
from ganbench.engine.step import Game
from ganbench.errors import ContractError
from ganbench.suite.train_spec import TrainSpec

MAX_STACK = 16
"""The most seeds in a stack of varying width: with more, the activations exceed a core's cache."""

Kind = Literal["compiled", "captured", "stacked", "looped"]


@dataclass(frozen=True)
class ExecutionPath:
    """How a cell's seeds are run, how many at a time, and the reason; part of every record.

    `compiled`: one program. `captured`: the traced step, recorded on a GPU and replayed. `stacked`: mapped over seeds.
    `looped`: seed by seed. A seed's bits depend on its path and on nothing else that concerns other seeds.
    """

    kind: Kind
    lanes: int
    reason: str

    @property
    def fills(self) -> bool:
        """Whether all lanes of a stack are always filled, so that the same program serves every number of seeds."""
        return self.kind in ("compiled", "captured")


def choose_path(game: Game, spec: TrainSpec, backend: Backend) -> ExecutionPath:
    """Choose the path: compile long training; record what is not compiled, stack seeds if that changes no bit, or loop.

    The rule depends on the spec and the machine, never on the number of seeds, because a seed's bits
    depend on its path. Raises `ContractError` if the spec requires a program and none is possible.
    """
    limit = compile_limit(game, spec, backend)
    if limit is None:
        return ExecutionPath("compiled", *_lanes(game, spec, backend))
    if spec.engine == "compiled":
        raise ContractError(f"`engine: compiled` is not possible here: {limit}")
    return uncompiled(game, spec, backend, limit)


def uncompiled(game: Game, spec: TrainSpec, backend: Backend, why: str) -> ExecutionPath:
    """The path of a step that is not compiled; `why` says why it is not."""
    if backend.recorder is not None and random_layer(game) is None:
        lanes, reason = _lanes(game, spec, backend)
        return ExecutionPath("captured", lanes, f"{reason}; {why}")
    apart = unstackable(game, spec)
    if apart is not None:
        return ExecutionPath("looped", 1, f"{apart}; {why}")
    return ExecutionPath("stacked", MAX_STACK, f"stacking seeds changes no bit; {why}")


def _lanes(game: Game, spec: TrainSpec, backend: Backend) -> tuple[int, str]:
    """The seeds in one program, and why so many."""
    apart = unstackable(game, spec)
    small = sum(game.generator.sizes) + sum(game.discriminator.sizes) <= backend.lane_parameters
    lanes = backend.lanes if small and apart is None else 1
    return lanes, apart or (backend.small if small else backend.large)


def compile_limit(game: Game, spec: TrainSpec, backend: Backend) -> str | None:
    """Why a cell is not compiled, or None if it is."""
    if spec.engine == "eager":
        return "the suite sets `engine: eager`"
    random = random_layer(game)
    if random is not None:
        return random
    if spec.engine == "auto" and not backend.compiling_pays(spec.steps, _convolves(game)):
        return f"{spec.steps} steps are too few for compiling to pay off"
    return backend.uncompilable


def unstackable(game: Game, spec: TrainSpec) -> str | None:
    """Why seeds are not stacked, or None if a stack gives each seed the bits that it has alone.

    Convolutions: grouped convolutions are slow. Random layers: a stack has one random
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
    return random_layer(game)


def _tables(network: Network) -> set[str]:
    """The names of the parameters that are tables of vectors, one for each class."""
    layers = network.module.named_modules()
    return {f"{name}.weight".lstrip(".") for name, layer in layers if isinstance(layer, nn.Embedding)}


def _layers(game: Game) -> list[nn.Module]:
    return [*game.generator.module.modules(), *game.discriminator.module.modules()]


def _convolves(game: Game) -> bool:
    return any(isinstance(layer, nn.modules.conv._ConvNd) for layer in _layers(game))


def random_layer(game: Game) -> str | None:
    """The layer that draws random numbers of its own, in a sentence, or None."""
    random = (layer for layer in _layers(game) if isinstance(layer, nn.modules.dropout._DropoutNd) and layer.p)
    return next((f"{type(layer).__name__} uses its own random stream" for layer in random), None)
