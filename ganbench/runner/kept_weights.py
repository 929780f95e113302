"""The generator at snapshots, kept beside a run's record where the best of them is evaluated."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from ganbench.engine.networks import Network, flat
from ganbench.engine.state import Callback, TrainedSeed
from ganbench.evaluation.weights import named_weights, read_weights
from ganbench.files import write_atomically
from ganbench.results.records import Record
from ganbench.results.run_files import snapshot_file
from ganbench.suite.specs import RunSpec

SECONDS = "train_seconds"


def due_steps(spec: RunSpec) -> list[int]:
    """The steps of the snapshots that an evaluation asks for, without the end, whose weights every run keeps."""
    times, steps = spec.evaluation.snapshots, spec.train.steps
    due = Callback(times, lambda step, results: None).due(steps) if times else []
    return sorted({step for step in due if 0 < step < steps})


def keep(folder: Path, step: int, result: TrainedSeed, network: Network, average: bool) -> None:
    """Write the generator that is evaluated, as it is now. Raises `OSError` if the disk refuses."""
    player = "average" if average else "generator"
    named = {**network.named(result.average if average else result.params), **result.buffers}
    tensors = {
        f"{player}.{name}": tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in named.items()
    }
    write_atomically(folder / snapshot_file(step), save(tensors, {SECONDS: json.dumps(round(result.seconds, 3))}))


def hand_over(folder: Path, staged: Path, steps: list[int]) -> None:
    """Move what was kept during training to the files of the run."""
    for name in map(snapshot_file, steps):
        if folder != staged and (folder / name).is_file():
            shutil.move(folder / name, staged / name)


def kept_generator(record: Record, folder: Path, step: int, network: Network) -> TrainedSeed:
    """The generator of a run at a snapshot, with the seconds that its training had taken.

    Raises `MissingError` if it was not kept, `ResultsError` if the file is not what the record names or does not fit.
    """
    tensors, facts = read_weights(record, folder, snapshot_file(step))
    return _trained(record.spec.seed, tensors, facts, network)


def staged_generator(seed: int, staged: Path, step: int, network: Network) -> TrainedSeed:
    """The same, of a run that has no record yet. Raises `OSError` if it was not kept."""
    from safetensors import safe_open

    with safe_open(staged / snapshot_file(step), "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return _trained(seed, tensors, file.metadata() or {}, network)


def _trained(seed: int, tensors: dict[str, Tensor], facts: dict[str, str], network: Network) -> TrainedSeed:
    player = next(iter(tensors), "").partition(".")[0]
    params, buffers = named_weights(tensors, player, network)
    vector = flat(params.values())
    return TrainedSeed(seed, params=vector, average=vector, buffers=buffers, seconds=float(facts.get(SECONDS, "0")))
