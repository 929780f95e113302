"""What a worker process does with one job: train a cell, or measure a reference, and judge it."""

from __future__ import annotations

import csv
import io
import math
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from ganbench import provenance
from ganbench.evaluator import Judge, NotFinite, generate
from ganbench.files import write_atomically
from ganbench.pictures import picture
from ganbench.records import SCHEMA, Record
from ganbench.references import reference_samples
from ganbench.registry import Registry
from ganbench.signals import NAMES
from ganbench.specs import Cell, EvaluationSpec, ReferenceSpec, RunSpec
from ganbench.trainer import Progress, Seed, Trainer

OnProgress = Callable[[Progress], None]
OnRecord = Callable[[Record, Path], None]
Staging = Callable[[str], Path]


@dataclass
class Judged:
    """One seed's evaluations: the last and those on the way."""

    seed: Seed
    metrics: dict[str, float] = field(default_factory=dict)
    cards: dict[str, Any] = field(default_factory=dict)
    snapshots: list[dict[str, Any]] = field(default_factory=list)


def judge(registry: Registry, dataset: Any, evaluation: EvaluationSpec, device: torch.device) -> Judge:
    """The evaluation protocol that a spec names, ready to use."""
    metrics = {choice.name: registry.create("metric", choice) for choice in evaluation.metrics}
    extractor = registry.create("extractor", evaluation.extractor)
    return Judge(dataset, evaluation, extractor, metrics, device)


def measure_reference(
    registry: Registry, label: str, spec: ReferenceSpec, device: torch.device, staging: Staging, on_record: OnRecord
) -> None:
    """Judge one reference's samples and hand over its record."""
    dataset = registry.create("dataset", spec.dataset)
    evaluation = spec.evaluation
    samples = reference_samples(spec.reference, dataset, evaluation.split, evaluation.samples)
    source = {"generator": f"reference: {spec.reference}", "checkpoint": None}
    scores = judge(registry, dataset, evaluation, device).scores(samples, source, lenient=True)
    folder = staging(spec.id)
    _write_picture(folder, samples, dataset)
    record = {
        "schema": SCHEMA,
        "id": spec.id,
        "suite": None,
        "spec": spec.resolved(),
        "status": "ok",
        "reason": "",
        "metrics": scores.values,
        "cards": scores.cards,
        "samples": len(samples),
        "notes": list(scores.missing),
        "provenance": {**provenance.machine(), "device": str(device)},
    }
    on_record(record, folder)


def train_cell(
    registry: Registry,
    suite: str,
    cell: Cell,
    device: torch.device,
    staging: Staging,
    on_progress: OnProgress,
    on_record: OnRecord,
) -> None:
    """Train all seeds of a cell, judge each, hand over one record a seed.

    What a plugin raises passes through: the cell is then `failed`, by `failure`.
    """
    _reset_peak(device)
    dataset = registry.create("dataset", cell.spec.dataset)
    architecture = registry.create("architecture", cell.spec.architecture)
    loss = registry.create("loss", cell.spec.loss)
    train, evaluation = cell.spec.train, cell.spec.evaluation
    judged: dict[int, Judged] = {}
    protocol = judge(registry, dataset, evaluation, device)
    trainer = Trainer(loss, architecture, dataset.load("train").samples, train, cell.seeds, device)
    source = {"generator": "ema" if train.ema else "raw", "checkpoint": "last"}

    def scored(result: Seed, step: int | None = None) -> Any:
        samples = generate(architecture, tuple(dataset.shape), result, evaluation.samples, bool(train.ema))
        where = source if step is None else {**source, "checkpoint": f"step {step}"}
        return samples, protocol.scores(samples, where)

    def snapshot(step: int, results: list[Seed]) -> None:
        for result in results:
            if result.status == "ok":
                try:
                    _, scores = scored(result, step)
                except NotFinite:
                    continue
                entry = {"step": step, "train_seconds": round(result.seconds, 3), "metrics": scores.values}
                judged.setdefault(result.seed, Judged(result)).snapshots.append(entry)

    for result in trainer.run(on_progress, evaluation.snapshots, snapshot):
        one = judged.setdefault(result.seed, Judged(result))
        folder = staging(cell.run(result.seed).id)
        if result.status == "ok":
            try:
                samples, scores = scored(result)
                one.metrics, one.cards = scores.values, scores.cards
                _write_picture(folder, samples, dataset)
            except NotFinite as error:
                result.status, result.reason = "diverged", f"{error} after the last step"
        _write_history(folder, result, trainer.log_odds)
        _write_weights(folder, result)
        run = {**trainer.provenance(), "device": _device_name(device), "threads": torch.get_num_threads()}
        run["plugins"] = provenance.plugins(registry, list(cell.spec.choices()))
        on_record(_record(suite, cell.run(result.seed), one, _peak(device), run), folder)


def _record(suite: str, spec: RunSpec, judged: Judged, peak: int, run: dict[str, Any]) -> Record:
    result, train = judged.seed, spec.train
    done = train.steps if result.status == "ok" else (result.steps[-1] + 1 if result.steps else 0)
    images = done * train.n_dis * train.batch
    last = result.history[-1] if result.history else [math.nan] * len(NAMES)
    return {
        "schema": SCHEMA,
        "id": spec.id,
        "suite": suite,
        "spec": spec.resolved(),
        "status": result.status,
        "reason": result.reason,
        "metrics": judged.metrics,
        "cards": judged.cards,
        "snapshots": judged.snapshots,
        "cost": {
            "train_seconds": round(result.seconds, 3),
            "images": images,
            "images_per_second": round(images / result.seconds, 1) if result.seconds else None,
            "peak_memory_bytes": peak,
        },
        "signals": {name: value if math.isfinite(value) else None for name, value in zip(NAMES, last, strict=True)},
        "diagnosis": None,
        "provenance": {**provenance.machine(), **run},
    }


def failure(error: BaseException) -> tuple[str, str, str]:
    """Status, reason in one sentence, and traceback of what went wrong in a cell."""
    text = "".join(traceback.format_exception(error))
    message = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {message[0]}" if message else type(error).__name__
    memory = isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno}, in {frames[-1].name})" if frames else ""
    return ("out-of-memory" if memory else "failed"), said[:300] + where, text


def failed_record(suite: str, spec: RunSpec, status: str, reason: str) -> Record:
    """The record of a run that came to nothing: a failure is a result too."""
    return {
        "schema": SCHEMA,
        "id": spec.id,
        "suite": suite,
        "spec": spec.resolved(),
        "status": status,
        "reason": reason,
        "metrics": {},
        "cards": {},
        "snapshots": [],
        "cost": {"train_seconds": None, "images": None, "images_per_second": None, "peak_memory_bytes": None},
        "signals": {},
        "diagnosis": None,
        "provenance": {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
    }


def _write_picture(folder: Path, samples: torch.Tensor, dataset: Any) -> None:
    png = picture(samples, dataset)
    if png is not None:
        write_atomically(folder / "samples.png", png)


def _write_history(folder: Path, result: Seed, log_odds: bool) -> None:
    """Training signals as CSV; a value that does not exist is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *NAMES])
    for step, row in zip(result.steps, result.history, strict=True):
        writer.writerow([step, *(f"{value:.7g}" if not math.isnan(value) else "" for value in row)])
    write_atomically(folder / "history.csv", text.getvalue().encode())


def _write_weights(folder: Path, result: Seed) -> None:
    """G's parameters as one flat vector, their average, and its buffers."""
    tensors = {"generator": result.params, "average": result.average.clone()}
    tensors |= {f"buffer.{name}": buffer.contiguous() for name, buffer in result.buffers.items()}
    write_atomically(folder / "weights.safetensors", save(tensors))


def _device_name(device: torch.device) -> str:
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def _reset_peak(device: torch.device) -> None:
    """Begin a new peak of memory, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak(device: torch.device) -> int:
    """Peak bytes of the device, or of this process's resident memory."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        import resource
        import sys

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
