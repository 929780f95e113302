"""Transforms train, stacked as alone and compiled; what has a memory continues from a checkpoint."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from factories import make_train
from torch import Tensor

from ganbench import Data, seeding
from ganbench.engine.checkpoints import CheckpointTimer, packed, unpacked
from ganbench.engine.devices import missing_compiler
from ganbench.engine.objective import Objective
from ganbench.engine.state import SeedState, TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.registry.registry import Registry
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp
from ganbench_losses.nonsaturating import NonSaturating

CPU = torch.device("cpu")
POINTS = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
IMAGES = torch.rand(200, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
REGISTRY = Registry.load()
TRANSFORMS = REGISTRY.names("transform")
KINDS: tuple[Any, ...] = ("loss", "transform")
REMEMBERING = [
    (kind, name)
    for kind in KINDS
    for name in REGISTRY.names(kind)
    if hasattr(REGISTRY.find(kind, name).thing, "memory")
]
SETTINGS = {"ada": {"target": -0.99, "images": 500.0}}
"""Hyperparameters under which a plugin acts within a few steps."""


@pytest.fixture(autouse=True)
def _short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a block, where states are saved, comes after a few steps."""
    monkeypatch.setattr(seeding, "BLOCK", 12)


def _plugin(kind: Any, name: str) -> Any:
    return REGISTRY.create(kind, REGISTRY.choose(kind, name, SETTINGS.get(name, {})))


def _objective(kind: str, name: str) -> Objective:
    """A game, or the non-saturating one with one penalty or transform."""
    plugin = _plugin(kind, name)
    if kind == "transform":
        return Objective.of(NonSaturating(), transforms=(plugin,))
    is_game = hasattr(plugin, "d_loss") and hasattr(plugin, "g_loss") and getattr(plugin, "game", True)
    return Objective.of(plugin) if is_game else Objective.of(NonSaturating(), plugin)


def _samples(kind: str, name: str) -> Tensor:
    reason = getattr(_plugin(kind, name), "supports", lambda shape: None)((2,))
    return POINTS if reason is None else IMAGES


def _trainer(
    kind: str,
    name: str,
    seeds: tuple[int, ...],
    resumed: dict[int, SeedState] | None = None,
    **train: Any,
) -> Trainer:
    reconstructs = "reconstruction" in getattr(_plugin(kind, name), "needs", ())
    architecture = Mlp(width=16, depth=1, autoencoder=reconstructs)
    spec = make_train(**{"steps": 30, "batch": 64, "lr": 2e-3, "engine": "eager", **train})
    data = Data(_samples(kind, name))
    return Trainer(_objective(kind, name), architecture, data, spec, seeds, CPU, resumed)


def _same(a: TrainedSeed, b: TrainedSeed) -> bool:
    return torch.equal(a.params, b.params) and torch.equal(a.discriminator, b.discriminator)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_thirty_steps_in_a_stack_are_those_alone_and_not_those_without_it(name: str) -> None:
    trainer = _trainer("transform", name, (0, 1, 2))
    assert trainer.path.kind == "stacked", trainer.path.reason
    together = {result.seed: result for result in trainer.run()}
    (alone,) = _trainer("transform", name, (1,)).run()
    assert together[1].failure is None
    assert _same(together[1], alone)
    spec, data = make_train(steps=30, batch=64, lr=2e-3, engine="eager"), Data(_samples("transform", name))
    (plain,) = Trainer(Objective.of(NonSaturating()), Mlp(width=16, depth=1), data, spec, (1,), CPU).run()
    assert not torch.equal(plain.params, alone.params)


@pytest.mark.parametrize(("kind", "name"), [*REMEMBERING, ("loss", "dragan"), ("transform", "diffaugment")])
def test_a_training_continues_from_a_checkpoint_with_its_memory(kind: str, name: str) -> None:
    saved: dict[int, tuple[Any, Any]] = {}

    def save(one: SeedState) -> None:
        assert bool(one.state.memory) == ((kind, name) in REMEMBERING)
        saved[one.step] = deepcopy(packed(one))

    (whole,) = _trainer(kind, name, (1,), steps=20).run(timer=CheckpointTimer(0, lambda: False, save))
    step = min(saved)
    assert 0 < step < 20
    (resumed,) = _trainer(kind, name, (1,), resumed={1: unpacked(1, step, *saved[step])}, steps=20).run()
    assert _same(resumed, whole)


@pytest.mark.parametrize("name", ["lecam", "consistency", "path-length"])
def test_penalties_train_convolutions(name: str) -> None:
    spec = make_train(steps=6, batch=16, engine="eager")
    objective = _objective("loss", name)
    (result,) = Trainer(objective, Dcgan(width=4, latent=8), Data(IMAGES), spec, (0,), CPU).run()
    assert result.failure is None


@pytest.mark.slow
@pytest.mark.skipif(missing_compiler() is not None, reason=f"compiles: {missing_compiler()}")
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_is_compiled_with_the_same_bits_in_every_lane(name: str) -> None:
    trainer = _trainer("transform", name, (0, 1), engine="compiled")
    assert trainer.path.kind == "compiled"
    together = {result.seed: result for result in trainer.run()}
    (alone,) = _trainer("transform", name, (1,), engine="compiled").run()
    assert _same(together[1], alone)


def test_a_single_training_sample_trains() -> None:
    spec = make_train(steps=2, batch=4)
    (result,) = Trainer(
        Objective.of(NonSaturating()), Mlp(width=4, depth=1), Data(torch.ones(1, 2)), spec, (0,), CPU
    ).run()
    assert result.failure is None
