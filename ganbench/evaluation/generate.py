"""Samples of a trained generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganbench import seeding
from ganbench.engine import threefry
from ganbench.engine.networks import Network, initial
from ganbench.engine.state import TrainedSeed
from ganbench.evaluation import standing_statistics
from ganbench.registry.training_contracts import Architecture, generator_of, is_conditional

GENERATION_BATCH = 500


class Generated(NamedTuple):
    """Samples (N, *shape) on the CPU and, of a conditional generator, the labels (N,) that it was given."""

    samples: Tensor
    labels: Tensor | None


@dataclass(frozen=True)
class Sampling:
    """How samples are drawn from a generator.

    `set_` 0 is the set of latents that scores are of; the others show how much scores depend on the latents.
    `average` selects the averaged parameters. `truncation` T cuts the normal latents off at -T and T. `standing` is the
    size of the batches by which the statistics of batch normalization are computed anew; 0 keeps those of training.
    A conditional G is given `labels` (count,), by default drawn by the `class_counts` of the data.
    """

    count: int
    set_: int = 0
    average: bool = False
    truncation: float | None = None
    standing: int = 0
    class_counts: tuple[int, ...] = ()
    labels: Tensor | None = None


def initial_generator(architecture: Architecture, shape: tuple[int, ...], classes: int, seed: int) -> nn.Module:
    """A seed's generator before training; a conditional one for so many classes."""
    known = classes if is_conditional(architecture) else None
    return initial(lambda: generator_of(architecture, shape, known), seed, "generator")[0]


def generate(
    architecture: Architecture,
    shape: tuple[int, ...],
    trained: TrainedSeed,
    sampling: Sampling,
    device: torch.device,
    first: int | None = None,
) -> Generated:
    """The samples of a trained generator, or the `first` of them, computed on `device`."""
    parts = list(batches(architecture, shape, trained, sampling, device, first))
    labels = [part.labels for part in parts if part.labels is not None]
    return Generated(torch.cat([part.samples for part in parts]), torch.cat(labels) if labels else None)


def batches(
    architecture: Architecture,
    shape: tuple[int, ...],
    trained: TrainedSeed,
    sampling: Sampling,
    device: torch.device,
    first: int | None = None,
) -> Iterator[Generated]:
    """The same samples batch by batch, so that their number is not limited by the memory.

    The latents come from the seed's own stream. G is in evaluation mode (running statistics), so that the samples do
    not depend on how they are batched.
    """
    module = initial_generator(architecture, shape, len(sampling.class_counts), trained.seed)
    threshold = sampling.truncation
    if threshold is not None and hasattr(module, "truncation"):
        module.truncation, threshold = threshold, None  # type: ignore[assignment]
    network = Network(module.to(device), training=False)
    params = network.named((trained.average if sampling.average else trained.params).to(device))
    buffers = {name: buffer.to(device) for name, buffer in trained.buffers.items()}
    draw = _Inputs(architecture, trained.seed, sampling, threshold)
    given = draw(sampling.count, "evaluation", sampling.set_, sampling.labels)
    with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seeding.number(trained.seed, "evaluation noise", sampling.set_))  # for a G with its own noise
        if sampling.standing:
            count = standing_statistics.BATCHES * sampling.standing
            own = draw(count, "standing statistics", sampling.set_)
            parts = zip(*(torch.split(one.to(device), sampling.standing) for one in own), strict=True)
            buffers = standing_statistics.recomputed(network, params, buffers, parts)
        for part in zip(*(torch.split(one[:first], GENERATION_BATCH) for one in given), strict=True):
            made = _made(lambda *some: network(params, buffers, *some)[0], [one.to(device) for one in part])
            yield Generated(made.cpu(), part[1] if len(part) > 1 else None)


def _made(generator: Callable[..., Tensor], inputs: Sequence[Tensor]) -> Tensor:
    """Samples (N, *shape) of inputs (N, ...), in two halves if a GPU's memory does not suffice for all."""
    count = len(inputs[0])
    try:
        return generator(*inputs)
    except torch.OutOfMemoryError:
        if count == 1:
            raise
    halves = zip(*(torch.split(one, (count + 1) // 2) for one in inputs), strict=True)
    return torch.cat([_made(generator, half) for half in halves])


@dataclass(frozen=True)
class _Inputs:
    """Draws what a generator is given: latents and, if it is conditional, labels."""

    architecture: Architecture
    seed: int
    sampling: Sampling
    threshold: float | None

    def __call__(self, count: int, purpose: str, set_: int, labels: Tensor | None = None) -> list[Tensor]:
        """Latents (count, latent) and, for a conditional G, labels (count,)."""
        latent = threefry.once(threefry.normal, self.seed, purpose, (count, self.architecture.latent), set_)
        latent = latent if self.threshold is None else truncated(latent, self.threshold)
        if not is_conditional(self.architecture):
            return [latent]
        if labels is None:
            uniform = threefry.once(threefry.uniform, self.seed, f"{purpose} labels", (count,), set_)
            labels = labels_at(uniform, self.sampling.class_counts)
        return [latent, labels]


def truncated(latent: Tensor, threshold: float) -> Tensor:
    """Normal numbers as those of the normal distribution cut off at -threshold and threshold (Brock et al. 2019).

    Each is mapped by the two distribution functions, so that none is drawn again and the order is kept.
    """
    tail = torch.special.ndtr(torch.tensor(-threshold, dtype=torch.float64))
    share = tail + torch.special.ndtr(latent.double()) * (1 - 2 * tail)
    cut: Tensor = torch.special.ndtri(share).clamp(-threshold, threshold)
    return cut.to(latent.dtype)


def labels_at(uniform: Tensor, class_counts: tuple[int, ...]) -> Tensor:
    """Labels (N,) int64 by the frequencies of the classes, from uniform numbers (N,) in [0, 1)."""
    ends = torch.tensor(class_counts, dtype=torch.float64).cumsum(0)
    return torch.searchsorted(ends, uniform.double() * ends[-1], right=True).clamp(max=len(class_counts) - 1)
