"""What a worker process does with one job: train a cell, or measure a reference, and judge it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ganbench.engine.checkpoints import Checkpoints, CheckpointTimer, packed, unpacked
from ganbench.engine.state import Callback, Progress, SeedState, TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.errors import describe_error
from ganbench.evaluation.evaluator import Evaluator, NotFinite, Scores, Source
from ganbench.evaluation.film import FRAMES, frame, needed
from ganbench.evaluation.generate import generate
from ganbench.evaluation.references import reference_samples
from ganbench.files import write_atomically
from ganbench.registry.registry import Registry
from ganbench.results import provenance
from ganbench.results.records import AnyRecord, Evaluation, Failure, Record, ReferenceRecord, Snapshot
from ganbench.results.run_files import write_history
from ganbench.runner.events import Phase
from ganbench.runner.run_record import (
    device_name,
    failed_record,
    failure,
    peak_memory,
    reset_peak,
    run_record,
    write_film,
    write_pictures,
    write_weights,
)
from ganbench.suite.specs import Cell, EvaluationSpec, ReferenceSpec

OnProgress = Callable[[Progress], None]

OnRecord = Callable[[AnyRecord, Path], None]

OnPhase = Callable[[Phase, int], None]
"""Called when a cell enters a phase, with its training step."""

Staging = Callable[[str], Path]


def build_evaluator(registry: Registry, dataset: Any, evaluation: EvaluationSpec, device: torch.device) -> Evaluator:
    """The evaluation protocol that a spec names, ready to use."""
    metrics = {choice.name: registry.create("metric", choice) for choice in evaluation.metrics}
    extractor = registry.create("extractor", evaluation.extractor)
    return Evaluator(dataset, evaluation, extractor, metrics, device)


def measure_reference(
    registry: Registry, label: str, spec: ReferenceSpec, device: torch.device, staging: Staging, on_record: OnRecord
) -> None:
    """Judge one reference's samples and hand over its record."""
    dataset = registry.create("dataset", spec.dataset)
    evaluation = spec.evaluation
    samples = reference_samples(spec.reference, dataset, evaluation.split, evaluation.samples)
    source = Source(f"reference: {spec.reference}", None)
    evaluator = build_evaluator(registry, dataset, evaluation, device)
    scores = evaluator.scores(samples, source, lenient=True)
    # compared with the test split, the real samples are the training split itself: they "memorise" it
    trained_on = spec.reference == "real" and evaluation.split == "test"
    folder = staging(spec.id)
    near = write_pictures(folder, samples, evaluator)
    record = ReferenceRecord(
        id=spec.id,
        spec=spec,
        evaluation=replace(scores.evaluation, verdict=None) if trained_on else scores.evaluation,
        samples=len(samples),
        notes=(*scores.missing, *(["these are the training split"] if trained_on else [])),
        provenance=replace(provenance.machine(), device=str(device)),
        neighbors=near,
    )
    on_record(record, folder)


def train_cell(
    registry: Registry,
    suite: str,
    cell: Cell,
    device: torch.device,
    staging: Staging,
    on_progress: OnProgress,
    on_record: OnRecord,
    keeping: Keeping | None = None,
    on_phase: OnPhase = lambda phase, step: None,
) -> None:
    """Train all seeds of a cell, judge each, hand over one record a seed.

    What a plugin raises in training passes through: the whole cell has failed then. What is
    raised in judging fails that seed alone. Raises `Stopped` where it was asked to stop.
    """
    reset_peak(device)
    on_phase(Phase.LOADING, 0)
    work = _Work(registry, suite, cell, device, on_phase)
    resumed = {} if keeping is None else _resumed(keeping.checkpoints, cell)
    data = work.dataset.load("train").samples
    rounded = cell.spec.train.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = rounded
    on_phase(Phase.COMPILING, 0)
    trainer = Trainer(work.loss, work.architecture, data, cell.spec.train, cell.seeds, device, resumed)
    timer = (
        None
        if keeping is None
        else CheckpointTimer(keeping.every, keeping.asked, partial(_save, keeping.checkpoints, cell))
    )
    callbacks = (Callback(cell.spec.evaluation.snapshots, work.snapshot), Callback(FRAMES, work.frame))
    on_phase(Phase.TRAINING, min(resumed[seed].step if seed in resumed else 0 for seed in cell.seeds))
    results = trainer.run(on_progress, callbacks, timer)
    if keeping is not None and sum(result.seconds for result in results) > keeping.every:
        for one in trainer.seed_states():  # so that a kill while judging costs no training
            _save(keeping.checkpoints, cell, one)
    on_phase(Phase.EVALUATING, cell.spec.train.steps)
    for result in results:
        folder = staging(cell.run(result.seed).id)
        on_record(work.finish(result, trainer, folder), folder)


class _Work:
    """One cell's plugins and its evaluation protocol."""

    def __init__(self, registry: Registry, suite: str, cell: Cell, device: torch.device, on_phase: OnPhase) -> None:
        spec = cell.spec
        self.on_phase = on_phase
        self.registry, self.suite, self.cell, self.device = registry, suite, cell, device
        self.dataset = registry.create("dataset", spec.dataset)
        self.architecture = registry.create("architecture", spec.architecture)
        self.loss = registry.create("loss", spec.loss)
        self.evaluator = build_evaluator(registry, self.dataset, spec.evaluation, device)

    def _samples(self, result: TrainedSeed, first: int | None = None) -> torch.Tensor:
        """A seed's samples as it stands, or the first of them."""
        ema, count = bool(self.cell.spec.train.ema), self.cell.spec.evaluation.samples
        return generate(self.architecture, tuple(self.dataset.shape), result, count, ema, self.device, first)

    def frame(self, step: int, results: list[TrainedSeed]) -> None:
        """A few samples on the way, for the film; the end's are of those that are judged."""
        count = needed(tuple(self.dataset.shape))
        if not count or step >= self.cell.spec.train.steps:
            return
        for result in results:
            if result.failure is None and step not in result.frames:
                try:
                    self._keep(result, step, self._samples(result, count))
                except Exception as error:  # a stranger's G may raise anything when it is evaluated; training goes on
                    what = f"no frame of {self.cell.title}, seed {result.seed}, step {step}"
                    print(f"{what}: {describe_error(error)}", file=sys.stderr, flush=True)

    def _keep(self, result: TrainedSeed, step: int, samples: torch.Tensor) -> None:
        made = frame(samples, self.dataset)
        result.frames |= {} if made is None else {step: made}

    def _scores(self, samples: torch.Tensor, checkpoint: str) -> Scores:
        source = Source("ema" if self.cell.spec.train.ema else "raw", checkpoint)
        return self.evaluator.scores(samples, source)

    def snapshot(self, step: int, results: list[TrainedSeed]) -> None:
        """Scores during training; a seed that has diverged gets none, and the end is scored once, at the end."""
        due = [result for result in results if result.failure is None and not _has(result, step)]
        if not due or step >= self.cell.spec.train.steps:
            return
        self.on_phase(Phase.EVALUATING, step)
        for result in due:
            try:
                entry = _entry(result, step, metrics=self._scores(self._samples(result), f"step {step}").values)
            except Exception as error:  # an extractor or metric may raise anything; training goes on
                entry = _entry(result, step, reason=describe_error(error))
            result.snapshots.append(entry)
        self.on_phase(Phase.TRAINING, step)

    def finish(self, result: TrainedSeed, trainer: Trainer, folder: Path) -> Record:
        """Score one trained seed and write its files; the weights first, so that they are never lost."""
        spec = self.cell.run(result.seed)
        write_weights(folder, result, trainer.game.generator, trainer.game.discriminator)
        write_history(folder, result.steps, result.history)
        evaluation, strip, near = Evaluation(), None, None
        try:
            samples = self._samples(result) if result.failure is None else None
            if samples is not None:
                self._keep(result, spec.train.steps, samples)
            strip = write_film(folder, result, self.dataset)
            if samples is not None:
                evaluation = self._ended(result, samples).evaluation
                near = write_pictures(folder, samples, self.evaluator)
        except NotFinite as error:
            result.failure = Failure("diverged", f"{error} after the last step")
        except Exception as error:  # an extractor or metric may raise anything; the other seeds are scored all the same
            failed, text = failure(error)
            write_atomically(folder / "traceback.txt", text.encode())
            failed = replace(failed, message=f"training finished, evaluation failed: {failed.message}")
            return replace(failed_record(self.suite, spec, failed), film=strip, neighbors=near)
        run = replace(
            provenance.machine(), **trainer.provenance(), device=device_name(self.device),
            threads=torch.get_num_threads(), plugins=provenance.plugins(self.registry, spec.choices()),
        )  # fmt: skip
        record = run_record(self.suite, spec, result, evaluation, peak_memory(self.device), run)
        return replace(record, film=strip, neighbors=near)

    def _ended(self, result: TrainedSeed, samples: torch.Tensor) -> Scores:
        """The scores at the end, which are the last snapshot's too. Raises what extractor and metrics raise."""
        steps = self.cell.spec.train.steps
        last = bool(self.cell.spec.evaluation.snapshots) and not _has(result, steps)
        try:
            scores = self._scores(samples, "last")
        except Exception as error:
            if last:
                result.snapshots.append(_entry(result, steps, reason=describe_error(error)))
            raise
        if last:
            result.snapshots.append(_entry(result, steps, metrics=scores.values))
        return scores


def _has(result: TrainedSeed, step: int) -> bool:
    return any(entry.step == step for entry in result.snapshots)


def _entry(result: TrainedSeed, step: int, metrics: Mapping[str, float] = {}, reason: str = "") -> Snapshot:
    return Snapshot(step, round(result.seconds, 3), dict(metrics), reason)


@dataclass(frozen=True)
class Keeping:
    """Where checkpoints go, how often, and how a worker learns that it must stop."""

    checkpoints: Checkpoints
    every: float
    asked: Callable[[], bool]


def _save(checkpoints: Checkpoints, cell: Cell, seed_state: SeedState) -> None:
    """One seed's state; what cannot be written is said and costs nothing else."""
    seed = seed_state.result.seed
    try:
        checkpoints.save(cell.run(seed).id, seed_state.step, *packed(seed_state))
    except OSError as error:
        print(f"no checkpoint of {cell.title}, seed {seed}: {error.strerror or error}", file=sys.stderr, flush=True)


def _resumed(checkpoints: Checkpoints, cell: Cell) -> dict[int, SeedState]:
    """The seeds of a cell that have a checkpoint, as the trainer takes them."""
    saved = {seed: checkpoints.load(cell.run(seed).id) for seed in cell.seeds}
    return {seed: unpacked(seed, *found) for seed, found in saved.items() if found is not None}
