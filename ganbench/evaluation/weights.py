"""The networks of a finished run, rebuilt from its record and its weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safetensors.torch import load
from torch import Tensor

from ganbench.engine.networks import Buffers, Named, Network, flat, initial
from ganbench.engine.state import TrainedSeed
from ganbench.errors import MissingError, ResultsError
from ganbench.registry.contracts import Architecture
from ganbench.results.records import Record
from ganbench.results.run_files import WEIGHTS


def read_weights(record: Record, folder: Path) -> dict[str, Tensor]:
    """The tensors of a run's weights file, checked against the hash in its record.

    Raises `MissingError` if there is no such file, `ResultsError` if it has other content.
    """
    path = folder / WEIGHTS
    again = "weights are not published with results; train it again with `ganbench run ... --force`"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MissingError(f"run {record.id} has no {WEIGHTS} in {folder}: {again}") from None
    if hashlib.sha256(content).hexdigest() != record.files.get(WEIGHTS):
        raise ResultsError(f"{path} differs from the file that its record names; train the run again with --force")
    return load(content)


def trained_generator(record: Record, folder: Path, architecture: Architecture, shape: tuple[int, ...]) -> TrainedSeed:
    """The generator of a run as it was when training ended, raw and, if the run has one, averaged.

    Raises `MissingError` or `ResultsError` as `read_weights` does, and `ResultsError` if the weights do not fit.
    """
    tensors = read_weights(record, folder)
    module, _, _ = initial(lambda: architecture.generator(shape), record.spec.seed, "generator")
    network = Network(module, training=False)
    params, buffers = named_weights(tensors, "generator", network)
    result = TrainedSeed(record.spec.seed, params=flat(params.values()), buffers=buffers)
    if record.spec.train.ema:
        average, _ = named_weights(tensors, "average", network)
        result.average = flat(average.values())
    return result


def named_weights(tensors: dict[str, Tensor], player: str, network: Network) -> tuple[Named, Buffers]:
    """A network's parameters in the module's order, and its buffers. Raises `ResultsError`."""
    own = {name.removeprefix(f"{player}."): t for name, t in tensors.items() if name.startswith(f"{player}.")}
    wanted = {**network.shapes, **{name: b.shape for name, b in network.module.named_buffers()}}
    if {name: t.shape for name, t in own.items()} != wanted:
        raise ResultsError(f"the weights of the {player} do not fit this architecture; train the run again")
    return {name: own.pop(name) for name in network.shapes}, own
