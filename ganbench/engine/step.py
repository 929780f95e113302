"""The alternating step of the adversarial game, as a pure function of one seed's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.engine.networks import Buffers, Network
from ganbench.engine.optimizers import Betas, Moments, Optimizer
from ganbench.errors import ContractError
from ganbench.registry.contracts import Loss


class Player(NamedTuple):
    """One player: flat parameters (P,), buffers, and the optimizer's two moments (P,)."""

    params: Tensor
    buffers: Buffers
    moments: Moments


class State(NamedTuple):
    """Both players, and the exponential moving average of G's parameters (P,); with `ema: 0` it stays as it began."""

    generator: Player
    discriminator: Player
    average: Tensor


class Batch(NamedTuple):
    """Data and noise of one step: n_dis batches for D's moves, and one more of latents for G's move."""

    real: Tensor  # (n_dis, B, *shape)
    latent: Tensor  # (n_dis + 1, B, latent)
    mix: Tensor  # (n_dis + 1, B), uniform in [0, 1): the interpolation weights of `Critic.between`


class Trace(NamedTuple):
    """What a step computed before each move: the input of the training signals."""

    d_loss: Tensor  # ()
    g_loss: Tensor  # ()
    real_logits: Tensor  # (B,), at D's last move
    fake_logits: Tensor  # (B,)
    d_grad: Tensor  # (P,)
    g_grad: Tensor  # (P,)
    fake: Tensor  # (B, *shape), the batch of G's move


@dataclass(frozen=True)
class Game:
    """What stays fixed during training: the loss, both networks, and the optimizer."""

    loss: Loss
    generator: Network
    discriminator: Network
    optimizer: Optimizer
    betas: Betas
    n_dis: int
    ema: float


class Rates(NamedTuple):
    """The optimizer's factors for the moves of one step."""

    d: Tensor  # (n_dis, 2)
    g: Tensor  # (2,)


StepNumber = Callable[[], int]
"""Returns the number of the current step, from 0; called only if the loss reads `critic.step`."""


class Critic:
    """D as a loss sees it: logits of the real batch, the fake batch and any x, and input gradients."""

    def __init__(
        self, network: Network, player: Player, real: Tensor, fake: Tensor, mix: Tensor, step_number: StepNumber
    ):
        self.real_samples, self.fake_samples, self.buffers = real, fake, player.buffers
        self._network, self._mix, self._step_number = network, mix, step_number
        self._named = network.named(player.params)

    @property
    def step(self) -> int:
        return self._step_number()

    def _logits(self, x: Tensor) -> tuple[Tensor, Buffers]:
        logits, buffers = self._network(self._named, self.buffers, x)
        if logits.numel() != x.shape[0]:
            raise ContractError(
                f"the discriminator returned {tuple(logits.shape)} for {x.shape[0]} samples; "
                "it must return one logit per sample, (B,) or (B, 1)"
            )
        return logits.reshape(x.shape[0]), buffers

    @cached_property
    def real(self) -> Tensor:
        logits, self.buffers = self._logits(self.real_samples)
        return logits

    @cached_property
    def fake(self) -> Tensor:
        logits, self.buffers = self._logits(self.fake_samples)
        return logits

    def __call__(self, x: Tensor) -> Tensor:
        return self._logits(x)[0]

    def between(self) -> Tensor:
        mix = self._mix.reshape(-1, *[1] * (self.real_samples.dim() - 1))
        return self.fake_samples + mix * (self.real_samples - self.fake_samples)

    def gradient(self, x: Tensor) -> Tensor:
        slopes: Tensor = torch.func.grad(lambda at: self(at).sum())(x)
        return slopes.flatten(1)


def step(game: Game, state: State, batch: Batch, step_number: StepNumber, rates: Rates) -> tuple[State, Trace]:
    """One alternating step: D moves `n_dis` times while G is fixed, then G once."""
    g, d, average = state
    for i in range(game.n_dis):
        latent, real, mix = batch.latent[i], batch.real[i], batch.mix[i]
        d, (d_loss, d_grad, real_logits, fake_logits) = move_discriminator(
            game, g, d, real, latent, mix, step_number, rates.d[i]
        )
    g, (g_loss, g_grad, fake) = move_generator(game, g, d, real, batch.latent[-1], batch.mix[-1], step_number, rates.g)
    if game.ema:
        average = average * game.ema + g.params * (1 - game.ema)
    trace = Trace(d_loss, g_loss, real_logits, fake_logits, d_grad, g_grad, fake)
    return State(g, d, average), trace


def move_discriminator(
    game: Game,
    g: Player,
    d: Player,
    real: Tensor,
    latent: Tensor,
    mix: Tensor,
    step_number: StepNumber,
    factors: Tensor,
) -> tuple[Player, tuple[Tensor, Tensor, Tensor, Tensor]]:
    """D moves along its gradient of `d_loss`; G, including its buffers, is fixed."""
    fake, _ = game.generator(game.generator.named(g.params), g.buffers, latent)

    def objective(params: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor, Buffers]]:
        critic = Critic(game.discriminator, d._replace(params=params), real, fake, mix, step_number)
        loss = _scalar("d_loss", getattr(game.loss, "d_loss")(critic))  # noqa: B009
        return loss, (critic.real, critic.fake, critic.buffers)

    grad, (loss, (real_logits, fake_logits, buffers)) = torch.func.grad_and_value(objective, has_aux=True)(d.params)
    params, moments = game.optimizer.move(d.params, grad, d.moments, factors, game.betas)
    return Player(params, buffers, moments), (loss, grad, real_logits, fake_logits)


def move_generator(
    game: Game,
    g: Player,
    d: Player,
    real: Tensor,
    latent: Tensor,
    mix: Tensor,
    step_number: StepNumber,
    factors: Tensor,
) -> tuple[Player, tuple[Tensor, Tensor, Tensor]]:
    """G moves along its gradient of `g_loss`; D, including its buffers, is fixed."""

    def objective(params: Tensor) -> tuple[Tensor, tuple[Tensor, Buffers]]:
        fake, buffers = game.generator(game.generator.named(params), g.buffers, latent)
        loss = _scalar(
            "g_loss",
            getattr(game.loss, "g_loss")(Critic(game.discriminator, d, real, fake, mix, step_number)),  # noqa: B009
        )
        return loss, (fake, buffers)

    grad, (loss, (fake, buffers)) = torch.func.grad_and_value(objective, has_aux=True)(g.params)
    params, moments = game.optimizer.move(g.params, grad, g.moments, factors, game.betas)
    return Player(params, buffers, moments), (loss, grad, fake)


def _scalar(name: str, loss: object) -> Tensor:
    """Check that a loss is a scalar tensor. Raises `ContractError`."""
    if not isinstance(loss, Tensor):
        raise ContractError(f"{name} must return a tensor, not {type(loss).__name__}")
    if loss.dim():
        raise ContractError(f"{name} must be a scalar, not of shape {tuple(loss.shape)}: take the mean over the batch")
    return loss
