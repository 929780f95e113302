"""What a worker process does with one job: train a cell, or measure a reference, and judge it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ganbench import provenance
from ganbench.evaluator import Judge, NotFinite, generate
from ganbench.outcome import (
    Judged,
    device_name,
    peak_memory,
    reset_peak,
    run_record,
    write_history,
    write_picture,
    write_weights,
)
from ganbench.records import SCHEMA, Record
from ganbench.references import reference_samples
from ganbench.registry import Registry
from ganbench.specs import Cell, EvaluationSpec, ReferenceSpec
from ganbench.trainer import Progress, Seed, Trainer

OnProgress = Callable[[Progress], None]

OnRecord = Callable[[Record, Path], None]

Staging = Callable[[str], Path]


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
    write_picture(folder, samples, dataset)
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
    reset_peak(device)
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
                write_picture(folder, samples, dataset)
            except NotFinite as error:
                result.status, result.reason = "diverged", f"{error} after the last step"
        write_history(folder, result, trainer.log_odds)
        write_weights(folder, result)
        run = {**trainer.provenance(), "device": device_name(device), "threads": torch.get_num_threads()}
        run["plugins"] = provenance.plugins(registry, list(cell.spec.choices()))
        on_record(run_record(suite, cell.run(result.seed), one, peak_memory(device), run), folder)
