"""A seed's result does not depend on other seeds or on its position in a stack."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
import torch
from factories import make_train
from torch import Tensor, nn

from ganbench import Architecture, Critic, Data, Loss, seeding
from ganbench.engine.objective import Objective
from ganbench.engine.state import Callback, TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.evaluation.generate import Sampling, generate
from ganbench.results.records import Failure
from ganbench.suite.specs import TrainSpec
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax
from ganbench_losses.nonsaturating import NonSaturating
from ganbench_losses.rpgan import RpGAN
from ganbench_losses.zero_centered import R1, R2

CPU = torch.device("cpu")
SPEC = make_train(steps=120, batch=32, lr=2e-3, betas=(0.0, 0.99), schedule="cosine", ema=0.99)
POINTS = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0))
IMAGES = torch.rand(200, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


PENALIZED: tuple[Loss, ...] = (RpGAN(), R1(), R2())


def _parts(loss: Loss | tuple[Loss, ...] | None) -> tuple[Loss, ...]:
    return loss if isinstance(loss, tuple) else (loss or Minimax(),)


def _train(
    seeds: Iterable[int],
    loss: Loss | tuple[Loss, ...] | None = None,
    architecture: Architecture | None = None,
    data: Tensor = POINTS,
    spec: TrainSpec = SPEC,
) -> tuple[dict[int, TrainedSeed], Trainer]:
    trainer = Trainer(
        Objective.of(*_parts(loss)), architecture or Mlp(width=32, depth=2), Data(data), spec, tuple(seeds), CPU
    )
    return {result.seed: result for result in trainer.run()}, trainer


def _same(a: TrainedSeed, b: TrainedSeed) -> bool:
    def rows(history: list[list[float]]) -> list[list[str]]:
        return [[repr(value) for value in row] for row in history]

    return torch.equal(a.params, b.params) and torch.equal(a.average, b.average) and rows(a.history) == rows(b.history)


LOSSES: dict[str, Loss | tuple[Loss, ...]] = {
    "minimax": Minimax(), "nonsaturating": NonSaturating(), "penalized": PENALIZED,
}  # fmt: skip
QUICK = (("minimax", 32), ("nonsaturating", 100), ("penalized", 64))
"""Every loss and every width once; the other pairs are slow."""


@pytest.mark.parametrize(
    ("loss", "width"),
    [
        pytest.param(loss, width, id=f"{name}-{width}", marks=() if (name, width) in QUICK else (pytest.mark.slow,))
        for name, loss in LOSSES.items()
        for width in (32, 64, 100)
    ],
)
def test_seeds_together_and_alone_give_the_same_bits(loss: Loss | tuple[Loss, ...], width: int) -> None:
    architecture, spec = Mlp(width=width, depth=2), replace(SPEC, steps=54)  # beyond the first block
    together, trainer = _train(range(8), loss, architecture, spec=spec)
    assert trainer.path.kind == "stacked"
    for seed in (0, 7):
        alone, _ = _train([seed], loss, architecture, spec=spec)
        assert _same(together[seed], alone[seed])
    some, _ = _train([7, 3, 12], loss, architecture, spec=spec)
    assert _same(together[3], some[3])
    assert _same(together[7], some[7])


def test_more_seeds_than_a_stack_holds() -> None:
    spec = make_train(steps=20, batch=32, lr=1e-3)
    many, trainer = _train(range(17), spec=spec)
    assert [len(group.seeds) for group in trainer.groups] == [16, 2]
    alone, _ = _train([16], spec=spec)
    assert len(many) == 17
    assert _same(many[16], alone[16])


@pytest.mark.parametrize(
    ("architecture", "data", "batch", "why"),
    [
        (Dcgan(width=4, latent=8), IMAGES, 32, "convolutions"),
        (Mlp(width=50), POINTS, 32, "not a multiple of 4"),
        (Mlp(width=32), POINTS, 100, "not a multiple of 32"),
    ],
)
def test_what_stacking_would_change_is_looped(architecture: Architecture, data: Tensor, batch: int, why: str) -> None:
    spec = make_train(steps=8, batch=batch, lr=1e-3)
    together, trainer = _train(range(3), None, architecture, data, spec)
    assert trainer.path.kind == "looped"
    assert why in trainer.path.reason
    alone, _ = _train([2], None, architecture, data, spec)
    assert _same(together[2], alone[2])


class Branching(Minimax):
    """Reads a number on the host, which vmap cannot map."""

    def g_loss(self, critic: Critic) -> Tensor:
        value = super().g_loss(critic)
        return value if value.item() < 1e9 else 2 * value


def test_a_loss_that_vmap_cannot_map_is_looped_and_agrees_with_the_stack() -> None:
    spec = make_train(steps=10, batch=32, lr=2e-3)
    looped, trainer = _train(range(3), Branching(), spec=spec)
    assert trainer.path.kind == "looped"
    assert "vmap cannot map the step" in trainer.path.reason
    stacked, _ = _train(range(3), Minimax(), spec=spec)
    for seed in range(3):
        torch.testing.assert_close(looped[seed].params, stacked[seed].params, atol=1e-5, rtol=0)


class Dropping(Mlp):
    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 1))


def test_dropout_uses_the_seeds_own_stream() -> None:
    spec = make_train(steps=60, batch=32, lr=1e-3)
    together, trainer = _train(range(3), None, Dropping(width=16, depth=1), spec=spec)
    assert trainer.path.kind == "looped"
    torch.randn(5)  # the global random stream must not matter
    alone, _ = _train([2], None, Dropping(width=16, depth=1), spec=spec)
    assert _same(together[2], alone[2])


def test_training_leaves_the_global_random_stream_unchanged() -> None:
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    _train([0, 1], spec=TrainSpec(steps=3, batch=32))
    assert torch.equal(torch.randn(3), expected)


def test_streams_differ_by_seed_purpose_and_block() -> None:
    keys = [(seed, purpose, block) for seed in range(5) for purpose in ("real", "latent") for block in range(5)]
    assert len({seeding.number(*key) for key in keys}) == len(keys)
    assert seeding.number(3, "latent", 7) == 3022340919780351729  # a change would change every result


class Counting(Minimax):
    """Minimax that counts D's moves in its memory, which is 1 more in G's move."""

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"moves": torch.zeros(())}

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        return {"moves": critic.memory["moves"] + 1}


class FailsOnSomeSeeds(Counting):
    """NaN at step 40 for seeds whose first fake is on the right: some diverge, others do not."""

    def g_loss(self, critic: Critic) -> Tensor:
        value = super().g_loss(critic)
        bad = (critic.fake_samples[0, 0] > 0) & (critic.memory["moves"] == 41)
        return value + torch.where(bad, float("nan"), 0.0)


def test_seeds_that_diverge_stop_and_the_others_continue_unchanged() -> None:
    spec = replace(SPEC, steps=60)
    results, _ = _train(range(8), FailsOnSomeSeeds(), spec=spec)
    gone = [seed for seed, result in results.items() if result.failure is not None]
    left = [seed for seed in results if seed not in gone]
    assert gone
    assert left
    for seed in gone:
        assert results[seed].failure == Failure("diverged", "a loss was not finite", step=40)
        assert results[seed].steps[-1] <= 40
    for seed in left:
        assert results[seed].params.isfinite().all()
        assert _same(results[seed], _train([seed], FailsOnSomeSeeds(), spec=spec)[0][seed])


class NaNAt100(Counting):
    def d_loss(self, critic: Critic) -> Tensor:
        value = super().d_loss(critic)
        return value + torch.where(critic.memory["moves"] == 100, float("nan"), 0.0)


def test_a_nan_is_found_at_its_step() -> None:
    results, _ = _train([0, 1], NaNAt100())
    assert {result.failure and result.failure.text for result in results.values()} == {
        "a loss was not finite at step 100"
    }


class NaNGradient(Counting):
    """A finite loss with an infinite slope at the last step: only the parameters show it."""

    def g_loss(self, critic: Critic) -> Tensor:
        value = super().g_loss(critic)
        return value + torch.where(critic.memory["moves"] == 120, critic.fake * 0, 1.0).abs().sqrt().mean()


def test_parameters_that_are_not_finite_at_the_end_are_found() -> None:
    results, _ = _train([0, 1], NaNGradient())
    assert results[0].failure is not None
    assert results[0].failure.kind == "diverged"
    assert "parameter was not finite after step 119" in results[0].failure.text


class HugeGradient(Counting):
    """At step 30 a gradient above 1.8e19, whose square is infinite in float32; losses and parameters stay finite."""

    def d_loss(self, critic: Critic) -> Tensor:
        value = super().d_loss(critic)
        scale = torch.where(critic.memory["moves"] == 30, 1e22, 0.0)
        return value + scale * (critic.real - critic.real.detach()).mean()


@pytest.mark.parametrize(
    ("architecture", "data", "path"),
    [(Mlp(width=32, depth=2), POINTS, "stacked"), (Dcgan(width=4, latent=8), IMAGES, "looped")],
    ids=["stacked", "looped"],
)
def test_a_moment_that_is_not_finite_is_divergence(architecture: Architecture, data: Tensor, path: str) -> None:
    results, trainer = _train([0, 1], HugeGradient(), architecture, data, replace(SPEC, steps=60))
    assert trainer.path.kind == path
    for result in results.values():
        assert result.failure == Failure(
            "diverged", "a moment of the optimizer was not finite", step=seeding.BLOCK - 1, after=True
        )
        assert result.params.isfinite().all()
        assert result.discriminator.isfinite().all()
        assert all(math.isfinite(value) for row in result.history for value in row[:2])  # the losses


def test_a_large_gradient_whose_square_is_finite_is_no_divergence() -> None:
    class Large(Counting):
        def d_loss(self, critic: Critic) -> Tensor:
            value = super().d_loss(critic)
            scale = torch.where(critic.memory["moves"] == 30, 1e15, 0.0)
            return value + scale * (critic.real - critic.real.detach()).mean()

    results, _ = _train([0, 1], Large(), spec=replace(SPEC, steps=60))
    assert [result.failure for result in results.values()] == [None, None]


def test_signals_are_recorded_at_a_fixed_cadence_and_have_their_meaning() -> None:
    spec = make_train(steps=200, batch=64, lr=2e-3, betas=(0.0, 0.99))
    from ganbench.signals import SIGNALS

    results, _ = _train([0, 1], spec=spec)
    result = results[0]
    assert result.steps == list(range(0, 200, 2))
    first = dict(zip(SIGNALS, result.history[0], strict=True))
    assert first["value"] == pytest.approx(-first["d_loss"], rel=1e-5)  # minimax: D minimises -V
    assert first["js"] == pytest.approx((first["value"] + 2 * math.log(2)) / 2, rel=1e-5, abs=1e-6)
    for row in result.history:
        signal = dict(zip(SIGNALS, row, strict=True))
        for name in ("d_real", "d_fake", "accuracy_real", "accuracy_fake", "p_real_above_fake"):
            assert 0 <= signal[name] <= 1
        assert signal["d_gradient"] > 0
        assert signal["g_gradient"] > 0
        assert signal["diversity"] >= 0
    relative, _ = _train([0, 1], PENALIZED, spec=TrainSpec(steps=3, batch=32))
    signal = dict(zip(SIGNALS, relative[0].history[0], strict=True))
    assert math.isnan(signal["value"])
    assert math.isnan(signal["js"])


def test_the_diversity_ratio_is_scipys_mean_distance() -> None:
    from scipy.spatial.distance import pdist

    from ganbench.engine.signals import spread

    x = torch.randn(64, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    assert spread(x).item() == pytest.approx(pdist(x.flatten(1).numpy()).mean(), rel=1e-5)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_samples_do_not_depend_on_how_they_are_batched(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    import ganbench.evaluation.generate

    architecture = Dcgan(width=4, latent=8)
    results, _ = _train([1], None, architecture, IMAGES, TrainSpec(steps=5, batch=32))
    whole = generate(architecture, (1, 16, 16), results[1], Sampling(100), CPU).samples
    monkeypatch.setattr(ganbench.evaluation.generate, "GENERATION_BATCH", size)
    torch.testing.assert_close(
        generate(architecture, (1, 16, 16), results[1], Sampling(100), CPU).samples, whole, atol=1e-5, rtol=0
    )


def test_raw_and_averaged_generators_differ_as_the_spec_says() -> None:
    results, _ = _train([1])
    raw, ema = (
        generate(Mlp(width=32, depth=2), (2,), results[1], Sampling(50, average=flag), CPU).samples
        for flag in (False, True)
    )
    assert not torch.equal(raw, ema)


def test_snapshots_come_at_block_ends_and_change_nothing() -> None:
    seen: list[int] = []
    trainer = Trainer(Objective.of(Minimax()), Mlp(width=32, depth=2), Data(POINTS), SPEC, (0, 1), CPU)
    results = trainer.run(callbacks=[Callback(3, lambda step, seeds: seen.append(step))])
    assert seen == [50, 100, 120]
    assert _same(results[0], _train([0, 1])[0][0])


class Fourier(nn.Module):
    """Random features that are not a buffer: different ones in every module that is built."""

    def __init__(self, registered: bool) -> None:
        super().__init__()
        self.frequencies: Tensor
        frequencies = torch.randn(2, 16)
        if registered:
            self.register_buffer("frequencies", frequencies)
        else:
            self.frequencies = frequencies
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.head((x @ self.frequencies).sin())
        return features


class FourierMlp(Mlp):
    registered = False

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Fourier(self.registered)


class Registered(FourierMlp):
    registered = True


def test_a_random_tensor_that_is_not_a_buffer_is_refused() -> None:
    from ganbench.errors import ContractError
    from ganbench.testing import check_architecture

    spec = TrainSpec(steps=60, batch=32)
    with pytest.raises(ContractError, match="neither a parameter nor a buffer"):
        _train([0, 1], None, FourierMlp(width=16, depth=1), spec=spec)
    with pytest.raises(ContractError, match="neither a parameter nor a buffer"):
        check_architecture(FourierMlp(width=16, depth=1), ((2,),))
    together, _ = _train(range(3), None, Registered(width=16, depth=1), spec=spec)
    alone, _ = _train([1], None, Registered(width=16, depth=1), spec=spec)
    assert _same(together[1], alone[1])
    assert not torch.equal(together[0].buffers["frequencies"], together[1].buffers["frequencies"])


class Noisy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.layer(x) + 0.1 * torch.randn_like(x)
        return output


class NoisyMlp(Mlp):
    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Noisy()


def test_a_generator_with_its_own_noise_is_sampled_from_the_seeds_stream() -> None:
    spec = TrainSpec(steps=10, batch=32)
    together, trainer = _train(range(3), None, NoisyMlp(width=16, depth=1), spec=spec)
    assert trainer.path.kind == "looped"
    alone, _ = _train([2], None, NoisyMlp(width=16, depth=1), spec=spec)
    assert _same(together[2], alone[2])
    one, two = (generate(NoisyMlp(width=16, depth=1), (2,), together[2], Sampling(100), CPU).samples for _ in range(2))
    assert torch.equal(one, two)
