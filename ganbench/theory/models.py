"""Generator and discriminator of a finished run, rebuilt from its record and its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganbench.engine.networks import Network, flat, initial
from ganbench.engine.state import TrainedSeed
from ganbench.errors import MissingError, UsageError
from ganbench.evaluation.generate import Sampling, generate
from ganbench.evaluation.weights import named_weights, read_weights
from ganbench.registry.choice import Kind, plugin_key
from ganbench.registry.contracts import Dataset
from ganbench.registry.registry import Registry
from ganbench.registry.training_contracts import Architecture
from ganbench.results.records import Record
from ganbench.results.run_files import WEIGHTS


@dataclass(frozen=True)
class TrainedModels:
    """Models of a finished run: `logits(x)` (N,) of D for x (N, *shape), and `samples(n)` (n, *shape) of the raw G.

    Both networks are in evaluation mode. The raw G is the one that D was trained against, even if the scores
    are those of its average.
    """

    logits: Callable[[Tensor], Tensor]
    samples: Callable[[int], Tensor]


def plugin(record: Record, kind: Kind, registry: Registry) -> Any:
    """A new instance of the plugin that a run used.

    Raises `UsageError` if the plugin is not installed, or not in the version that the run used.
    """
    chosen = next(choice for own, choice in record.spec.choices() if own == kind)
    name, params = chosen.name, chosen.params
    used = record.plugins[plugin_key(kind, name)]
    if name not in registry.names(kind):
        raise UsageError(
            f"{kind} {name!r} of run {record.id} came from {used.distribution} {used.version}, "
            "which is not installed; install it, or pass its file with --plugin"
        )
    choice = registry.choose(kind, name, dict(params))
    if choice.code != used.code:
        raise UsageError(
            f"run {record.id} used {kind} {name!r} of version {used.code}, and here is {choice.code}: "
            "its weights may have another meaning; use that version, or train again"
        )
    return registry.create(kind, choice)


def trained_models(record: Record, folder: Path, architecture: Architecture, dataset: Dataset) -> TrainedModels:
    """Both models of a run in `folder`. Raises `MissingError` or `ResultsError`."""
    tensors, _ = read_weights(record, folder)
    if not any(name.startswith("discriminator.") for name in tensors):
        raise MissingError(
            f"{folder / WEIGHTS} contains no discriminator, as in earlier versions; train it again with --force"
        )
    shape = tuple(dataset.shape)
    g, _, _ = initial(lambda: architecture.generator(shape), 0, "generator")
    d, _, _ = initial(lambda: architecture.discriminator(shape), 0, "discriminator")
    network = Network(d, training=False)
    params, buffers = named_weights(tensors, "discriminator", network)
    g_params, g_buffers = named_weights(tensors, "generator", Network(g, training=False))
    trained = TrainedSeed(record.spec.seed, params=flat(g_params.values()), buffers=g_buffers)

    def logits(x: Tensor) -> Tensor:
        with torch.no_grad():
            found: Tensor = network(params, buffers, x)[0]
            return found.reshape(len(x))

    def samples(count: int) -> Tensor:
        return generate(architecture, shape, trained, Sampling(count), torch.device("cpu")).samples

    return TrainedModels(logits, samples)
