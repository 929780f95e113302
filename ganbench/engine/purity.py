"""Checks that a step is a pure function: no hidden state, no undeclared random numbers, no work in place."""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ganbench.engine.critic import Samples
from ganbench.engine.draws import Recipe
from ganbench.engine.setting import Example, Setting
from ganbench.engine.step import Game, State, step
from ganbench.engine.threads import one_thread
from ganbench.engine.watch import FIXES, Call, Caller, ImpureError, Watch, title, watched

T = TypeVar("T")

SMALL_BATCH = 4
"""Samples in the step of networks that are large or convolve (times the samples that are packed)."""
LARGE = 200_000
"""Parameters of both networks above which they are large."""
ROWS = 256
"""Rows of the data from which the step draws."""


def check_purity(setting: Setting, example: Example, times: int = 2) -> None:
    """Take a step, on the CPU, with fresh copies of all plugins and networks, and at the end of `times` steps.

    Every call must return the same bits for the same inputs, draw no random numbers of its own and change nothing that
    it was given. The setting and the example may be on any device. Large networks see a small batch, unless a plugin
    refuses it. Raises `ImpureError` for the first broken rule, and passes on what a plugin raises.
    """
    example = _on_cpu(example)
    game = replace(setting.game, n_dis=1, unrolled=min(setting.game.unrolled, 1))
    stride = max(1, len(setting.data.samples) // ROWS)
    data = _on_cpu(tree_map(lambda part: part[::stride][:ROWS], setting.data))
    recipe = replace(setting.recipe, moves=2, rows=len(data.samples))
    small = replace(recipe, batch=_small_batch(game, recipe.batch))
    try:
        _check(game, data, example, small, times)
    except ImpureError:
        raise
    except Exception:  # a plugin may need the batch of the suite
        if small == recipe:
            raise
        _check(game, data, example, recipe, times)


def _on_cpu(tree: T) -> T:
    moved: T = tree_map(lambda leaf: leaf.cpu(), tree)
    return moved


def _small_batch(game: Game, batch: int) -> int:
    networks = (game.generator, game.discriminator)
    convolves = any(len(shape) > 2 for network in networks for shape in network.shapes.values())
    large = sum(sum(network.sizes) for network in networks) > LARGE
    return min(batch, SMALL_BATCH * game.packed) if convolves or large else batch


def _check(game: Game, data: Samples, example: Example, recipe: Recipe, times: int) -> None:
    try:
        _compare(game, data, example, recipe, times)
    except ImpureError as error:
        if error.rule != "hidden-state" or torch.get_num_threads() == 1:
            raise
        with one_thread():  # on several threads, some kernels add in another order each time
            _compare(game, data, example, recipe, times)


def _compare(game: Game, data: Samples, example: Example, recipe: Recipe, times: int) -> None:
    state, keys, numbers = example
    used, fresh = _copy(game), _copy(game)
    before = _Surroundings.of(used)

    def taken(game: Game, step_number: int, watch: Watch, mode: AbstractContextManager[object]) -> list[Call]:
        draws = recipe.drawn(keys, numbers.step + step_number)
        with torch.random.fork_rng(devices=[]), mode:
            torch.manual_seed(0)
            _start_memories(game, state, watch)
            step(watched(game, watch), data, state, draws, numbers)
        return watch.calls

    watch = Watch()
    expected = taken(fresh, 0, watch, watch)
    taken(used, 1, Watch(), nullcontext())  # another batch, which must leave no trace
    for time in range(1, times):
        _require_same(expected, taken(used, 0, Watch(), nullcontext()), before, time)


def _copy(game: Game) -> Game:
    """A copy of the game's plugins and networks; the game itself if they cannot be copied."""
    try:
        return copy.deepcopy(game)
    except Exception:  # third-party objects may raise anything
        return game


def _start_memories(game: Game, state: State, watch: Watch) -> None:
    players = {"d": (game.discriminator, state.discriminator), "g": (game.generator, state.generator)}
    for one in game.objective.members:
        if one.remembers_with is not None:
            network, player = players[one.remembers_with]
            watch.called(Caller(title(game, one), "memory"), one.plugin.memory, network.named(player.params))


def _require_same(first: list[Call], again: list[Call], before: _Surroundings, time: int) -> None:
    """Raise `ImpureError` that names the first call which returned something else."""
    for one, other in zip(first, again, strict=False):
        if one.caller != other.caller or not _same(one.samples, other.samples):  # the code around it is to blame
            raise _hidden(one.asked or other.asked or one.caller, "does something else", before, time)
        if not _same(one.results, other.results):
            raise _hidden(one.caller, "returns other values", before, time)
    if len(first) != len(again):
        raise _hidden(again[-1].asked or again[-1].caller, "does something else", before, time)


def _hidden(caller: Caller, seen: str, before: _Surroundings, time: int) -> ImpureError:
    steps = "one other step" if time == 1 else f"{time} other steps"
    how = f"{seen} for the same inputs after {steps}{before.changes(caller.who)}"
    fix = FIXES["hidden-state of layers" if caller.layers else "hidden-state"]
    return ImpureError(str(caller), "hidden-state", how, fix)


def _same(one: list[Tensor], other: list[Tensor]) -> bool:
    def equal(a: Tensor, b: Tensor) -> bool:
        return a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())

    return len(one) == len(other) and all(map(equal, one, other))


@dataclass(frozen=True)
class _Surroundings:
    """What impure code changes: attributes of plugins, the random streams of numpy and `random`."""

    attributes: Mapping[str, tuple[Any, dict[str, Any]]]
    streams: Mapping[str, object]

    @classmethod
    def of(cls, game: Game) -> _Surroundings:
        plugins = {title(game, one): one.plugin for one in game.objective.members}
        return cls({who: (one, dict(getattr(one, "__dict__", {}))) for who, one in plugins.items()}, _streams())

    def changes(self, who: str) -> str:
        """What changed since then, as the rest of a sentence."""
        plugin, before = self.attributes.get(who, (None, {}))
        now = getattr(plugin, "__dict__", {})
        changed = [f"its attribute {name!r} changed" for name in now if now[name] is not before.get(name)]
        moved = [f"the stream of {name} moved on" for name, value in _streams().items() if self.streams[name] != value]
        return f" ({', '.join(changed + moved)})" if changed or moved else ""


def _streams() -> dict[str, object]:
    numpy = sys.modules.get("numpy")
    return {"random": random.getstate(), "numpy.random": repr(numpy.random.get_state()[2:]) if numpy else None}
