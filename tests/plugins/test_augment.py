"""Augmentation with a given probability: which changes are made, how often, and what a cutout removes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.transforms import functional as tv

from ganbench_transforms.ada import Ada
from ganbench_transforms.augment import GATES, Augment

X = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _seen(transform: Augment | Ada, noise: dict[str, Tensor], memory: dict[str, Tensor] | None = None) -> Tensor:
    """What D sees of X."""
    seen: list[Tensor] = []

    def discriminator(x: Tensor) -> Tensor:
        seen.append(x)
        return x.flatten(1).sum(1)

    transform(discriminator, X, noise, memory or {})
    return seen[0]


def _noise(gates: float = 0.5, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "gates": torch.full((8, len(GATES)), gates),
        "values": torch.rand(8, 8, generator=generator),
        "normals": torch.randn(8, 3, generator=generator),
    }


def test_at_probability_0_nothing_changes() -> None:
    torch.testing.assert_close(_seen(Augment(p=0.0), _noise(0.0)), X)


def test_without_cutout_it_changes_as_ada_does_at_that_strength() -> None:
    noise = _noise(0.3)
    of_ada = {"gates": noise["gates"][:, :8], "values": noise["values"][:, :6], "normals": noise["normals"]}
    expected = _seen(Ada(), of_ada, {"strength": torch.tensor(0.4)})
    assert not torch.allclose(expected, X)
    torch.testing.assert_close(_seen(Augment(p=0.4, cutout=0.0), noise), expected)


@pytest.mark.parametrize(
    ("gate", "changed"), [(0.19, ["blit", "color", "cutout"]), (0.3, ["blit", "cutout"]), (0.5, ["cutout"]), (0.9, [])]
)
def test_each_kind_of_change_has_its_own_probability(gate: float, changed: list[str]) -> None:
    """With p = 0.4: blitting 0.4, color half as often, cutout twice as often."""
    noise, factors = _noise(gate), {"blit": 1.0, "color": 0.5, "cutout": 2.0}
    expected = _seen(Augment(p=1.0, **{name: float(name in changed) for name in factors}), noise)
    torch.testing.assert_close(_seen(Augment(p=0.4, **factors), noise), expected)


def test_a_cutout_is_a_square_of_half_a_side() -> None:
    noise = _noise(0.5)
    noise["values"][:, 6:] = 0.5
    seen = _seen(Augment(p=1.0, blit=0.0, color=0.0), noise)
    torch.testing.assert_close(seen, torch.stack([tv.erase(one, 4, 4, 8, 8, torch.zeros(())) for one in X]))


def test_a_probability_may_be_a_tensor() -> None:
    expected = _seen(Augment(p=0.4), _noise(0.3))
    transform = Augment(p=torch.tensor(0.4))  # type: ignore[arg-type]  # what a schedule gives
    torch.testing.assert_close(_seen(transform, _noise(0.3)), expected)


def test_what_does_not_fit_is_said() -> None:
    assert Augment().supports((3, 16, 24)) == "quarter turns need square images, not 16x24"
    assert Augment().supports((2,)) == "it changes images, and the samples have the shape (2,)"
    with pytest.raises(ValueError, match="must be >= 0"):
        Augment(color=-1.0)
    with pytest.raises(ValueError, match=r"p must be >= 0 and <= 1, got 1\.5"):
        Augment(p=1.5)
    with pytest.raises(ValueError, match="target is a mean sign, > -1 and < 1, got 3"):
        Ada(target=3)
