"""The penalties are the equations they are named after, by hand on critics whose derivatives are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench import Critic
from ganbench_losses.consistency import Consistency, LatentConsistency
from ganbench_losses.diversity import FeatureMatching, ModeSeeking
from ganbench_losses.gradient_penalty import Dragan, GradientPenalty
from ganbench_losses.lecam import LeCam
from ganbench_losses.path_length import PathLength
from ganbench_losses.wasserstein import WeightClipping
from ganbench_losses.weights import HistoricalAveraging, HistoricalAveragingG, Orthogonal

SLOPE = torch.tensor([3.0, -1.0])
CURVE = torch.tensor([[0.5, 0.2], [0.2, -1.0]])
MIXING = torch.tensor([[1.0, 2.0], [0.5, -1.0], [0.0, 3.0]])
"""G(z) = z MIXING, from three latent dimensions to two."""


def _quadratic(x: Tensor) -> Tensor:
    """D(x) = SLOPE . x + x CURVE x / 2, whose gradient is SLOPE + CURVE x."""
    return x @ SLOPE + ((x @ CURVE) * x).sum(1) / 2


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@dataclass
class Seen:
    """A critic of given parts, whose gradients are torch's own."""

    discriminator: Callable[[Tensor], Tensor] = _quadratic
    real_samples: Tensor = field(default_factory=lambda: _random(6, 2, seed=1))
    latent: Tensor = field(default_factory=lambda: _random(6, 3, seed=2))
    noise: Mapping[str, Tensor] = field(default_factory=dict)
    memory: Mapping[str, Tensor] = field(default_factory=dict)
    params: Mapping[str, Tensor] = field(default_factory=dict)
    real_extras: Mapping[str, Tensor] = field(default_factory=dict)
    fake_extras: Mapping[str, Tensor] = field(default_factory=dict)
    mixing: Tensor = MIXING
    fakes: Tensor | None = None

    @property
    def fake_samples(self) -> Tensor:
        return self.generate(self.latent) if self.fakes is None else self.fakes

    @property
    def real(self) -> Tensor:
        return self(self.real_samples)

    @property
    def fake(self) -> Tensor:
        return self(self.fake_samples)

    def __call__(self, x: Tensor, *, like: str | None = None) -> Tensor:
        return self.discriminator(x)

    def generate(self, latent: Tensor) -> Tensor:
        return latent @ self.mixing

    def between(self) -> Tensor:
        return (self.real_samples + self.fake_samples) / 2

    def gradient(self, x: Tensor, *, like: str | None = None) -> Tensor:
        slopes: Tensor = torch.func.grad(lambda at: self(at).sum())(x)
        return slopes.flatten(1)


def _critic(**given: Any) -> Critic:
    made: Any = Seen(**given)
    return cast(Critic, made)


def _norms(x: Tensor) -> Tensor:
    """The norms of D's gradient in closed form."""
    return (SLOPE + x @ CURVE).square().sum(dim=1).sqrt()


def test_the_gradient_penalty_wants_slopes_of_1_and_the_one_sided_one_no_larger_ones() -> None:
    critic = _critic(discriminator=lambda x: _quadratic(x) / 3)
    norms = _norms(critic.between()) / 3
    assert norms.min() < 1 < norms.max()
    torch.testing.assert_close(GradientPenalty().d_loss(critic), 10 * (norms - 1).square().mean())
    above = torch.where(norms > 1, norms - 1, 0)
    torch.testing.assert_close(GradientPenalty(weight=2, one_sided=True).d_loss(critic), 2 * above.square().mean())
    assert GradientPenalty(every=4).every == 4


def test_a_flat_discriminator_has_a_finite_penalty_and_derivative() -> None:
    scale = torch.zeros((), requires_grad=True)
    for part in (GradientPenalty(), Dragan()):
        noise = {"direction": torch.rand(6, 2), "length": torch.rand(6)}
        loss = part.d_loss(_critic(discriminator=lambda x: scale * x.sum(1), noise=noise))
        assert loss.item() == pytest.approx(10, rel=1e-5)
        (back,) = torch.autograd.grad(loss, scale)
        assert back.isfinite()


def test_dragan_penalizes_slopes_around_real_samples() -> None:
    noise = {"direction": torch.rand(6, 2), "length": torch.rand(6)}
    critic = _critic(noise=noise)
    real = critic.real_samples.numpy()
    around = real + noise["length"].numpy()[:, None] * 0.5 * np.std(real) * noise["direction"].numpy()
    expected = 10 * (_norms(torch.from_numpy(around)) - 1).square().mean()
    torch.testing.assert_close(Dragan().d_loss(critic), expected)


def test_lecam_remembers_debiased_moving_averages_of_both_sides() -> None:
    part, generator = LeCam(weight=0.3, decay=0.9), torch.Generator().manual_seed(0)
    memory = part.memory({})
    past: list[tuple[float, float]] = []
    for step in range(4):
        sides = torch.randn(2, 5, 1, generator=generator)
        critic = _critic(discriminator=lambda x: x[:, 0], real_samples=sides[0], fakes=sides[1], memory=memory)
        real, fake = sides.squeeze(-1).double().numpy()
        penalty = 0.0
        if past:
            weights = np.array([0.9 ** (step - 1 - i) for i in range(step)])
            on_real, on_fake = (weights @ np.array(past) / weights.sum()).tolist()
            penalty = 0.3 * (np.mean((real - on_fake) ** 2) + np.mean((fake - on_real) ** 2))
        assert part.d_loss(critic).item() == pytest.approx(penalty, rel=1e-5)
        past.append((real.mean(), fake.mean()))
        memory = part.remember(critic)
    with pytest.raises(ValueError, match="decay must be >= 0 and < 1"):
        LeCam(decay=1.0)


def _images(seed: int) -> Tensor:
    return _random(4, 3, 8, 8, seed=seed)


def test_consistency_compares_images_with_flipped_and_shifted_ones() -> None:
    weights = _images(5)[0]
    real, fake = _images(1), _images(2)
    noise = {
        "real_flip": torch.tensor([0.2, 0.7, 0.2, 0.7]),
        "real_shift": torch.tensor([[0.1, 0.5], [0.5, 0.9], [0.5, 0.5], [0.9, 0.1]]),  # -1, 0 or 1 pixels
        "fake_flip": torch.full((4,), 0.9),
        "fake_shift": torch.full((4, 2), 0.5),
    }
    critic = _critic(discriminator=lambda x: (x * weights).sum((1, 2, 3)), real_samples=real, fakes=fake, noise=noise)
    changed = torch.zeros_like(real)
    changed[0, :, :-1] = real[0].flip(-1)[:, 1:]  # flipped, up
    changed[1, :, :, 1:] = real[1, :, :, :-1]  # right
    changed[2] = real[2].flip(-1)
    changed[3, :, 1:, :-1] = real[3, :, :-1, 1:]  # down and left
    expected = 10 * (critic.real - critic(changed)).square().mean()
    for part in (Consistency(), Consistency(balanced=False)):  # the fakes are not changed by their draws
        torch.testing.assert_close(part.d_loss(critic), expected)
    shifted = dict(noise, fake_flip=torch.zeros(4))
    both = _critic(discriminator=critic.__call__, real_samples=real, fakes=fake, noise=shifted)
    more = 10 * (critic.fake - critic(fake.flip(-1))).square().mean()
    torch.testing.assert_close(Consistency().d_loss(both), expected + more)


def test_consistency_of_points_is_under_noise() -> None:
    noise = {"real_eps": _random(6, 2, seed=3), "fake_eps": _random(6, 2, seed=4)}
    critic = _critic(noise=noise)
    expected = sum(
        (_quadratic(x) - _quadratic(x + 0.2 * noise[f"{side}_eps"])).square().mean()
        for side, x in (("real", critic.real_samples), ("fake", critic.fake_samples))
    )
    torch.testing.assert_close(Consistency(weight=1, sigma=0.2).d_loss(critic), expected)


def test_latent_consistency_calms_d_and_spreads_g() -> None:
    critic = _critic(noise={"eps": _random(6, 3, seed=3)})
    moved = 0.05 * critic.noise["eps"] @ MIXING  # G is linear
    expected = 5 * (_quadratic(critic.fake_samples) - _quadratic(critic.fake_samples + moved)).square().mean()
    torch.testing.assert_close(LatentConsistency().d_loss(critic), expected)
    torch.testing.assert_close(LatentConsistency().g_loss(critic), -0.5 * moved.square().mean())


def test_mode_seeking_divides_distances_of_latents_by_those_of_samples() -> None:
    critic = _critic(noise={"latent": _random(6, 3, seed=3)})
    between = critic.latent - critic.noise["latent"]
    expected = 2 / ((between @ MIXING).abs().mean() / between.abs().mean() + 1e-5)
    torch.testing.assert_close(ModeSeeking(weight=2).g_loss(critic), expected)


def test_feature_matching_compares_mean_features() -> None:
    real, fake = _random(6, 2, 3, seed=1), _random(6, 2, 3, seed=2)
    critic = _critic(real_extras={"features": real}, fake_extras={"features": fake})
    expected = np.sum((real.double().numpy().mean(0) - fake.double().numpy().mean(0)) ** 2)
    assert FeatureMatching(weight=3).g_loss(critic).item() == pytest.approx(3 * expected, rel=1e-5)
    assert FeatureMatching.needs == ("features",)


def test_path_length_is_that_of_the_jacobian() -> None:
    part, direction = PathLength(), _random(6, 2, seed=3)
    critic = _critic(noise={"direction": direction}, memory={"length": torch.tensor(2.0)})
    lengths = np.linalg.norm(direction.numpy() @ MIXING.numpy().T, axis=1)  # J^T y, the Jacobian is MIXING^T
    assert part.g_loss(critic).item() == pytest.approx(2 * np.mean((lengths - 2) ** 2), rel=1e-5)
    assert part.remember(critic)["length"].item() == pytest.approx(0.99 * 2 + 0.01 * lengths.mean(), rel=1e-5)
    assert (part.memory({})["length"].item(), part.every) == (0, 4)
    mixing = MIXING.clone().requires_grad_(True)
    moving = _critic(noise=critic.noise, memory=critic.memory, mixing=mixing)
    (back,) = torch.autograd.grad(part.g_loss(moving), mixing)
    unit = (direction @ MIXING.T) / torch.from_numpy(lengths)[:, None]
    by_hand = 4 / 6 * torch.einsum("b,bl,bs->ls", torch.from_numpy(lengths) - 2, unit, direction)
    torch.testing.assert_close(back, by_hand)


def test_path_length_divides_images_by_the_root_of_their_pixels() -> None:
    direction = _random(6, 1, 2, 4, seed=3)

    class Images(Seen):
        def generate(self, latent: Tensor) -> Tensor:
            return latent[:, :1, None, None].expand(-1, 1, 2, 4)

    critic: Any = Images(noise={"direction": direction}, memory={"length": torch.tensor(0.0)})
    lengths = direction.sum((1, 2, 3)).abs() / 8**0.5
    torch.testing.assert_close(PathLength(weight=1).g_loss(critic), lengths.square().mean())


def test_orthogonal_penalizes_products_of_different_rows() -> None:
    matrix, kernel = _random(3, 4, seed=1), _random(2, 3, 2, 2, seed=2)
    critic = _critic(params={"a": matrix, "bias": _random(9), "b": kernel})
    expected = 0.0
    for rows in (matrix.double().numpy(), kernel.double().numpy().reshape(2, -1)):
        products = rows @ rows.T
        expected += float((products**2).sum() - (np.diag(products) ** 2).sum())
    assert Orthogonal(weight=0.5).g_loss(critic).item() == pytest.approx(0.5 * expected, rel=1e-5)
    rotation = torch.linalg.qr(_random(4, 4))[0]
    assert Orthogonal().g_loss(_critic(params={"w": 3 * rotation})).item() < 1e-12


@pytest.mark.parametrize("part", [HistoricalAveraging(weight=2), HistoricalAveragingG(weight=2)])
def test_historical_averaging_pulls_parameters_to_their_mean(part: Any) -> None:
    path = [_random(5, seed=i) for i in range(4)]
    memory = part.memory({"w": path[0]})
    for step, value in enumerate(path):
        critic = _critic(params={"w": value}, memory=memory)
        loss = part.d_loss(critic) if hasattr(part, "d_loss") else part.g_loss(critic)
        mean = np.mean([past.numpy() for past in path[:step]], axis=0) if step else path[0].numpy()
        assert loss.item() == pytest.approx(2 * np.sum((value.numpy() - mean) ** 2), rel=1e-4, abs=1e-6)
        memory = part.remember(critic)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: WeightClipping(bound=-0.01), "bound must be > 0, got -0.01"),
        (lambda: PathLength(decay=1.0), "decay must be >= 0 and < 1, got 1.0"),
        (lambda: Consistency(shift=2.0), "shift must be >= 0 and <= 1, got 2.0"),
    ],
)
def test_numbers_without_a_meaning_are_refused(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()
