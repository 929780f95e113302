"""Samples of a trained generator."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench import seeding
from ganbench.engine import noise
from ganbench.engine.networks import Network, initial
from ganbench.engine.state import TrainedSeed
from ganbench.registry.contracts import Architecture

GENERATION_BATCH = 500


def generate(
    architecture: Architecture,
    shape: tuple[int, ...],
    trained: TrainedSeed,
    count: int,
    ema: bool,
    device: torch.device,
    first: int | None = None,
    set_: int = 0,
) -> Tensor:
    """Samples (count, *shape) of a trained generator, or the `first` of them, on the CPU; computed on `device`.

    `ema` selects the averaged parameters. The latents come from the seed's own stream; `set_` 0 is the one that scores
    are of, the others show how much these depend on the latents. G is in evaluation
    mode (running statistics), so that the samples do not depend on how they are batched.
    """
    module, _, _ = initial(lambda: architecture.generator(shape), trained.seed, "generator")
    network = Network(module.to(device), training=False)
    params = network.named((trained.average if ema else trained.params).to(device))
    buffers = {name: buffer.to(device) for name, buffer in trained.buffers.items()}
    latent = torch.randn(count, architecture.latent, generator=noise.generator(trained.seed, "evaluation", set_))[
        :first
    ]
    parts = torch.split(latent, GENERATION_BATCH)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.number(trained.seed, "evaluation noise", set_))  # for a G that uses its own noise
        return torch.cat([network(params, buffers, part.to(device))[0].cpu() for part in parts])
