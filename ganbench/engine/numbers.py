"""The numbers of a block of steps, computed on the host in double precision: factors, decays, schedules."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from ganbench.engine.objective import Objective
from ganbench.engine.step import Game, Numbers
from ganbench.engine.update_rules import PlayerNumbers
from ganbench.registry.schedules import number_at
from ganbench.suite.train_spec import PlayerSpec, TrainSpec


def player_numbers(player: PlayerSpec, step: int, steps: int) -> PlayerNumbers:
    """A player's numbers at a step (from 0)."""
    beta1, beta2 = player.betas
    return PlayerNumbers(*(number_at(value, step, steps) for value in (player.lr, beta1, beta2)))


def decay(spec: TrainSpec, step: int) -> float:
    """The decay of G's average at a step; 0.5 ** (batch / half-life) if the suite gives a half-life in images."""
    if spec.ema_half_life is None:
        return number_at(spec.ema, step, spec.steps)
    half_life = number_at(spec.ema_half_life, step, spec.steps)
    return float(0.5 ** (spec.batch / half_life)) if half_life > 0 else 0.0


def number_table(game: Game, spec: TrainSpec, start: int, stop: int) -> Numbers:
    """The numbers of the steps `start` to `stop`, on the host: every number has the steps as its first dimension."""
    steps, n = range(start, stop), spec.n_dis
    d = [[game.d_rule.factors(t * n + i + 1, player_numbers(spec.d, t, spec.steps)) for i in range(n)] for t in steps]
    g = [game.g_rule.factors(t + 1, player_numbers(spec.g, t, spec.steps)) for t in steps]
    average = [(kept, 1 - kept) for kept in (decay(spec, t) for t in steps)]
    values = _schedules(game.objective, spec, steps)
    return Numbers(torch.tensor(list(steps), dtype=torch.int32), _single(d), _single(g), _single(average), values)


def rows_of(table: Numbers) -> list[Numbers]:
    """The numbers of each step of a table."""
    columns, form = tree_flatten(table)
    return [tree_unflatten(list(row), form) for row in zip(*(column.unbind() for column in columns), strict=True)]


def numbers(game: Game, spec: TrainSpec, start: int, stop: int, device: torch.device) -> list[Numbers]:
    """The numbers of the steps `start` to `stop` on a device: one transfer for each kind of number."""
    return rows_of(tree_map(lambda column: column.to(device), number_table(game, spec, start, stop)))


def _single(rows: object) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32)


def _schedules(objective: Objective, spec: TrainSpec, steps: range) -> dict[str, dict[str, Tensor]]:
    """The values of all schedules of parts and transforms, (steps,) each."""
    return {
        one.name: {
            field: _single([schedule.at(t, spec.steps) for t in steps]) for field, schedule in one.schedules.items()
        }
        for one in objective.members
        if one.schedules
    }
