"""Generator and discriminator of a finished run, rebuilt from its record and its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor

from ganbench.engine.networks import Network, flat, initial
from ganbench.engine.state import TrainedSeed
from ganbench.errors import MissingError, ResultsError, UsageError
from ganbench.evaluation.generate import generate
from ganbench.registry.choice import Kind
from ganbench.registry.contracts import Architecture, Dataset
from ganbench.registry.registry import Registry
from ganbench.results.records import Record

WEIGHTS = "weights.safetensors"


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
    used = record.provenance.plugins[f"{kind}:{name}"]
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
    tensors = _weights(record, folder)
    shape = tuple(dataset.shape)
    g, _, _ = initial(lambda: architecture.generator(shape), 0, "generator")
    d, _, _ = initial(lambda: architecture.discriminator(shape), 0, "discriminator")
    network = Network(d, training=False)
    params, buffers = _split(tensors, "discriminator", network)
    g_params, g_buffers = _split(tensors, "generator", Network(g, training=False))
    trained = TrainedSeed(record.spec.seed, params=flat(g_params.values()), buffers=g_buffers)

    def logits(x: Tensor) -> Tensor:
        with torch.no_grad():
            return network(params, buffers, x)[0].reshape(len(x))

    def samples(count: int) -> Tensor:
        return generate(architecture, shape, trained, count, False, torch.device("cpu"))

    return TrainedModels(logits, samples)


def _weights(record: Record, folder: Path) -> dict[str, Tensor]:
    """The tensors of a run's weights file, checked against the hash in its record."""
    path = folder / WEIGHTS
    again = "weights are not published with results; train it again with `ganbench run ... --force`"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MissingError(f"run {record.id} has no {WEIGHTS} in {folder}: {again}") from None
    if hashlib.sha256(content).hexdigest() != record.files.get(WEIGHTS):
        raise ResultsError(f"{path} differs from the file that its record names; train the run again with --force")
    tensors = load(content)
    if not any(name.startswith("discriminator.") for name in tensors):
        raise MissingError(f"{path} contains no discriminator, as in earlier versions; train it again with --force")
    return tensors


def _split(tensors: dict[str, Tensor], player: str, network: Network) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A network's parameters in the module's order, and its buffers. Raises `ResultsError`."""
    own = {name.removeprefix(f"{player}."): t for name, t in tensors.items() if name.startswith(f"{player}.")}
    wanted = {**network.shapes, **{name: b.shape for name, b in network.module.named_buffers()}}
    if {name: t.shape for name, t in own.items()} != wanted:
        raise ResultsError(f"the weights of the {player} do not fit this architecture; train the run again")
    return {name: own.pop(name) for name in network.shapes}, own
