"""What a step costs, against counts by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from factories import make_train
from torch import Tensor, nn

from ganbench.engine.objective import Objective
from ganbench.engine.step_cost import products_per_second, step_cost
from ganbench.registry.training_contracts import Critic
from ganbench_losses.minimax import Minimax
from ganbench_losses.wasserstein import Wasserstein
from ganbench_losses.zero_centered import R1

BATCH, LATENT, NUMBERS, SIDE, CHANNELS = 64, 8, 32, 6, 5


@dataclass(frozen=True)
class Linear:
    """One layer a player, for points with `NUMBERS` numbers."""

    latent: int = LATENT

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Linear(LATENT, NUMBERS)

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Linear(NUMBERS, 1)


class Convolving(Linear):
    """G is linear; D is a 3x3 convolution to `CHANNELS` channels of the same size, and a linear layer."""

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Linear(LATENT, SIDE * SIDE), nn.Unflatten(1, (1, SIDE, SIDE)))

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, CHANNELS, 3, padding=1), nn.Flatten(), nn.Linear(CHANNELS * SIDE * SIDE, 1))


class Reading:
    """A loss that reads a value."""

    def d_loss(self, critic: Critic) -> Tensor:
        return critic.fake.mean() * critic.real.mean().item()

    def g_loss(self, critic: Critic) -> Tensor:
        return critic.fake.mean()


def _operations(architecture: Any, shape: tuple[int, ...], *parts: Any, **settings: Any) -> int:
    spec = make_train(**{"steps": 1, "batch": BATCH, **settings})
    return step_cost(Objective.of(*parts), architecture, shape, spec, None).operations


def test_products_are_those_of_the_passes_of_a_step() -> None:
    g, d = 2 * BATCH * LATENT * NUMBERS, 2 * BATCH * NUMBERS  # one pass of each layer
    moves_of_d = g + 2 * (d + d)  # samples; both batches forward, and the gradient of D's weights
    moves_of_g = g + d + d + g  # forward through both, back through D, the gradient of G's weights
    shape = (NUMBERS,)
    assert _operations(Linear(), shape, Minimax()) == moves_of_d + moves_of_g
    assert _operations(Linear(), shape, Minimax(), n_dis=3) == 3 * moves_of_d + moves_of_g
    assert _operations(Linear(), shape, Minimax(), batch=2 * BATCH) == 2 * (moves_of_d + moves_of_g)
    assert _operations(Linear(), shape, Minimax(), R1()) > moves_of_d + moves_of_g


def test_convolutions_count() -> None:
    pixels = SIDE * SIDE
    g, d = 2 * BATCH * LATENT * pixels, 2 * BATCH * CHANNELS * pixels
    convolution = 2 * BATCH * pixels * CHANNELS * 9
    both = g + 2 * (convolution + d) + 2 * (convolution + d + d)  # D's weights, and back through its last layer
    generators = g + (convolution + d) + (convolution + d) + g
    assert _operations(Convolving(), (1, SIDE, SIDE), Wasserstein()) == both + generators


def test_memory_holds_both_players_and_the_batch() -> None:
    spec = make_train(steps=1, batch=BATCH)
    small, large = (
        step_cost(Objective.of(Minimax()), Linear(), (NUMBERS,), make_train(steps=1, batch=batch), None).bytes
        for batch in (BATCH, 100 * BATCH)
    )
    parameters = LATENT * NUMBERS + NUMBERS + NUMBERS + 1
    assert spec.d.optimizer == "adam"
    assert small > 4 * (3 * parameters + 3 * BATCH * NUMBERS)  # with Adam's two moments; a real and two fake batches
    assert 80 < (large - 12 * parameters) / (small - 12 * parameters) < 120


def test_a_loss_that_reads_values_cannot_be_counted() -> None:
    with pytest.raises(RuntimeError):
        _operations(Linear(), (NUMBERS,), Reading())


def test_a_cpu_computes_products_at_a_plausible_speed() -> None:
    threads = torch.get_num_threads()
    assert 1e8 < products_per_second() < 1e13
    assert torch.get_num_threads() == threads
