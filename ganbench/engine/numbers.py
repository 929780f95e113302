"""The numbers of a block of steps, computed on the host in double precision: factors, decays, schedules."""

from __future__ import annotations

import torch
from torch import Tensor

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


def numbers(game: Game, spec: TrainSpec, start: int, stop: int, device: torch.device) -> list[Numbers]:
    """The numbers of the steps `start` to `stop` on a device: one transfer for each kind of number."""
    steps, n = range(start, stop), spec.n_dis
    d = [[game.d_rule.factors(t * n + i + 1, player_numbers(spec.d, t, spec.steps)) for i in range(n)] for t in steps]
    g = [game.g_rule.factors(t + 1, player_numbers(spec.g, t, spec.steps)) for t in steps]
    average = [(kept, 1 - kept) for kept in (decay(spec, t) for t in steps)]
    columns = [torch.tensor(list(steps), dtype=torch.int32), *map(_single, (d, g, average))]
    values = _schedules(game.objective, spec, steps, device)
    step, own_d, own_g, kept = (column.to(device) for column in columns)
    return [
        Numbers(
            step[i],
            own_d[i],
            own_g[i],
            kept[i],
            {name: {field: column[i] for field, column in own.items()} for name, own in values.items()},
        )
        for i in range(len(steps))
    ]


def _single(rows: object) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32)


def _schedules(
    objective: Objective, spec: TrainSpec, steps: range, device: torch.device
) -> dict[str, dict[str, Tensor]]:
    """The values of all schedules of parts and transforms, (steps,) each."""
    return {
        one.name: {
            field: _single([schedule.at(t, spec.steps) for t in steps]).to(device)
            for field, schedule in one.schedules.items()
        }
        for one in objective.members
        if one.schedules
    }
