"""On a GPU: the same draws and the same game as on a CPU; the same bits in a rerun, alone and among others."""

from __future__ import annotations

import os

import pytest
import torch
from torch import Tensor

from ganbench import Architecture, Data
from ganbench.engine import threefry
from ganbench.engine.devices import CUBLAS_WORKSPACE
from ganbench.engine.objective import Objective
from ganbench.engine.setting import build_example, build_setting
from ganbench.engine.state import TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.suite.train_spec import PlayerSpec, TrainSpec
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp
from ganbench_losses.nonsaturating import NonSaturating
from ganbench_losses.rpgan import RpGAN
from ganbench_losses.zero_centered import R1, R2
from ganbench_transforms.noise import InstanceNoise

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
os.environ.update(CUBLAS_WORKSPACE)  # as a worker starts

PLAYER = PlayerSpec(lr=2e-3, betas=(0.0, 0.99))
POINTS = Data(torch.randn(1000, 2, generator=torch.Generator().manual_seed(0)))
IMAGES = Data(torch.rand(500, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1)
OBJECTIVES = {
    "nonsaturating": Objective.of(NonSaturating()),
    "penalties and noise": Objective.of(RpGAN(), R1(), R2(), transforms=(InstanceNoise(),)),
}
NETWORKS: dict[str, tuple[Architecture, Data]] = {
    "mlp": (Mlp(width=32, depth=2), POINTS),
    "dcgan": (Dcgan(width=16, latent=16), IMAGES),
}


def _trainer(
    name: str, seeds: tuple[int, ...], device: str, engine: str, steps: int, networks: str = "mlp", **rest: str
) -> Trainer:
    spec = TrainSpec(steps=steps, batch=64, d=PLAYER, g=PLAYER, engine=engine, **rest)  # type: ignore[arg-type]
    architecture, data = NETWORKS[networks]
    return Trainer(OBJECTIVES[name], architecture, data, spec, seeds, torch.device(device))


def _train(name: str, seeds: tuple[int, ...], device: str, engine: str, steps: int, **rest: str) -> list[TrainedSeed]:
    return _trainer(name, seeds, device, engine, steps, **rest).run()


def test_raw_bits_are_equal_and_normals_within_rounding() -> None:
    key = torch.tensor(threefry.key(3, "latent"), dtype=torch.int32)
    for steps in (torch.arange(20, dtype=torch.int32), torch.tensor(7, dtype=torch.int32)):
        there, here = steps.cuda(), steps
        assert torch.equal(threefry.bits(key.cuda(), there, (64, 33)).cpu(), threefry.bits(key, here, (64, 33)))
        assert torch.equal(threefry.uniform(key.cuda(), there, (64,)).cpu(), threefry.uniform(key, here, (64,)))
        gap = threefry.normal(key.cuda(), there, (64, 33)).cpu() - threefry.normal(key, here, (64, 33))
        assert gap.abs().max() <= 1e-6


@pytest.mark.parametrize(("engine", "kind"), [("eager", "captured"), ("compiled", "compiled")])
@pytest.mark.parametrize(("networks", "lanes"), [("mlp", 16), ("dcgan", 1)])
def test_steps_are_recorded(networks: str, lanes: int, engine: str, kind: str) -> None:
    trainer = _trainer("nonsaturating", tuple(range(20)), "cuda", engine, 10, networks)
    assert (trainer.path.kind, trainer.path.lanes) == (kind, lanes), trainer.path.reason
    assert "not recorded" not in trainer.path.reason
    assert [len(batch) for batch in trainer.batches] == ([2] if lanes == 16 else [10, 10])


@pytest.mark.parametrize("engine", ["eager", "compiled"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_first_losses_are_those_of_a_cpu(name: str, engine: str) -> None:
    ours, expected = (_train(name, (0,), device, engine, 10)[0].history for device in ("cuda", "cpu"))
    torch.testing.assert_close(torch.tensor(ours)[:, :2], torch.tensor(expected)[:, :2], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_the_first_losses_of_convolutions_are_near_those_of_a_cpu(engine: str) -> None:
    ours, expected = (
        torch.tensor(_train("nonsaturating", (0,), device, engine, 10, networks="dcgan")[0].history)[:, :2]
        for device in ("cuda", "cpu")
    )
    torch.testing.assert_close(ours, expected, atol=5e-3, rtol=5e-3)  # seen on an H100: 4e-4 to 3e-3


def _weights(trained: TrainedSeed) -> list[Tensor]:
    return [trained.params, trained.average, trained.discriminator]


def _same(one: TrainedSeed, other: TrainedSeed) -> bool:
    return all(map(torch.equal, _weights(one), _weights(other))) and repr(one.history) == repr(other.history)


@pytest.mark.parametrize("precision", ["fp32", "tf32"])
@pytest.mark.parametrize("engine", ["eager", "compiled"])
@pytest.mark.parametrize("networks", NETWORKS)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_seed_has_its_bits_again_alone_and_among_others(
    name: str, networks: str, engine: str, precision: str
) -> None:
    seeds = (0, 1, 2, 3, 4)
    first, again, alone = (
        {one.seed: one for one in _train(name, some, "cuda", engine, 60, networks=networks, precision=precision)}
        for some in (seeds, seeds, (3,))
    )
    assert all(_same(first[seed], again[seed]) for seed in seeds)
    assert _same(first[3], alone[3])


def test_settings_of_torch_are_as_before() -> None:
    assert not torch.are_deterministic_algorithms_enabled()
    _train("nonsaturating", (0,), "cuda", "eager", 5, networks="dcgan")
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.deterministic


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


def test_a_block_of_steps_needs_few_transfers() -> None:
    """What the host gives and takes is per block: keys, numbers, losses, signals, and whether the state is finite."""
    trainer = _trainer("penalties and noise", (0, 1, 2), "cuda", "eager", 100)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        trainer.run()
        torch.cuda.synchronize()
    copies = [event.name for event in profile.events() if "Memcpy HtoD" in event.name or "Memcpy DtoH" in event.name]
    assert len(copies) < 100  # one for each step would be 100
