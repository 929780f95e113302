"""The alternating step: one player moves while the other is fixed, as in a textbook loop."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from ganbench import Architecture, Critic, Loss
from ganbench.engine.networks import Network, flat, initial
from ganbench.engine.optimizers import OPTIMIZERS
from ganbench.engine.step import Batch, Game, Player, Rates, State, move_discriminator, move_generator, step
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax
from ganbench_losses.nonsaturating import NonSaturating
from ganbench_losses.rpgan import RpGANR1R2

LOSSES: dict[str, Loss] = {"minimax": Minimax(), "nonsaturating": NonSaturating(), "rpgan": RpGANR1R2(gamma=0.3)}
CASES: dict[str, tuple[Architecture, tuple[int, ...]]] = {
    "mlp": (Mlp(width=32, depth=2, slope=0.2), (2,)),
    "dcgan": (Dcgan(width=4, latent=8), (1, 16, 16)),
}


def _play(
    loss: Loss,
    architecture: Architecture,
    shape: tuple[int, ...],
    n_dis: int = 1,
    ema: float = 0.0,
    rule: str = "adam",
    betas: tuple[float, float] = (0.5, 0.99),
) -> tuple[Game, State, tuple[nn.Module, nn.Module]]:
    g_module, g, g_buffers = initial(lambda: architecture.generator(shape), 0, "generator")
    d_module, d, d_buffers = initial(lambda: architecture.discriminator(shape), 0, "discriminator")
    zeros = [(torch.zeros_like(p), torch.zeros_like(p)) for p in (g, d)]
    state = State(Player(g, g_buffers, zeros[0]), Player(d, d_buffers, zeros[1]), g)
    modules = copy.deepcopy(g_module), copy.deepcopy(d_module)
    game = Game(loss, Network(g_module), Network(d_module), OPTIMIZERS[rule], betas, n_dis, ema)
    return game, state, modules


def _rates(game: Game, t: int, d: float, g: float) -> Rates:
    """The factors of step t, for learning rates of D and G."""
    moves = [game.optimizer.factors(t * game.n_dis + i + 1, d, game.betas) for i in range(game.n_dis)]
    return Rates(torch.tensor(moves), torch.tensor(game.optimizer.factors(t + 1, g, game.betas)))


def _first() -> int:
    return 0


def _batches(
    architecture: Architecture, shape: tuple[int, ...], n_dis: int, steps: int, size: int = 16
) -> Iterator[Batch]:
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        real = torch.randn(n_dis, size, *shape, generator=generator).tanh()
        latent = torch.randn(n_dis + 1, size, architecture.latent, generator=generator)
        yield Batch(real, latent, torch.rand(n_dis + 1, size, generator=generator))


def _textbook(
    modules: tuple[nn.Module, nn.Module],
    loss_name: str,
    batches: Iterator[Batch],
    n_dis: int,
    optimizer: Callable[[Iterable[nn.Parameter], float], torch.optim.Optimizer],
) -> tuple[Tensor, nn.Module]:
    """Goodfellow et al. 2014, algorithm 1, as it is usually written."""
    g, d = modules
    for p in [*g.parameters(), *d.parameters()]:
        p.requires_grad_(True)
    d_optimizer, g_optimizer = optimizer(d.parameters(), 2e-3), optimizer(g.parameters(), 1e-3)
    bce = nn.BCEWithLogitsLoss()

    def slope(x: Tensor) -> Tensor:
        x = x.detach().requires_grad_(True)
        (grad,) = torch.autograd.grad(d(x).sum(), x, create_graph=True)
        return grad.flatten(1).square().sum(1).mean()

    for batch in batches:
        for i in range(n_dis):
            # G is fixed: its running statistics too, so it is sampled as a copy
            real, fake = batch.real[i], copy.deepcopy(g)(batch.latent[i]).detach()
            on_real, on_fake = d(real).reshape(-1), d(fake).reshape(-1)
            if loss_name == "rpgan":
                value = nn.functional.softplus(on_fake - on_real).mean() + 0.15 * (slope(real) + slope(fake))
            else:
                value = bce(on_real, torch.ones(16)) + bce(on_fake, torch.zeros(16))
            d_optimizer.zero_grad()
            torch.autograd.backward(value)
            d_optimizer.step()
        on_fake = d(g(batch.latent[-1])).reshape(-1)
        if loss_name == "minimax":
            value = -bce(on_fake, torch.zeros(16))
        elif loss_name == "nonsaturating":
            value = bce(on_fake, torch.ones(16))
        else:
            value = nn.functional.softplus(d(batch.real[-1]).reshape(-1) - on_fake).mean()
        g_optimizer.zero_grad()
        torch.autograd.backward(value)
        g_optimizer.step()
    return flat(g.parameters()), g


@pytest.mark.parametrize("n_dis", [1, 3])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("loss_name", LOSSES)
def test_ten_steps_equal_the_textbook_loop(loss_name: str, case: str, n_dis: int) -> None:
    architecture, shape = CASES[case]
    game, state, modules = _play(LOSSES[loss_name], architecture, shape, n_dis)
    for t, batch in enumerate(_batches(architecture, shape, n_dis, 10)):
        state, _ = step(game, state, batch, partial(int, t), _rates(game, t, 2e-3, 1e-3))
    expected, module = _textbook(
        modules, loss_name, _batches(architecture, shape, n_dis, 10), n_dis,
        lambda p, lr: torch.optim.Adam(p, lr, (0.5, 0.99)),
    )  # fmt: skip
    torch.testing.assert_close(state.generator.params, expected, atol=2e-4 if case == "dcgan" else 1e-5, rtol=0)
    for name, buffer in module.named_buffers():
        torch.testing.assert_close(state.generator.buffers[name], buffer, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_equals_torchs(momentum: float) -> None:
    architecture, shape = CASES["mlp"]
    game, state, modules = _play(LOSSES["minimax"], architecture, shape, rule="sgd", betas=(momentum, 0.0))
    for t, batch in enumerate(_batches(architecture, shape, 1, 10)):
        state, _ = step(game, state, batch, partial(int, t), _rates(game, t, 2e-3, 1e-3))
    expected, _ = _textbook(
        modules, "minimax", _batches(architecture, shape, 1, 10), 1,
        lambda p, lr: torch.optim.SGD(p, lr, momentum=momentum),
    )  # fmt: skip
    torch.testing.assert_close(state.generator.params, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("case", CASES)
def test_a_move_of_one_player_touches_nothing_of_the_other(case: str) -> None:
    architecture, shape = CASES[case]
    game, state, _ = _play(LOSSES["rpgan"], architecture, shape)
    batch = next(_batches(architecture, shape, 1, 1))
    before = copy.deepcopy(state)
    args = (batch.real[0], batch.latent[0], batch.mix[0])
    d, _ = move_discriminator(game, state.generator, state.discriminator, *args, _first, _rates(game, 0, 1e-3, 1e-3).g)
    g, _ = move_generator(game, state.generator, state.discriminator, *args, _first, _rates(game, 0, 1e-3, 1e-3).g)
    assert not torch.equal(d.params, before.discriminator.params)
    assert not torch.equal(g.params, before.generator.params)
    for player, was in ((state.generator, before.generator), (state.discriminator, before.discriminator)):
        assert torch.equal(player.params, was.params)
        assert all(torch.equal(player.buffers[name], was.buffers[name]) for name in was.buffers)


def test_each_gradient_is_that_of_its_own_player() -> None:
    """The step's gradients are autograd's, of d_loss on D's parameters and of g_loss on G's."""
    architecture, shape = CASES["mlp"]
    game, state, (g, d) = _play(LOSSES["minimax"], architecture, shape)
    batch = next(_batches(architecture, shape, 1, 1))
    args = (batch.real[0], batch.latent[0], batch.mix[0], _first)
    _, (_, d_grad, real_logits, fake_logits) = move_discriminator(
        game, state.generator, state.discriminator, *args, _rates(game, 0, 1e-3, 1e-3).g
    )
    _, (_, g_grad, fake) = move_generator(
        game, state.generator, state.discriminator, *args, _rates(game, 0, 1e-3, 1e-3).g
    )
    for p in [*g.parameters(), *d.parameters()]:
        p.requires_grad_(True)
    bce = nn.functional.binary_cross_entropy_with_logits
    on_real, on_fake = d(batch.real[0]).reshape(-1), d(g(batch.latent[0])).reshape(-1)
    value = -bce(on_real, torch.ones(16)) - bce(on_fake, torch.zeros(16))
    grads = [flat(torch.autograd.grad(value, [*m.parameters()], retain_graph=True)) for m in (d, g)]
    torch.testing.assert_close(d_grad, -grads[0], atol=1e-6, rtol=1e-5)  # D climbs V
    torch.testing.assert_close(g_grad, grads[1], atol=1e-6, rtol=1e-5)  # G descends the same V
    torch.testing.assert_close(torch.cat([real_logits, fake_logits]), torch.cat([on_real, on_fake]).detach())
    torch.testing.assert_close(fake, g(batch.latent[0]).detach())


def test_g_moves_against_the_d_that_has_just_moved() -> None:
    architecture, shape = CASES["mlp"]
    game, state, _ = _play(LOSSES["nonsaturating"], architecture, shape)
    batch = next(_batches(architecture, shape, 1, 1))
    after, _ = step(game, state, batch, _first, _rates(game, 0, 1e-2, 1e-2))
    inputs = (batch.real[0], batch.latent[1], batch.mix[1])
    factors = _rates(game, 0, 1e-2, 1e-2).g
    g, _ = move_generator(game, state.generator, after.discriminator, *inputs, _first, factors)
    assert torch.equal(after.generator.params, g.params)


def test_the_average_follows_g() -> None:
    architecture, shape = CASES["mlp"]
    game, state, _ = _play(LOSSES["nonsaturating"], architecture, shape, ema=0.9)
    expected = state.average.double()
    for t, batch in enumerate(_batches(architecture, shape, 1, 5)):
        state, _ = step(game, state, batch, _first, _rates(game, t, 1e-2, 1e-2))
        expected = 0.9 * expected + 0.1 * state.generator.params.double()
    torch.testing.assert_close(state.average.double(), expected, atol=1e-6, rtol=0)


class Probe:
    """A loss that uses everything a critic offers."""

    seen: dict[str, Tensor] = {}

    def d_loss(self, critic: Critic) -> Tensor:
        between = critic.between()
        self.seen["share"] = ((between - critic.fake_samples) / (critic.real_samples - critic.fake_samples)).detach()
        self.seen["gradient"] = critic.gradient(between)
        self.seen["again"] = critic(critic.real_samples) - critic.real
        return critic.real.mean() - critic.fake.mean() + critic.gradient(between).square().mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return critic.fake.mean()


def test_the_critic_offers_interpolations_gradients_and_logits_of_any_samples() -> None:
    architecture, shape = CASES["mlp"]
    probe = Probe()
    game, state, _ = _play(probe, architecture, shape)
    batch = next(_batches(architecture, shape, 1, 1))
    step(game, state, batch, _first, _rates(game, 0, 1e-3, 1e-3))
    torch.testing.assert_close(probe.seen["share"], batch.mix[0][:, None].expand(16, 2), atol=1e-3, rtol=1e-3)
    assert probe.seen["gradient"].shape == (16, 2)


def test_batch_norm_in_d_works_with_input_gradients() -> None:
    """Running statistics follow the real and the fake batch once each; input gradients leave them unchanged."""

    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.layers(x)
            return logits

    class NormedMlp(Mlp):
        def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
            return Normed()

    game, state, _ = _play(LOSSES["rpgan"], NormedMlp(width=16, depth=1), (2,))
    batch = next(_batches(Mlp(), (2,), 1, 1))
    after, _ = step(game, state, batch, _first, _rates(game, 0, 1e-3, 1e-3))
    assert after.discriminator.buffers["layers.1.num_batches_tracked"].item() == 2
    assert state.discriminator.buffers["layers.1.num_batches_tracked"].item() == 0
