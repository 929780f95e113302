"""The networks of a finished run, rebuilt from its record and its weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from safetensors.torch import load
from torch import Tensor

from ganbench.engine.networks import Buffers, Named, Network, flat
from ganbench.engine.state import TrainedSeed
from ganbench.errors import MissingError, ResultsError, reason
from ganbench.evaluation.generate import initial_generator
from ganbench.files import read_file
from ganbench.registry.training_contracts import Architecture
from ganbench.results.records import Record
from ganbench.results.run_files import WEIGHTS, snapshot_file

SECONDS = "train_seconds"
"""The fact beside the weights of a snapshot that says how long the training had taken."""


def read_weights(record: Record, folder: Path, name: str = WEIGHTS) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a run's weights file and its facts, checked against the hash in its record.

    Raises `MissingError` if there is no such file, `ResultsError` if it has other content.
    """
    path = folder / name
    again = "weights are not published with results; train it again with `ganbench run ... --force`"
    try:
        content = read_file(path)
    except FileNotFoundError:
        raise MissingError(f"run {record.id} has no {name} in {folder}: {again}") from None
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {reason(error)}") from error
    if hashlib.sha256(content).hexdigest() != record.files.get(name):
        raise ResultsError(f"{path} differs from the file that its record names; train the run again with --force")
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return load(content), header.get("__metadata__", {})


def generator_network(architecture: Architecture, shape: tuple[int, ...], classes: int, seed: int) -> Network:
    """The generator as a function of its parameters, in evaluation mode."""
    return Network(initial_generator(architecture, shape, classes, seed), training=False)


def trained_generator(record: Record, folder: Path, network: Network) -> TrainedSeed:
    """The generator of a run as it was when training ended, raw and, if the run has one, averaged.

    Raises `MissingError` or `ResultsError` as `read_weights` does, and `ResultsError` if the weights do not fit.
    """
    tensors, _ = read_weights(record, folder)
    params, buffers = named_weights(tensors, "generator", network)
    seconds = record.cost.train_seconds or 0.0
    result = TrainedSeed(record.spec.seed, params=flat(params.values()), buffers=buffers, seconds=seconds)
    if record.spec.train.averaged:
        average, _ = named_weights(tensors, "average", network)
        result.average = flat(average.values())
    return result


def kept_generator(record: Record, folder: Path, step: int, network: Network) -> TrainedSeed:
    """The generator of a run at a snapshot, with the seconds that its training had taken.

    Raises as `read_weights` does, and `ResultsError` if the weights do not fit.
    """
    return snapshot_generator(record.spec.seed, *read_weights(record, folder, snapshot_file(step)), network)


def snapshot_generator(seed: int, tensors: dict[str, Tensor], facts: dict[str, str], network: Network) -> TrainedSeed:
    """The generator that was kept at a snapshot: the one that is evaluated, averaged or raw."""
    player = next(iter(tensors), "").partition(".")[0]
    params, buffers = named_weights(tensors, player, network)
    vector = flat(params.values())
    return TrainedSeed(seed, params=vector, average=vector, buffers=buffers, seconds=float(facts.get(SECONDS, "0")))


def evaluated_generator(record: Record, folder: Path, network: Network) -> TrainedSeed:
    """The generator that a record's scores are of: the best snapshot, or the end. Raises as `kept_generator` does."""
    step = record.evaluation.step
    if step is None or step == record.spec.train.steps:
        return trained_generator(record, folder, network)
    return kept_generator(record, folder, step, network)


def named_weights(tensors: dict[str, Tensor], player: str, network: Network) -> tuple[Named, Buffers]:
    """A network's parameters in the module's order, and its buffers. Raises `ResultsError`."""
    own = {name.removeprefix(f"{player}."): t for name, t in tensors.items() if name.startswith(f"{player}.")}
    wanted = {**network.shapes, **{name: b.shape for name, b in network.module.named_buffers()}}
    if {name: t.shape for name, t in own.items()} != wanted:
        raise ResultsError(f"the weights of the {player} do not fit this architecture; train the run again")
    return {name: own.pop(name) for name in network.shapes}, own
