"""Builds the record and the files of a run, whether it finished or failed."""

from __future__ import annotations

import math
import os
import re
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import save

from ganbench.engine.state import TrainedSeed
from ganbench.engine.step import Game
from ganbench.errors import in_words, text_of, well_formed
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.film import film
from ganbench.evaluation.images import picture
from ganbench.evaluation.neighbor_grid import neighbor_grid
from ganbench.files import write_atomically
from ganbench.registry.contracts import Dataset
from ganbench.results.diagnosis import diagnose
from ganbench.results.records import Cost, Evaluation, Failure, Film, Neighbors, Provenance, Record
from ganbench.signals import SIGNALS
from ganbench.suite.specs import RunSpec

T = TypeVar("T")


def run_record(
    suite: str,
    spec: RunSpec,
    result: TrainedSeed,
    evaluation: Evaluation,
    peak: int | None,
    provenance: Provenance,
    scored_by: Provenance | None = None,
) -> Record:
    """The record of a run that was trained to its end, or until it diverged, without its pictures."""
    train = spec.train
    done = train.steps if result.failure is None else (result.steps[-1] + 1 if result.steps else 0)
    images = done * train.n_dis * train.batch
    last = result.history[-1] if result.history else [math.nan] * len(SIGNALS)
    return Record(
        id=spec.id,
        suite=suite,
        spec=spec,
        failure=result.failure or evaluation.failure,
        evaluation=replace(evaluation, snapshots=tuple(result.snapshots)),
        evaluation_id=spec.evaluation.id if result.failure is None or result.snapshots else None,
        cost=Cost(
            train_seconds=round(result.seconds, 3),
            images=images,
            images_per_second=round(images / result.seconds, 1) if result.seconds else None,
            peak_memory_bytes=peak,
        ),
        signals={name: value if math.isfinite(value) else None for name, value in zip(SIGNALS, last, strict=True)},
        diagnosis=tuple(diagnose(result.steps, result.history, train.steps)),
        provenance=replace(provenance, time=now()),
        scored_by=scored_by or Provenance(),
    )


def now() -> str:
    """When a run ended, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def failure(error: BaseException) -> tuple[Failure, str]:
    """What went wrong in a cell, in one sentence, and its traceback."""
    text = well_formed(without_local_paths("".join(traceback.format_exception(error))))
    memory = isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in text_of(error)
    return Failure("out-of-memory" if memory else "failed", in_words(error)), text


def write_traceback(folder: Path, text: str) -> None:
    """Write a traceback to a run's folder, if there is one."""
    if text:
        write_atomically(folder / "traceback.txt", text.encode())


def without_local_paths(text: str) -> str:
    """A traceback without the folders of this machine, because reports are shared.

    Files are named relative to the folder that Python imported them from, or to the current one.
    """
    roots = sorted({str(Path(root).resolve()) for root in [*sys.path, str(Path.cwd())]}, key=len, reverse=True)

    def short(match: re.Match[str]) -> str:
        path = Path(str(match[1]))
        inside = (path.relative_to(root) for root in roots if path.is_relative_to(root))
        return f'File "{next(inside, Path(path.name)) if path.is_absolute() else path}"'

    named = re.sub(r'File "([^"\n]+)"', short, text)
    home = os.environ.get("HOME", "")  # a container may have none, or the root
    return named.replace(home, "~") if len(home.rstrip("/")) > 1 else named


def failed_record(suite: str, spec: RunSpec, failure: Failure) -> Record:
    """The record of a run that failed: a failure is a result too."""
    return Record(id=spec.id, suite=suite, spec=spec, failure=failure, provenance=Provenance(time=now()))


def failed_evaluation(spec: RunSpec, record: Record, failure: Failure) -> Record:
    """The record of a run that is trained, and could not be evaluated as `spec` says."""
    evaluation = Evaluation(snapshots=record.evaluation.snapshots, failure=failure)
    return replace(
        record, spec=spec, failure=failure, evaluation=evaluation,
        evaluation_id=spec.evaluation.id, scored_by=Provenance(time=now()),
    )  # fmt: skip


def write_pictures(
    folder: Path, samples: torch.Tensor, evaluator: Evaluator, labels: torch.Tensor | None = None
) -> Neighbors | None:
    """Write the samples and, for images, their nearest training images; returns what the latter show.

    Images with the `labels` that a conditional G was given are drawn by class.
    """
    png = picture(samples, evaluator.dataset, labels)
    if png is not None:
        write_atomically(folder / "samples.png", png)
    return _written(folder / "neighbours.png", neighbor_grid(evaluator, samples))


def write_film(folder: Path, result: TrainedSeed, dataset: Dataset) -> Film | None:
    """Write the strip of a seed's frames, if there are any; returns their steps and size."""
    return _written(folder / "film.png", film(result.frames, dataset))


def _written(path: Path, made: tuple[bytes, T] | None) -> T | None:
    if made is None:
        return None
    write_atomically(path, made[0])
    return made[1]


def write_weights(folder: Path, result: TrainedSeed, game: Game) -> None:
    """Both players' state_dicts, buffers included; G's moving average too, if the game keeps one.

    Names are `generator.<name>`, `average.<name>`, `discriminator.<name>`.
    """
    generator, discriminator = game.generator, game.discriminator
    players = {
        "generator": {**generator.named(result.params), **result.buffers},
        "discriminator": {**discriminator.named(result.discriminator), **result.discriminator_buffers},
    }
    if game.averaged:
        players["average"] = {**generator.named(result.average), **result.buffers}
    tensors = {
        f"{player}.{name}": tensor.clone(memory_format=torch.contiguous_format)
        for player, named in players.items()
        for name, tensor in named.items()
    }
    write_atomically(folder / "weights.safetensors", save(tensors))


def device_name(device: torch.device) -> str:
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def reset_peak(device: torch.device) -> None:
    """Restart the measurement of peak memory, if the system can."""
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory(device: torch.device) -> int | None:
    """Peak bytes of the device, or of this process's resident memory; None if the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # not a Unix
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
