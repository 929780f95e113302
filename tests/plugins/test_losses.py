"""The losses are the equations they are named after."""

from __future__ import annotations

from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from ganbench.errors import MissingError
from ganbench.registry.registry import Registry
from ganbench.testing import check, check_file, every_offer
from ganbench_losses.minimax import Minimax
from ganbench_losses.nonsaturating import NonSaturating
from ganbench_losses.rpgan import RaGAN, RpGAN
from ganbench_losses.zero_centered import R1, R2


class _Logits:
    """A critic with given logits."""

    step = 0

    def __init__(self, real: torch.Tensor, fake: torch.Tensor) -> None:
        self.real, self.fake = real, fake
        self.real_samples = self.fake_samples = torch.zeros(len(real), 2)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def between(self) -> torch.Tensor:
        raise NotImplementedError

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        return torch.full((len(x), 2), 3.0)


Logits: Any = _Logits

ZERO = Logits(torch.zeros(8), torch.zeros(8))


def test_at_logit_zero_the_g_losses_are_minus_and_plus_log_2() -> None:
    assert Minimax().g_loss(ZERO).item() == pytest.approx(-log(2), abs=1e-7)
    assert NonSaturating().g_loss(ZERO).item() == pytest.approx(log(2), abs=1e-7)
    assert Minimax().d_loss(ZERO).item() == NonSaturating().d_loss(ZERO).item() == pytest.approx(2 * log(2), abs=1e-6)


def test_they_equal_binary_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    real, fake = 5 * torch.randn(2, 64, generator=generator)
    critic = Logits(real, fake)
    value = -bce(real, torch.ones(64)) - bce(fake, torch.zeros(64))  # V(D, G)
    torch.testing.assert_close(Minimax().d_loss(critic), -value)
    torch.testing.assert_close(Minimax().g_loss(critic), -bce(fake, torch.zeros(64)))  # G's part of V
    torch.testing.assert_close(NonSaturating().g_loss(critic), bce(fake, torch.ones(64)))


def test_minimax_saturates_and_nonsaturating_does_not() -> None:
    fake = torch.full((8,), -20.0, requires_grad=True)
    for loss, alive in ((Minimax(), False), (NonSaturating(), True)):
        (grad,) = torch.autograd.grad(loss.g_loss(Logits(torch.zeros(8), fake)), fake)
        assert (grad.abs().sum().item() > 0.9) == alive


def test_losses_of_extreme_logits_are_finite() -> None:
    sure = Logits(torch.full((4,), 1e4), torch.full((4,), -1e4))
    wrong = Logits(torch.full((4,), -1e4), torch.full((4,), 1e4))
    for loss in (Minimax(), NonSaturating(), RpGAN(), RaGAN()):
        for critic in (sure, wrong):
            assert loss.d_loss(critic).isfinite()
            assert loss.g_loss(critic).isfinite()


def test_rpgan_pairs_and_penalizes_both_sides() -> None:
    critic = Logits(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 3.0]))
    pairing = (log(1 + torch.tensor(-1.0).exp()) + log(1 + torch.tensor(1.0).exp())) / 2
    penalty = 0.3 / 2 * (18 + 18)  # squared norms of (3, 3), real and fake
    parts = (RpGAN(), R1(gamma=0.3), R2(gamma=0.3))
    assert sum(part.d_loss(critic).item() for part in parts) == pytest.approx(pairing + penalty, rel=1e-6)
    assert RpGAN().g_loss(critic).item() == pytest.approx(
        (log(1 + torch.tensor(1.0).exp()) + log(1 + torch.tensor(-1.0).exp())) / 2, rel=1e-6
    )


def test_rpgan_is_binary_cross_entropy_of_the_pairs_differences() -> None:
    real, fake = 5 * torch.randn(2, 64, generator=torch.Generator().manual_seed(1))
    critic = Logits(real, fake)
    torch.testing.assert_close(RpGAN().d_loss(critic), bce(real - fake, torch.ones(64)))
    torch.testing.assert_close(RpGAN().g_loss(critic), bce(fake - real, torch.ones(64)))


def test_ragan_compares_each_sample_with_the_other_sides_average() -> None:
    real, fake = 5 * torch.randn(2, 64, generator=torch.Generator().manual_seed(2))
    critic, zeros, ones = Logits(real, fake), torch.zeros(64), torch.ones(64)
    over, under = real - fake.mean(), fake - real.mean()
    torch.testing.assert_close(RaGAN().d_loss(critic), bce(over, ones) + bce(under, zeros))
    torch.testing.assert_close(RaGAN().g_loss(critic), bce(over, zeros) + bce(under, ones))


def test_r1_and_r2_weigh_the_squared_slope_of_their_side_by_half_of_gamma() -> None:
    class Quadratic(_Logits):  # D(x) = |x|^2 / 2, whose gradient is x
        def gradient(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1)

    critic: Any = Quadratic(torch.zeros(2), torch.zeros(2))
    critic.real_samples = torch.tensor([[3.0, 4.0], [0.0, 1.0]])  # squared norms 25 and 1
    critic.fake_samples = torch.tensor([[1.0, 1.0], [2.0, 0.0]])  # 2 and 4
    assert R1(gamma=10).d_loss(critic).item() == pytest.approx(10 / 2 * 13)
    assert R2(gamma=0.5).d_loss(critic).item() == pytest.approx(0.5 / 2 * 3)
    for part in (R1, R2):
        assert (part.game, hasattr(part, "g_loss"), part().every, part(every=16).every) == (False, False, 1, 16)


def test_a_third_party_file_passes_the_kit(hinge: Path) -> None:
    assert check_file(hinge) == ["loss my-hinge"]


def test_one_plugin_of_any_kind_is_checked_with_its_defaults(registry: Registry) -> None:
    found = {(offer.kind, offer.name): offer for offer in every_offer(registry)}
    assert len(found) >= 50
    check(found["loss", "minimax"], registry)
    check(found["dataset", "ring8"], registry)
    with pytest.raises(MissingError, match=r"dataset celeba: .* is missing"):
        check(found["dataset", "celeba"], registry)


BAD = {
    "d_loss must be a scalar": "class L(B):\n    'x'\n    def d_loss(self, c): return c.real",
    "no gradient": "class L(B):\n    'x'\n    def g_loss(self, c): return c.fake.mean().detach()",
    "draws random numbers with rand": (
        "import torch\nclass L(B):\n    'x'\n    def g_loss(self, c): return (c.fake * torch.rand(32)).mean()"
    ),
    "is nan for ordinary logits": "class L(B):\n    'x'\n    def d_loss(self, c): return c.real.mean() / 0 * 0",
    "no docstring": "class L(B):\n    pass",
}


@pytest.mark.parametrize("message", BAD)
def test_the_kit_finds_what_is_wrong(tmp_path: Path, message: str) -> None:
    from ganbench.errors import ContractError

    path = tmp_path / "bad.py"
    base = "class B:\n    def d_loss(self, c): return c.real.mean()\n    def g_loss(self, c): return c.fake.mean()\n"
    hook = "\n@hookimpl\ndef register_losses():\n    return {'l': L}\n"
    path.write_text("from ganbench import hookimpl\n" + base + BAD[message] + hook)
    with pytest.raises(ContractError, match=message):
        check_file(path)
