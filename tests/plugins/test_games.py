"""The games are the equations of their papers: values by other means, directions of gradients, large logits."""

from __future__ import annotations

from math import e, exp, log, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, hinge_embedding_loss, mse_loss, multi_margin_loss

from ganbench_losses.classes import ACGAN, MultiHinge
from ganbench_losses.contrastive import DualContrastive
from ganbench_losses.energy import BEGAN, EBGAN
from ganbench_losses.fgan import DIVERGENCES, FGAN
from ganbench_losses.hinge import Hinge
from ganbench_losses.lsgan import LSGAN
from ganbench_losses.minimax import Minimax
from ganbench_losses.mmd import MMD
from ganbench_losses.nonsaturating import NonSaturating
from ganbench_losses.rpgan import RaGAN, RpGAN
from ganbench_losses.wasserstein import Wasserstein, WeightClipping


class _Given:
    """A critic of given logits, extras, labels and memory."""

    def __init__(self, real: Tensor, fake: Tensor, **more: Any) -> None:
        self.real, self.fake = real, fake
        self.__dict__.update(more)


Given: Any = _Given


def _logits(seed: int, scale: float = 3.0, count: int = 64) -> tuple[Tensor, Tensor]:
    real, fake = scale * torch.randn(2, count, generator=torch.Generator().manual_seed(seed))
    return real, fake


def test_lsgan_is_half_the_mean_squared_distance_from_the_labels() -> None:
    real, fake = _logits(0)
    loss, critic = LSGAN(a=-1, b=0.9, c=0.2), Given(real, fake)
    expected = (mse_loss(real, torch.full_like(real, 0.9)) + mse_loss(fake, -torch.ones_like(fake))) / 2
    torch.testing.assert_close(loss.d_loss(critic), expected)
    torch.testing.assert_close(loss.g_loss(critic), mse_loss(fake, torch.full_like(fake, 0.2)) / 2)
    right = Given(torch.ones(4), torch.zeros(4))
    assert (LSGAN().d_loss(right).item(), LSGAN().g_loss(right).item()) == (0, 0.5)  # the default labels: 0, 1, 1


def test_hinge_is_the_margin_loss_of_both_sides() -> None:
    real, fake = _logits(1)
    ones = torch.ones_like(real)
    expected = hinge_embedding_loss(real, -ones) + hinge_embedding_loss(-fake, -ones)
    torch.testing.assert_close(Hinge().d_loss(Given(real, fake)), expected)
    assert Hinge().g_loss(Given(real, fake)).item() == pytest.approx(-fake.numpy().mean(), rel=1e-6)


def test_wasserstein_is_the_difference_of_the_means() -> None:
    critic = Given(torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 0.0]))
    assert (Wasserstein().d_loss(critic).item(), Wasserstein().g_loss(critic).item()) == (-2.5, 0.5)


def test_weight_clipping_has_only_a_projection_of_every_parameter() -> None:
    params = {"layer.weight": torch.tensor([[-3.0, 0.004]]), "layer.bias": torch.tensor([0.02])}
    clipped = WeightClipping().project(params)
    assert {name: value.tolist() for name, value in clipped.items()} == {
        "layer.weight": [[pytest.approx(-0.01), pytest.approx(0.004)]],
        "layer.bias": [pytest.approx(0.01)],
    }
    assert params["layer.bias"].item() == pytest.approx(0.02)  # pure
    assert not WeightClipping.game
    assert not hasattr(WeightClipping, "d_loss")
    assert not hasattr(WeightClipping, "g_loss")


F: dict[
    str, tuple[Any, Any, Any]
] = {  # by name: f(u), the output activation g(v), the conjugate f*(t), as Nowozin et al. list them
    "kl": (lambda u: u * np.log(u), lambda v: v, lambda t: np.exp(t - 1)),
    "reverse-kl": (lambda u: -np.log(u), lambda v: -np.exp(-v), lambda t: -1 - np.log(-t)),
    "pearson": (lambda u: (u - 1) ** 2, lambda v: v, lambda t: t**2 / 4 + t),
    "squared-hellinger": (lambda u: (np.sqrt(u) - 1) ** 2, lambda v: 1 - np.exp(-v), lambda t: t / (1 - t)),
    "js": (
        lambda u: -(u + 1) * np.log((1 + u) / 2) + u * np.log(u),
        lambda v: np.log(2) - np.log1p(np.exp(-v)),
        lambda t: -np.log(2 - np.exp(t)),
    ),
}


@pytest.mark.parametrize("name", F)
def test_fgan_uses_the_activation_and_the_conjugate_of_the_paper(name: str) -> None:
    _, activation, conjugate = F[name]
    real, fake = _logits(2, scale=1.0)
    critic, p, q = Given(real, fake), real.double().numpy(), fake.double().numpy()
    value = activation(p).mean() - conjugate(activation(q)).mean()
    assert FGAN(name).d_loss(critic).item() == pytest.approx(-value, rel=1e-5)
    assert FGAN(name).g_loss(critic).item() == pytest.approx(-activation(q).mean(), rel=1e-5)
    saturating = FGAN(name, saturating=True).g_loss(critic).item()
    assert saturating == pytest.approx(-conjugate(activation(q)).mean(), rel=1e-5)


@pytest.mark.parametrize("name", F)
def test_the_best_d_of_fgan_reaches_the_divergence_and_no_other_does(name: str) -> None:
    """V at T* = f'(p / q) is D_f(P || Q), by sums over a fine grid, between two Gaussians that overlap."""
    f, _, _ = F[name]
    x = np.linspace(-12, 12, 200_001)
    dx = x[1] - x[0]
    p, q = (np.exp(-((x - m) ** 2) / 2 / s**2) / s / sqrt(2 * np.pi) for m, s in ((0.0, 1.0), (0.5, 1.2)))
    divergence = (q * f(p / q)).sum() * dx
    ratio = torch.from_numpy(np.log(p / q))
    best = {  # v with g(v) = f'(u) at u = p / q, derived by hand
        "kl": 1 + ratio,
        "reverse-kl": ratio,
        "pearson": 2 * (ratio.exp() - 1),
        "squared-hellinger": ratio / 2,
        "js": ratio,
    }[name]
    weights = (torch.from_numpy(p) * dx, torch.from_numpy(q) * dx)

    def value(v: Tensor) -> float:
        activation, conjugate = DIVERGENCES[name]
        return float((weights[0] * activation(v)).sum() - (weights[1] * conjugate(v)).sum())

    assert divergence > 0.05
    assert value(best) == pytest.approx(divergence, rel=1e-6)
    assert all(
        value(other) < divergence - 1e-3 for other in (best + 0.5, best - 0.5, 0.5 * best, torch.zeros_like(best))
    )
    assert FGAN(name).log_odds == torch.equal(best, ratio)  # the sigmoid of the best logit is p / (p + q)


def test_js_of_fgan_is_the_nonsaturating_and_the_minimax_game_but_for_constants() -> None:
    critic = Given(*_logits(3))
    for ours, theirs in ((FGAN("js"), NonSaturating()), (FGAN("js", saturating=True), Minimax())):
        assert ours.d_loss(critic).item() == pytest.approx(theirs.d_loss(critic).item() - 2 * log(2), abs=1e-5)
        gap = ours.g_loss(critic).item() - theirs.g_loss(critic).item()
        assert abs(gap) == pytest.approx(log(2), abs=1e-5)


def test_an_unknown_divergence_is_named() -> None:
    with pytest.raises(ValueError, match=r"divergence must be one of kl, .*, js, not 'tv'"):
        FGAN("tv")


def test_began_weighs_fakes_by_k_and_moves_k_towards_the_ratio() -> None:
    loss = BEGAN(gamma=0.5, rate=0.1)
    critic = Given(-torch.tensor([2.0, 4.0]), -torch.tensor([1.0, 0.0]), memory={"k": torch.tensor(0.4)})
    assert loss.d_loss(critic).item() == pytest.approx(3.0 - 0.4 * 0.5)  # L(real) = 3, L(fake) = 0.5
    assert loss.g_loss(critic).item() == pytest.approx(0.5)
    assert loss.remember(critic)["k"].item() == pytest.approx(0.4 + 0.1 * (0.5 * 3.0 - 0.5))
    assert loss.memory({"weight": torch.ones(2, 3)})["k"].equal(torch.zeros(()))
    far = Given(-torch.tensor([1e6]), torch.zeros(1), memory={"k": torch.tensor(0.5)})
    assert BEGAN().remember(far)["k"].item() == 1.0
    far.real, far.fake = far.fake, far.real
    assert BEGAN().remember(far)["k"].item() == 0.0


def test_ebgan_has_a_margin_and_pulls_the_codes_of_fakes_apart() -> None:
    codes = torch.tensor([[1.0, 0.0], [2.0, 2.0], [0.0, -3.0]])
    critic = Given(-torch.tensor([0.2, 0.4, 0.6]), -torch.tensor([0.5, 3.0, 0.0]), fake_extras={"code": codes})
    loss = EBGAN(margin=2.0, pulling_away=0.3)
    assert loss.d_loss(critic).item() == pytest.approx(0.4 + (1.5 + 0.0 + 2.0) / 3)
    pulling = (0.5 + 0.0 + 0.5) * 2 / 6  # squared cosines of 45, 90 and 135 degrees, each pair twice
    assert loss.g_loss(critic).item() == pytest.approx(3.5 / 3 + 0.3 * pulling)
    critic.fake_extras = {"code": torch.zeros(3, 2, requires_grad=True)}
    (slope,) = torch.autograd.grad(loss.g_loss(critic), critic.fake_extras["code"])
    assert slope.isfinite().all()


def _mmd_by_loops(real: list[list[float]], fake: list[list[float]], bandwidths: tuple[float, ...]) -> float:
    def kernel(a: list[float], b: list[float]) -> float:
        distance = sum((one - other) ** 2 for one, other in zip(a, b, strict=True))
        return sum((exp(-distance / (2 * s * s)) for s in bandwidths), start=0.0)

    n, total = len(real), 0.0
    for i in range(n):
        for j in range(n):
            total -= 2 * kernel(real[i], fake[j]) / n**2
            if i != j:
                total += (kernel(real[i], real[j]) + kernel(fake[i], fake[j])) / (n * (n - 1))
    return total


@pytest.mark.parametrize("features", [False, True])
def test_mmd_is_the_unbiased_estimate_by_a_double_loop(features: bool) -> None:
    real, fake = _logits(4, count=12)
    wide = [torch.stack([side, side.sin(), side.square()], dim=1) for side in (real, fake)]
    critic = Given(real, fake, real_extras={"features": wide[0]}, fake_extras={"features": wide[1]})
    sides = wide if features else [real[:, None], fake[:, None]]
    expected = _mmd_by_loops(sides[0].tolist(), sides[1].tolist(), (0.5, 4.0))
    loss = MMD(bandwidths=(0.5, 4.0), features=features)
    assert loss.d_loss(critic).item() == pytest.approx(-expected, rel=1e-4)
    assert loss.g_loss(critic).item() == pytest.approx(expected, rel=1e-4)
    assert loss.needs == (("features",) if features else ())


def test_mmd_refuses_bandwidths_that_are_none() -> None:
    for bandwidths in ((), (1.0, 0.0)):
        with pytest.raises(ValueError, match="bandwidths must be one or more numbers > 0"):
            MMD(bandwidths=bandwidths)


def test_dual_contrast_is_the_cross_entropy_of_finding_one_among_the_others() -> None:
    real, fake = _logits(5, count=7)
    first = torch.zeros(7, dtype=torch.long)
    one_real = cross_entropy(torch.cat([real[:, None], fake.expand(7, 7)], dim=1), first)
    one_fake = cross_entropy(torch.cat([-fake[:, None], -real.expand(7, 7)], dim=1), first)
    critic = Given(real, fake)
    torch.testing.assert_close(DualContrastive().d_loss(critic), one_real + one_fake)
    torch.testing.assert_close(DualContrastive().g_loss(critic), -one_real - one_fake)


def _labeled(seed: int, columns: int, count: int = 9) -> tuple[Tensor, Tensor, Any]:
    """Class logits of both sides, and a critic with them and labels of three classes."""
    generator = torch.Generator().manual_seed(seed)
    real, fake = 2 * torch.randn(2, count, columns, generator=generator)
    labels = torch.randint(3, (2, count), generator=generator)
    extras = {"real_extras": {"class_logits": real}, "fake_extras": {"class_logits": fake}}
    return real, fake, Given(real.sum(dim=1), fake.sum(dim=1), real_labels=labels[0], fake_labels=labels[1], **extras)


def test_multi_hinge_is_the_margin_of_the_right_class_over_the_best_other() -> None:
    real, fake, critic = _labeled(6, columns=3)
    real = torch.cat([real, -critic.real[:, None]], dim=1)  # the last class is that of fakes
    fake = torch.cat([fake, -critic.fake[:, None]], dim=1)

    def margin(rows: Tensor, labels: list[int]) -> float:
        over: list[float] = [
            1 - row[y] + max(row[:y] + row[y + 1 :]) for row, y in zip(rows.tolist(), labels, strict=True)
        ]
        return sum(max(0.0, one) for one in over) / len(over)

    expected = margin(real, critic.real_labels.tolist()) + margin(fake, [3] * 9)
    assert MultiHinge().d_loss(critic).item() == pytest.approx(expected, rel=1e-5)
    assert MultiHinge().g_loss(critic).item() == pytest.approx(margin(fake, critic.fake_labels.tolist()), rel=1e-5)
    zero = torch.zeros(5, dtype=torch.long)
    two = Given(None, fake[:5, 1], fake_labels=zero, fake_extras={"class_logits": fake[:5, :1]})
    both = torch.stack([fake[:5, 0], -fake[:5, 1]], dim=1)
    torch.testing.assert_close(MultiHinge().g_loss(two), 2 * multi_margin_loss(both, zero))


def test_acgan_adds_the_cross_entropy_of_the_labels_for_both_players() -> None:
    real, fake, critic = _labeled(7, columns=3)

    def surprise(rows: Tensor, labels: Tensor) -> float:
        shares = np.exp(rows.double().numpy())
        shares /= shares.sum(axis=1, keepdims=True)
        return float(-np.log(shares[np.arange(len(rows)), labels.numpy()]).mean())

    at_real, at_fake = surprise(real, critic.real_labels), surprise(fake, critic.fake_labels)
    assert ACGAN(weight=2.0).d_loss(critic).item() == pytest.approx(2 * (at_real + at_fake), rel=1e-5)
    assert ACGAN(weight=2.0).g_loss(critic).item() == pytest.approx(2 * at_fake, rel=1e-5)
    assert not ACGAN.game


GAMES: dict[str, Any] = {
    "minimax": Minimax(),
    "nonsaturating": NonSaturating(),
    "rpgan": RpGAN(),
    "ragan": RaGAN(),
    "lsgan": LSGAN(),
    "hinge": Hinge(),
    "wasserstein": Wasserstein(),
    "dual-contrastive": DualContrastive(),
    "began": BEGAN(),
    "ebgan": EBGAN(),
    **{f"fgan {name}": FGAN(name) for name in DIVERGENCES},
    **{f"fgan {name}, saturating": FGAN(name, saturating=True) for name in DIVERGENCES},
}


def _critic_at(real: Tensor, fake: Tensor) -> Any:
    codes = torch.eye(len(fake))
    return Given(real, fake, memory={"k": torch.tensor(0.5)}, fake_extras={"code": codes})


@pytest.mark.parametrize("name", GAMES)
def test_d_raises_real_logits_and_lowers_those_of_fakes_which_g_raises(name: str) -> None:
    real, fake = torch.full((8,), 0.1, requires_grad=True), torch.full((8,), 0.05, requires_grad=True)
    critic = _critic_at(real, fake)
    up, down = torch.autograd.grad(GAMES[name].d_loss(critic), (real, fake))
    assert (up < 0).all()  # descending raises the logit
    assert (down > 0).all()
    (pushed,) = torch.autograd.grad(GAMES[name].g_loss(critic), fake)
    assert (pushed < 0).all()


def test_the_players_of_mmd_pull_both_sides_apart_and_together() -> None:
    real, fake = torch.tensor([0.9, 1.1], requires_grad=True), torch.tensor([-0.9, -1.1], requires_grad=True)
    critic = Given(real, fake)
    up, down = torch.autograd.grad(MMD().d_loss(critic), (real, fake))
    assert up.mean() < 0 < down.mean()
    (pushed,) = torch.autograd.grad(MMD().g_loss(critic), fake)
    assert pushed.mean() < 0


@pytest.mark.parametrize("name", [*GAMES, "mmd"])
@pytest.mark.parametrize("height", [1e4, -1e4])
def test_large_logits_and_their_gradients_are_finite(name: str, height: float) -> None:
    loss = MMD() if name == "mmd" else GAMES[name]
    real, fake = torch.full((4,), height, requires_grad=True), torch.full((4,), -height, requires_grad=True)
    for method in (loss.d_loss, loss.g_loss):
        value = method(_critic_at(real, fake))
        assert value.isfinite()
        slopes = torch.autograd.grad(value, (real, fake), allow_unused=True)
        assert all(slope is None or (slope.isfinite().all() and slope.square().isfinite().all()) for slope in slopes)


def test_exponentials_of_fgan_are_exact_to_e_30_and_go_on_along_the_tangent() -> None:
    def loss(v: float) -> float:  # E exp(v - 1) over fakes
        return float(FGAN("kl").d_loss(Given(torch.zeros(1), torch.tensor([v]))).item())

    assert loss(29.0) == pytest.approx(e**28, rel=1e-5)
    assert loss(33.0) == pytest.approx(e**30 * 3, rel=1e-5)
