"""What one step of training costs, counted without computing it, and how fast a CPU computes such steps at best."""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from ganbench.engine.critic import Samples
from ganbench.engine.draws import Recipe
from ganbench.engine.numbers import numbers
from ganbench.engine.objective import Objective
from ganbench.engine.setting import Players, Setting, build_game, init_state
from ganbench.engine.step import step
from ganbench.engine.threads import one_thread
from ganbench.registry.training_contracts import Architecture
from ganbench.suite.train_spec import TrainSpec

ROWS = 4
"""Rows of the data that stand for the dataset: a step's cost does not depend on their number."""
SIDE = 512
"""The side of the matrices whose product is timed."""
TRIALS = 5


class StepCost(NamedTuple):
    """Floating-point operations of matrix products and convolutions in one step of one seed, gradients included, and
    the most bytes that tensors have at a time, both players' states included.
    """

    operations: int
    bytes: int


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations, and the bytes of all tensors that were made and still live."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = self.now = self.most = 0
        self.known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        made = func(*args, **given)
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.operations += count(*args, **given, out_val=made)
        for leaf in tree_leaves(made):
            if isinstance(leaf, Tensor):
                self._add(leaf)
        return made

    def _add(self, tensor: Tensor) -> None:
        """Count a tensor's storage, once, for as long as it lives."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self.known:
            return
        self.known.add(key)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.now -= size


def step_cost(
    objective: Objective, architecture: Architecture, shape: tuple[int, ...], spec: TrainSpec, classes: int | None
) -> StepCost:
    """Count one step on tensors that have shapes and no values.

    Raises what a plugin raises that reads the values or names a device.
    """
    nowhere = torch.device("meta")
    with nowhere, _Counter() as counter:
        players = Players(architecture, shape, objective.shape(shape), classes)
        labels = torch.zeros(0 if classes is None else ROWS, dtype=torch.int64)
        data = Samples(torch.zeros(ROWS, *shape), labels)
        game = build_game(objective, players, spec, 0, nowhere)
        recipe = Recipe(objective, spec.n_dis + 1, spec.batch, architecture.latent, shape, ROWS, classes is not None)
        state = init_state(Setting(game, players, data, recipe), 0, nowhere)
        first = numbers(game, spec, 0, 1, nowhere)[0]
        draws = recipe.drawn(recipe.keys(0), first.step)
        step(game, data, state, draws, first)
    return StepCost(counter.operations, counter.most)


def products_per_second() -> float:
    """Floating-point operations per second of a product of float32 matrices, on one thread of this machine's CPU.

    The best of some trials: no training step is faster.
    """
    with one_thread():
        matrix = torch.ones(SIDE, SIDE)
        best = min(_seconds(matrix) for _ in range(TRIALS))
    return 2 * SIDE * SIDE * SIDE / best


def _seconds(matrix: Tensor) -> float:
    """The time of one product."""
    began = time.perf_counter()
    torch.mm(matrix, matrix)
    return time.perf_counter() - began
