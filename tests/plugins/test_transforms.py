"""The transforms of D are what torchvision, numpy and closed forms say they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms import functional as tv

from ganbench.registry.registry import Registry
from ganbench_transforms.ada import GATES, Ada
from ganbench_transforms.augmentation import DiffAugment, Flip
from ganbench_transforms.noise import GradientNormalization, InstanceNoise
from ganbench_transforms.packing import Packing

X = torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _seen(transform: Any, noise: dict[str, Tensor], x: Tensor = X, memory: dict[str, Tensor] | None = None) -> Tensor:
    """What D sees."""
    seen: list[Tensor] = []

    def discriminator(at: Tensor) -> Tensor:
        seen.append(at)
        return at.flatten(1).sum(1)

    transform(discriminator, x, noise, memory or {})
    return seen[0]


def test_a_flip_is_torchvisions() -> None:
    seen = _seen(Flip(), {"flip": torch.tensor([0.0, 0.49, 0.5, 0.9, 0.1, 0.99])})
    for i, is_flipped in enumerate([True, True, False, False, True, False]):
        assert torch.equal(seen[i], tv.hflip(X[i]) if is_flipped else X[i])


def test_diffaugment_colors_are_torchvisions() -> None:
    x, numbers = X * 0.05 + 0.5, torch.rand(6, 3) * 0.4 + 0.3  # torchvision clamps to [0, 1]
    seen = _seen(DiffAugment(policy="color"), {"color": numbers}, x)
    for i, (brightness, saturation, contrast) in enumerate(numbers.tolist()):
        bright = x[i] + brightness - 0.5
        # torchvision blends with a gray image, weighted .2989, .587, .114; DiffAugment's gray is the plain mean
        gray = bright.mean(0, keepdim=True).expand(3, -1, -1)
        saturated = gray + (bright - gray) * 2 * saturation
        of_gray = tv.adjust_contrast(saturated.mean(0, keepdim=True), contrast + 0.5)
        torch.testing.assert_close(seen[i].mean(0, keepdim=True), of_gray)
        middle = float(saturated.mean())
        torch.testing.assert_close(seen[i], (saturated - middle) * (contrast + 0.5) + middle)


@pytest.mark.parametrize(("down", "right"), [(0.0, 0.5), (0.99, 0.1), (0.5, 0.5), (0.3, 0.7)])
def test_a_translation_is_torchvisions(down: float, right: float) -> None:
    seen = _seen(DiffAugment(policy="translation"), {"translation": torch.tensor([[down, right]]).expand(6, 2)})
    steps = [int(np.floor(number * 5)) - 2 for number in (down, right)]  # 2 pixels are 1/8 of 16
    expected = tv.affine(X, angle=0, translate=[steps[1], steps[0]], scale=1, shear=[0, 0], fill=[0, 0, 0])
    torch.testing.assert_close(seen, expected, rtol=0, atol=0)


@pytest.mark.parametrize("numbers", [(0.0, 0.0), (0.5, 0.999), (0.999, 0.2)])
def test_cutout_zeroes_a_rectangle_around_a_random_pixel(numbers: tuple[float, float]) -> None:
    seen = _seen(DiffAugment(policy="cutout"), {"cutout": torch.tensor([numbers]).expand(6, 2)})
    expected = X.clone()
    top, left = (int(number * 17) - 4 for number in numbers)
    expected[:, :, max(top, 0) : top + 8, max(left, 0) : left + 8] = 0
    assert torch.equal(seen, expected)
    assert (seen != X).any()


def test_a_policy_is_done_in_its_order_and_declares_its_own_draws() -> None:
    some = DiffAugment(policy="translation, cutout")
    assert list(some.noise) == ["translation", "cutout"]
    for wrong in ("colour", "color,color", ""):
        with pytest.raises(ValueError, match="policy names some of color, translation, cutout"):
            DiffAugment(policy=wrong)


def test_instance_noise_adds_normal_noise() -> None:
    points, eps = torch.rand(6, 2), torch.randn(6, 2)
    torch.testing.assert_close(_seen(InstanceNoise(sigma=0.3), {"eps": eps}, points), points + 0.3 * eps)


def test_normalized_logits_are_the_papers_formula_and_lipschitz() -> None:
    slope = torch.tensor([3.0, -4.0])
    x = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    logits = GradientNormalization()(lambda at: 0.5 + at @ slope, x, {}, {})
    raw = 0.5 + x @ slope
    torch.testing.assert_close(logits, raw / (5 + raw.abs()))
    slopes = torch.func.grad(lambda at: GradientNormalization()(lambda y: 0.5 + y @ slope, at, {}, {}).sum())(x)
    torch.testing.assert_close(slopes.norm(dim=1), 25 / (5 + raw.abs()) ** 2)
    assert slopes.norm(dim=1).max() <= 1


def test_packing_shows_d_neighbors_side_by_side() -> None:
    packing = Packing(k=3)
    assert (packing.shape((3, 16, 16)), packing.shape((2,))) == ((9, 16, 16), (6,))
    seen = _seen(packing, {})
    assert torch.equal(seen, torch.stack([torch.cat([X[0], X[1], X[2]]), torch.cat([X[3], X[4], X[5]])]))
    points = torch.rand(6, 2)
    assert torch.equal(_seen(Packing(k=2), {}, points), torch.cat([points[::2], points[1::2]], dim=1))
    with pytest.raises(ValueError, match="a batch of 6 samples cannot be packed by 4"):
        _seen(Packing(k=4), {})
    with pytest.raises(ValueError, match="k, the samples that D takes as one, must be >= 1"):
        Packing(k=0)


def _ada_noise(
    values: list[float], normals: tuple[float, float, float] = (0, 0, 0), **gates: float
) -> dict[str, Tensor]:
    """Draws under which only the gates given are open at strength 0.5."""
    given = [gates.get(name, 0.9) for name in GATES]
    rows = {"gates": given, "values": values, "normals": list(normals)}
    return {name: torch.tensor([row]).expand(6, -1).float() for name, row in rows.items()}


HALF = {"strength": torch.tensor(0.5)}


def test_at_strength_0_nothing_changes() -> None:
    noise = {"gates": torch.rand(6, 8), "values": torch.rand(6, 6), "normals": torch.randn(6, 3)}
    torch.testing.assert_close(_seen(Ada(), noise, memory={"strength": torch.tensor(0.0)}), X)


@pytest.mark.parametrize("quarters", range(4))
def test_ada_flips_and_turns(quarters: int) -> None:
    noise = _ada_noise([0.2, (quarters + 0.5) / 4, 0, 0, 0, 0], flip=0.1, turn=0.1)
    expected = np.rot90(tv.hflip(X).numpy(), quarters, axes=(2, 3))
    np.testing.assert_array_equal(_seen(Ada(color=False), noise, memory=HALF), expected)


def test_ada_moves_with_mirrored_borders() -> None:
    noise = _ada_noise([0, 0, 1.0, 0.25, 0, 0], move=0.1)  # 2 pixels down, 1 to the left
    padded = np.pad(X.numpy(), [(0, 0), (0, 0), (2, 2), (2, 2)], mode="reflect")
    np.testing.assert_array_equal(_seen(Ada(color=False), noise, memory=HALF), padded[:, :, 0:16, 3:19])


def test_ada_colors_are_the_papers_matrices() -> None:
    noise = _ada_noise(
        [0, 0, 0, 0, 0.3, 0.7], (0.4, -0.6, 0.8), brightness=0.1, contrast=0.1, luma=0.1, hue=0.1, saturation=0.1
    )
    axis, one = np.full(3, 3**-0.5), np.eye(3)
    outer, angle = np.outer(axis, axis), (2 * 0.7 - 1) * np.pi
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    hue = np.cos(angle) * one + np.sin(angle) * cross + (1 - np.cos(angle)) * outer
    saturation = outer + (one - outer) * 2**0.8
    matrix = saturation @ hue @ (one - 2 * outer) * 2 ** (0.5 * -0.6)
    expected = np.einsum("ij,bjhw->bihw", matrix, X.double().numpy() + 0.2 * 0.4)
    np.testing.assert_allclose(_seen(Ada(), noise, memory=HALF), expected, rtol=1e-5, atol=1e-5)
    gray = _seen(Ada(), noise, X[:, :1], HALF)
    np.testing.assert_allclose(gray, -(2 ** (0.5 * -0.6)) * (X[:, :1] + 0.08), rtol=1e-5, atol=1e-5)


def test_adas_strength_follows_the_signs_of_real_logits() -> None:
    ada, rate = Ada(images=100.0, interval=2), 10 * 2 / 100

    class Seen:
        def __init__(self, share: float, memory: dict[str, Tensor]) -> None:
            self.real = torch.where(torch.arange(10) < 10 * share, 2.0, -0.1)
            self.real_samples, self.memory = torch.zeros(10, 2), memory

    memory = ada.memory({})
    found = []
    for share in (1.0, 1.0, 0.9, 0.9, 0.8, 0.7, 0.2, 0.2, 0.0, 0.0):  # signs: 2 share - 1, at most 0.6 to fall
        critic: Any = Seen(share, memory)
        memory = ada.remember(critic)
        found.append(memory["strength"].item())
    assert found == pytest.approx([0, rate, rate, 2 * rate, 2 * rate, rate, rate, 0, 0, 0], abs=1e-6)


def test_ada_needs_square_images_to_turn_them() -> None:
    assert Ada().supports((3, 16, 24)) == "turns by quarters need square images, not 16x24; set blit to false"
    assert Ada(blit=False).supports((3, 16, 24)) is None
    for transform in (Ada(), Flip(), DiffAugment()):
        assert transform.supports((2,)) == "it changes images, and the samples have the shape (2,)"


def _draws(transform: Any, x: Tensor, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    drawn = {}
    for name, one in sorted(getattr(transform, "noise", {}).items()):
        shape = tuple(x.shape[1:]) if one.shape == "sample" else one.shape
        sample = torch.randn if one.kind == "normal" else torch.rand
        drawn[name] = sample(len(x), *shape, generator=generator)
    return drawn


def _shipped() -> list[str]:
    return Registry.load().names("transform")


@pytest.mark.parametrize("name", _shipped())
def test_every_transform_is_twice_differentiable_and_vmaps_to_the_same(registry: Registry, name: str) -> None:
    transform = registry.create("transform", registry.choose("transform", name, {}))
    weight = torch.randn(transform.shape((3, 16, 16)) if hasattr(transform, "shape") else (3, 16, 16)) / 16
    memory = {key: torch.tensor(0.5) for key in getattr(transform, "memory", lambda params: {})({})}

    def penalty(x: Tensor, noise: dict[str, Tensor], scale: Tensor) -> Tensor:
        def total(at: Tensor) -> Tensor:
            logits: Tensor = transform(lambda y: (scale * y * weight).sum((1, 2, 3)).tanh(), at, noise, memory)
            return logits.sum()

        slopes: Tensor = torch.func.grad(total)(x)
        return slopes.square().sum()

    def moved(x: Tensor, noise: dict[str, Tensor]) -> Tensor:
        result: Tensor = torch.func.grad(lambda scale: penalty(x, noise, scale))(torch.tensor(0.7))
        return result

    drawn = [_draws(transform, X, seed) for seed in (0, 1)]
    alone = torch.stack([moved(X, noise) for noise in drawn])
    stacked = {key: torch.stack([noise[key] for noise in drawn]) for key in drawn[0]}
    together = torch.vmap(moved)(torch.stack([X, X]), stacked)
    torch.testing.assert_close(together, alone)
    step = 1e-3
    slope = (penalty(X, drawn[0], torch.tensor(0.7 + step)) - penalty(X, drawn[0], torch.tensor(0.7 - step))) / 2 / step
    assert alone[0].item() == pytest.approx(slope.item(), rel=0.02)
    assert alone[0].abs() > 0
    graph = torch.fx.experimental.proxy_tensor.make_fx(moved)(X, drawn[0])
    torch.testing.assert_close(graph(X, drawn[1]), alone[1])  # no branch of the first draws is frozen into the graph
