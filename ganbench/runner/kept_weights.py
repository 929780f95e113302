"""The generator at snapshots, kept beside a run's record where the best of them is evaluated."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save

from ganbench import seeding
from ganbench.engine.networks import Network
from ganbench.engine.state import Callback, TrainedSeed
from ganbench.evaluation.weights import SECONDS, snapshot_generator
from ganbench.files import write_atomically
from ganbench.results.run_files import snapshot_file
from ganbench.suite.specs import RunSpec


def due_steps(spec: RunSpec) -> list[int]:
    """The steps of the snapshots that an evaluation asks for, without the end, whose weights every run keeps.

    Snapshots are taken at the ends of blocks of steps, so that a short training has fewer than were asked for.
    """
    times, steps = spec.evaluation.snapshots, spec.train.steps
    due = Callback(times, lambda step, results: None).due(steps) if times else []
    ends = {-(-step // seeding.BLOCK) * seeding.BLOCK for step in due}
    return sorted(step for step in ends if 0 < step < steps)


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
    """Add what was kept during training to the files of the run; it remains beside the checkpoints until it has ended.

    A process that is killed during the evaluation takes the staged files with it, and goes on from a checkpoint.
    """
    for name in map(snapshot_file, steps):
        if folder != staged and (folder / name).is_file():
            (staged / name).unlink(missing_ok=True)
            try:
                os.link(folder / name, staged / name)
            except OSError:  # a file system without links
                shutil.copyfile(folder / name, staged / name)


def staged_generator(seed: int, staged: Path, step: int, network: Network) -> TrainedSeed:
    """The generator at a snapshot of a run that has no record yet. Raises `OSError` if it was not kept."""
    with safe_open(staged / snapshot_file(step), "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return snapshot_generator(seed, tensors, file.metadata() or {}, network)
