"""The alternating step: one player moves while the other is fixed, as in a textbook loop."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ganbench import Architecture, Critic, Data
from ganbench.engine.critic import Samples
from ganbench.engine.draws import Draws
from ganbench.engine.networks import flat, initial
from ganbench.engine.numbers import numbers
from ganbench.engine.objective import Objective
from ganbench.engine.setting import Setting, build_setting, init_state
from ganbench.engine.step import Numbers, State, move_discriminator, move_generator, move_of, of_move, step
from ganbench.suite.train_spec import PlayerSpec, TrainSpec
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax
from ganbench_losses.nonsaturating import NonSaturating
from ganbench_losses.rpgan import RpGAN
from ganbench_losses.zero_centered import R1, R2

CPU = torch.device("cpu")
LOSSES: dict[str, Objective] = {
    "minimax": Objective.of(Minimax()),
    "nonsaturating": Objective.of(NonSaturating()),
    "rpgan": Objective.of(RpGAN(), R1(gamma=0.3), R2(gamma=0.3)),
}
CASES: dict[str, tuple[Architecture, tuple[int, ...]]] = {
    "mlp": (Mlp(width=32, depth=2, slope=0.2), (2,)),
    "dcgan": (Dcgan(width=4, latent=8), (1, 16, 16)),
}
STEPS = 10


def _spec(n_dis: int = 1, betas: tuple[float, float] = (0.5, 0.99), ema: float = 0.0, rule: str = "adam") -> TrainSpec:
    """D moves at twice the rate of G."""
    d, g = (PlayerSpec(optimizer=rule, lr=lr, betas=betas) for lr in (2e-3, 1e-3))
    return TrainSpec(steps=STEPS, batch=16, n_dis=n_dis, d=d, g=g, ema=ema)


class Play:
    """A game of one seed with the draws of its steps, and the modules that it began with."""

    def __init__(
        self,
        objective: Objective,
        architecture: Architecture,
        shape: tuple[int, ...],
        spec: TrainSpec,
    ) -> None:
        samples = torch.randn(200, *shape, generator=torch.Generator().manual_seed(1)).tanh()
        self.setting: Setting = build_setting(objective, architecture, Data(samples), spec)
        self.spec, self.samples = spec, samples
        self.state: State = init_state(self.setting, 0, CPU)
        self.modules = tuple(
            copy.deepcopy(initial(lambda: getattr(architecture, which)(shape), 0, which)[0])  # noqa: B023
            for which in ("generator", "discriminator")
        )
        self.keys = self.setting.recipe.keys(0)

    @property
    def data(self) -> Samples:
        return self.setting.data

    def draws(self, t: int) -> Draws:
        return self.setting.recipe.drawn(self.keys, torch.tensor(t, dtype=torch.int32))

    def numbers(self, t: int) -> Numbers:
        return numbers(self.setting.game, self.spec, t, t + 1, CPU)[0]

    def run(self, steps: int = STEPS) -> State:
        state = self.state
        for t in range(steps):
            state, _ = step(self.setting.game, self.data, state, self.draws(t), self.numbers(t))
        return state


def _textbook(
    play: Play, loss_name: str, optimizer: Callable[[Iterable[nn.Parameter], float], torch.optim.Optimizer]
) -> tuple[Tensor, nn.Module]:
    """Goodfellow et al. 2014, algorithm 1, as it is usually written: each turn takes real and fake samples anew."""
    g, d = play.modules
    for p in [*g.parameters(), *d.parameters()]:
        p.requires_grad_(True)
    d_optimizer, g_optimizer = optimizer(d.parameters(), 2e-3), optimizer(g.parameters(), 1e-3)
    bce = nn.BCEWithLogitsLoss()

    def slope(x: Tensor) -> Tensor:
        x = x.detach().requires_grad_(True)
        (grad,) = torch.autograd.grad(d(x).sum(), x, create_graph=True)
        return grad.flatten(1).square().sum(1).mean()

    for t in range(STEPS):
        draws = play.draws(t)
        for i in range(play.spec.n_dis):
            # G is fixed: its running statistics too, so it is sampled as a copy
            real, fake = play.samples[draws.rows[i]], copy.deepcopy(g)(draws.latent[i]).detach()
            on_real, on_fake = d(real).reshape(-1), d(fake).reshape(-1)
            if loss_name == "rpgan":
                value = nn.functional.softplus(on_fake - on_real).mean() + 0.15 * (slope(real) + slope(fake))
            else:
                value = bce(on_real, torch.ones(16)) + bce(on_fake, torch.zeros(16))
            d_optimizer.zero_grad()
            torch.autograd.backward(value)
            d_optimizer.step()
        on_fake = d(g(draws.latent[-1])).reshape(-1)
        if loss_name == "minimax":
            value = -bce(on_fake, torch.zeros(16))
        elif loss_name == "nonsaturating":
            value = bce(on_fake, torch.ones(16))
        else:
            value = nn.functional.softplus(d(play.samples[draws.rows[-1]]).reshape(-1) - on_fake).mean()
        g_optimizer.zero_grad()
        torch.autograd.backward(value)
        g_optimizer.step()
    return flat(g.parameters()), g


@pytest.mark.parametrize("n_dis", [1, 3])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("loss_name", LOSSES)
def test_ten_steps_equal_the_textbook_loop(loss_name: str, case: str, n_dis: int) -> None:
    play = Play(LOSSES[loss_name], *CASES[case], _spec(n_dis))
    state = play.run()
    expected, module = _textbook(play, loss_name, lambda p, lr: torch.optim.Adam(p, lr, (0.5, 0.99)))
    torch.testing.assert_close(state.generator.params, expected, atol=2e-4 if case == "dcgan" else 1e-5, rtol=0)
    for name, buffer in module.named_buffers():
        torch.testing.assert_close(state.generator.buffers[name], buffer, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_equals_torchs(momentum: float) -> None:
    play = Play(LOSSES["minimax"], *CASES["mlp"], _spec(betas=(momentum, 0.0), rule="sgd"))
    expected, _ = _textbook(play, "minimax", lambda p, lr: torch.optim.SGD(p, lr, momentum=momentum))
    torch.testing.assert_close(play.run().generator.params, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("case", CASES)
def test_a_move_of_one_player_touches_nothing_of_the_other(case: str) -> None:
    play = Play(LOSSES["rpgan"], *CASES[case], _spec())
    game, state, own = play.setting.game, play.state, play.numbers(0)
    before = copy.deepcopy(state)
    g, d, _, memory = state
    move = move_of(game, play.data, g, d, memory, of_move(play.draws(0), 0), own)
    moved_d, _, _ = move_discriminator(game, move, d, own, own.d[0])
    moved_g, _, _ = move_generator(game, move, g, d, own)
    assert not torch.equal(moved_d.params, before.discriminator.params)
    assert not torch.equal(moved_g.params, before.generator.params)
    for player, was in ((state.generator, before.generator), (state.discriminator, before.discriminator)):
        assert torch.equal(player.params, was.params)
        assert all(torch.equal(player.buffers[name], was.buffers[name]) for name in was.buffers)


def test_each_gradient_is_that_of_its_own_player() -> None:
    """The step's gradients are autograd's, of d_loss on D's parameters and of g_loss on G's."""
    play = Play(LOSSES["minimax"], *CASES["mlp"], _spec())
    game, own, draws = play.setting.game, play.numbers(0), of_move(play.draws(0), 0)
    move = move_of(game, play.data, play.state.generator, play.state.discriminator, {}, draws, own)
    _, _, (_, d_grad, real_logits, fake_logits) = move_discriminator(
        game, move, play.state.discriminator, own, own.d[0]
    )
    _, _, (_, g_grad, fake) = move_generator(game, move, play.state.generator, play.state.discriminator, own)
    g, d = play.modules
    for p in [*g.parameters(), *d.parameters()]:
        p.requires_grad_(True)
    bce = nn.functional.binary_cross_entropy_with_logits
    on_real, on_fake = d(play.samples[draws.rows]).reshape(-1), d(g(draws.latent)).reshape(-1)
    value = -bce(on_real, torch.ones(16)) - bce(on_fake, torch.zeros(16))
    grads = [flat(torch.autograd.grad(value, [*m.parameters()], retain_graph=True)) for m in (d, g)]
    torch.testing.assert_close(d_grad, -grads[0], atol=1e-6, rtol=1e-5)  # D climbs V
    torch.testing.assert_close(g_grad, grads[1], atol=1e-6, rtol=1e-5)  # G descends the same V
    torch.testing.assert_close(torch.cat([real_logits, fake_logits]), torch.cat([on_real, on_fake]).detach())
    torch.testing.assert_close(fake, g(draws.latent).detach())


@pytest.mark.parametrize("order", ["alternating", "simultaneous"])
def test_g_moves_against_the_d_that_has_just_moved_or_against_the_one_before(order: str) -> None:
    play = Play(LOSSES["nonsaturating"], *CASES["mlp"], replace(_spec(), play=order))
    game, own, state = play.setting.game, play.numbers(0), play.state
    after, _ = step(game, play.data, state, play.draws(0), own)
    rival = after.discriminator if order == "alternating" else state.discriminator
    move = move_of(game, play.data, state.generator, rival, {}, of_move(play.draws(0), 1), own)
    g, _, _ = move_generator(game, move, state.generator, rival, own)
    assert torch.equal(after.generator.params, g.params)
    assert not torch.equal(after.discriminator.params, state.discriminator.params)


@pytest.mark.parametrize("fresh", [True, False])
def test_gs_move_takes_a_real_batch_of_its_own_or_ds_last(fresh: bool) -> None:
    class Watching(Minimax):
        def __init__(self) -> None:
            self.seen: list[Tensor] = []

        def d_loss(self, critic: Critic) -> Tensor:
            self.seen.append(critic.real_samples)
            return super().d_loss(critic)

        def g_loss(self, critic: Critic) -> Tensor:
            self.seen.append(critic.real_samples)
            return super().g_loss(critic)

    loss = Watching()
    play = Play(Objective.of(loss), *CASES["mlp"], replace(_spec(n_dis=2), fresh_real=fresh))
    loss.seen.clear()
    step(play.setting.game, play.data, play.state, play.draws(0), play.numbers(0))
    rows = play.draws(0).rows
    expected = [play.samples[rows[0]], play.samples[rows[1]], play.samples[rows[2 if fresh else 1]]]
    assert all(torch.equal(*pair) for pair in zip(loss.seen, expected, strict=True))


def test_the_average_follows_g() -> None:
    play = Play(LOSSES["nonsaturating"], *CASES["mlp"], _spec(ema=0.9))
    state, expected = play.state, play.state.average.double()
    for t in range(5):
        state, _ = step(play.setting.game, play.data, state, play.draws(t), play.numbers(t))
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
    probe = Probe()
    play = Play(Objective.of(probe), *CASES["mlp"], _spec())
    step(play.setting.game, play.data, play.state, play.draws(0), play.numbers(0))
    mix = play.draws(0).mix[0]
    torch.testing.assert_close(probe.seen["share"], mix[:, None].expand(16, 2), atol=1e-3, rtol=1e-3)
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

    play = Play(LOSSES["rpgan"], NormedMlp(width=16, depth=1), (2,), _spec())
    after, _ = step(play.setting.game, play.data, play.state, play.draws(0), play.numbers(0))
    assert after.discriminator.buffers["layers.1.num_batches_tracked"].item() == 2
    assert play.state.discriminator.buffers["layers.1.num_batches_tracked"].item() == 0
