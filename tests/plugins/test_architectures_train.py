"""The architectures in training: with penalties, with labels, several seeds at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import grad
from torch.fx.experimental.proxy_tensor import make_fx

from ganbench import Data
from ganbench.engine.networks import Network, initial
from ganbench.engine.objective import Objective
from ganbench.engine.state import TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.suite.specs import TrainSpec
from ganbench_architectures.cnn32 import Cnn32
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp
from ganbench_architectures.r3gan import R3gan
from ganbench_architectures.resnet import Resnet
from ganbench_losses.classes import ACGAN, MultiHinge
from ganbench_losses.energy import BEGAN
from ganbench_losses.gradient_penalty import GradientPenalty
from ganbench_losses.hinge import Hinge
from ganbench_losses.rpgan import RpGAN
from ganbench_losses.wasserstein import Wasserstein, WeightClipping
from ganbench_losses.zero_centered import R1, R2

CLASSES = 8
R3GAN_LOSS = (RpGAN(), R1(), R2())
WGAN_GP = (Wasserstein(), GradientPenalty())
TINY = R3gan(width=8, group=8, blocks=1)


def _train(
    architecture: Any, shape: tuple[int, ...], parts: tuple[Any, ...], seeds: tuple[int, ...] = (0,), batch: int = 8
) -> list[TrainedSeed]:
    """Three steps on random samples, without the compiler."""
    generator = torch.Generator().manual_seed(0)
    samples = torch.rand(96, *shape, generator=generator) * 2 - 1
    data = Data(samples, torch.randint(CLASSES, (96,), generator=generator))
    classes = CLASSES if getattr(architecture, "conditional", False) else None
    spec = TrainSpec(steps=3, batch=batch, engine="eager")
    return Trainer(Objective.of(*parts), architecture, data, spec, seeds, torch.device("cpu"), None, classes).run()


@pytest.mark.parametrize(
    ("architecture", "shape", "parts"),
    [
        (Dcgan(width=4), (1, 28, 28), R3GAN_LOSS),
        (Dcgan(width=4, conditional=True, spectral_norm="both"), (1, 16, 16), (Hinge(),)),
        (Dcgan(width=4, conditional=True, class_head=True), (1, 16, 16), (MultiHinge(),)),
        (Cnn32(width=2), (3, 32, 32), (Wasserstein(), WeightClipping(0.1))),
        (Cnn32(width=2, network="sngan", conditional=True), (3, 32, 32), WGAN_GP),
        (Resnet(width=2, attention=True), (1, 16, 16), R3GAN_LOSS),
        (Resnet(width=2, conditional=True), (1, 16, 16), (Hinge(),)),
        (Resnet(width=2, conditional=True, class_head=True), (1, 16, 16), (Hinge(), ACGAN())),
        (Resnet(width=2, spectral_norm="none", pool="mean", upsample="bilinear"), (1, 16, 16), WGAN_GP),
        (TINY, (1, 16, 16), R3GAN_LOSS),
        (R3gan(width=8, group=8, blocks=1, conditional=True), (1, 16, 16), R3GAN_LOSS),
        (Mlp(width=8, autoencoder=True), (1, 8, 8), (BEGAN(),)),
    ],
    ids=lambda one: type(one).__name__ if hasattr(one, "latent") else None,
)
def test_it_trains(architecture: Any, shape: tuple[int, ...], parts: tuple[Any, ...]) -> None:
    """Every parameter that the loss can reach moves, and nothing diverges."""
    (first,), (again,) = (_train(architecture, shape, parts) for _ in range(2))
    assert first.failure is None
    assert torch.equal(first.params, again.params)
    assert torch.equal(first.discriminator, again.discriminator)
    moved = [network.isfinite().all() and network.std() > 0 for network in (first.params, first.discriminator)]
    assert all(moved)
    assert len({tuple(row) for row in first.history}) == 3


@pytest.mark.parametrize(
    ("architecture", "parts"),
    [
        (Mlp(width=16, spectral_norm="both"), R3GAN_LOSS),
        (Mlp(width=16, norm_g="batch", norm_d="layer"), R3GAN_LOSS),
        (Mlp(width=16, conditional=True, spectral_norm="d"), (Hinge(),)),
        (Mlp(width=16, autoencoder=True), (BEGAN(),)),
    ],
)
def test_a_seed_has_the_same_bits_alone_and_among_others(architecture: Any, parts: tuple[Any, ...]) -> None:
    (alone,) = _train(architecture, (2,), parts, (1,), batch=32)
    among = _train(architecture, (2,), parts, (0, 1, 2), batch=32)[1]
    assert alone.failure is None
    assert torch.equal(alone.params, among.params)
    assert torch.equal(alone.discriminator, among.discriminator)
    for name, buffer in alone.discriminator_buffers.items():
        assert torch.equal(buffer, among.discriminator_buffers[name]), name


@pytest.mark.parametrize(
    ("architecture", "shape"),
    [
        (Mlp(width=8, norm_d="layer", spectral_norm="both", conditional=True), (2,)),
        (Dcgan(width=4, conditional=True, spectral_norm="d"), (1, 16, 16)),
        (Cnn32(width=2, network="sngan", conditional=True), (3, 32, 32)),
        (Resnet(width=2, attention=True, conditional=True), (1, 16, 16)),
        (R3gan(width=8, group=8, conditional=True), (1, 16, 16)),
    ],
    ids=lambda one: type(one).__name__ if hasattr(one, "latent") else None,
)
def test_the_step_of_a_program_can_be_traced(architecture: Any, shape: tuple[int, ...]) -> None:
    """The gradient of R1, as a flat graph of tensor operations without random numbers, gives the same numbers."""
    module, params, buffers = initial(lambda: architecture.discriminator(shape, CLASSES), 0, "discriminator")
    network, labels = Network(module), torch.tensor([0, 1, 2, 3])

    def slope(flat: Tensor, state: dict[str, Tensor], x: Tensor) -> Tensor:
        named = network.named(flat)
        slopes: Tensor = grad(lambda at: network(named, state, at, labels)[0].sum())(x)
        return slopes.square().sum()

    x = torch.randn(4, *shape)
    graph = make_fx(grad(slope))(params, buffers, x)
    assert not [
        node for node in graph.graph.nodes if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
    ]
    other = torch.randn(4, *shape)
    torch.testing.assert_close(graph(params, buffers, other), grad(slope)(params, buffers, other))


def test_spectral_norm_is_stacked() -> None:
    data = Data(torch.randn(96, 2, generator=torch.Generator().manual_seed(0)))
    made = Mlp(width=16, spectral_norm="both")
    spec = TrainSpec(steps=3, batch=32, engine="eager")
    trainer = Trainer(Objective.of(*R3GAN_LOSS), made, data, spec, (0, 1), torch.device("cpu"))
    assert trainer.path.kind == "stacked", trainer.path.reason
