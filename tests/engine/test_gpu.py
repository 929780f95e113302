"""On a GPU: the same draws as on a CPU, the same game, the same bits alone and among others."""

from __future__ import annotations

import pytest
import torch

from ganbench import Data
from ganbench.engine import threefry
from ganbench.engine.objective import Objective
from ganbench.engine.setting import build_example, build_setting
from ganbench.engine.state import TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.suite.train_spec import PlayerSpec, TrainSpec
from ganbench_architectures.mlp import Mlp
from ganbench_losses.nonsaturating import NonSaturating
from ganbench_losses.rpgan import RpGAN
from ganbench_losses.zero_centered import R1, R2
from ganbench_transforms.noise import InstanceNoise

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")

PLAYER = PlayerSpec(lr=2e-3, betas=(0.0, 0.99))
POINTS = Data(torch.randn(1000, 2, generator=torch.Generator().manual_seed(0)))
OBJECTIVES = {
    "nonsaturating": Objective.of(NonSaturating()),
    "penalties and noise": Objective.of(RpGAN(), R1(), R2(), transforms=(InstanceNoise(),)),
}


def _train(name: str, seeds: tuple[int, ...], device: str, engine: str, steps: int) -> dict[int, TrainedSeed]:
    spec = TrainSpec(steps=steps, batch=64, d=PLAYER, g=PLAYER, engine=engine)
    trainer = Trainer(OBJECTIVES[name], Mlp(width=32, depth=2), POINTS, spec, seeds, torch.device(device))
    return {result.seed: result for result in trainer.run()}


def test_raw_bits_are_equal_and_normals_within_rounding() -> None:
    key = torch.tensor(threefry.key(3, "latent"), dtype=torch.int32)
    for steps in (torch.arange(20, dtype=torch.int32), torch.tensor(7, dtype=torch.int32)):
        there, here = steps.cuda(), steps
        assert torch.equal(threefry.bits(key.cuda(), there, (64, 33)).cpu(), threefry.bits(key, here, (64, 33)))
        assert torch.equal(threefry.uniform(key.cuda(), there, (64,)).cpu(), threefry.uniform(key, here, (64,)))
        gap = threefry.normal(key.cuda(), there, (64, 33)).cpu() - threefry.normal(key, here, (64, 33))
        assert gap.abs().max() <= 1e-6


@pytest.mark.parametrize("engine", ["eager", "compiled"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_first_losses_are_those_of_a_cpu(name: str, engine: str) -> None:
    ours, expected = (_train(name, (0,), device, engine, 10)[0].history for device in ("cuda", "cpu"))
    torch.testing.assert_close(torch.tensor(ours)[:, :2], torch.tensor(expected)[:, :2], atol=1e-4, rtol=1e-4)


@pytest.mark.xfail(strict=True, reason="seen on an H100: the last bits of a seed differ with its neighbors")
@pytest.mark.parametrize("engine", ["eager", "compiled"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_seed_has_its_bits_alone_and_among_others(name: str, engine: str) -> None:
    together, alone = (_train(name, seeds, "cuda", engine, 60) for seeds in ((0, 1, 2, 3, 4), (3,)))
    assert torch.equal(together[3].params, alone[3].params)
    assert together[3].history == alone[3].history


def test_draws_need_no_transfer() -> None:
    device = torch.device("cuda")
    spec = TrainSpec(steps=10, batch=64, d=PLAYER, g=PLAYER)
    setting = build_setting(OBJECTIVES["nonsaturating"], Mlp(), POINTS, spec, device=device)
    _, keys, numbers = build_example(setting, spec, 0, device)
    setting.recipe.drawn(keys, numbers.step)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        setting.recipe.drawn(keys, numbers.step)
        torch.cuda.synchronize()
    copies = [event.name for event in profile.events() if "Memcpy HtoD" in event.name or "Memcpy DtoH" in event.name]
    assert copies == []
