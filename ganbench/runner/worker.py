"""What a worker process does with one job: train and evaluate a cell, or evaluate a reference."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ganbench.engine import pulse
from ganbench.engine.ahead import compile_ahead
from ganbench.engine.checkpoints import Checkpoints, CheckpointTimer, packed, unpacked
from ganbench.engine.device_errors import Trouble
from ganbench.engine.objective import objective_of
from ganbench.engine.state import Callback, Progress, SeedState
from ganbench.engine.trainer import Trainer
from ganbench.evaluation.film import FRAMES
from ganbench.evaluation.splits import Splits
from ganbench.registry.registry import Registry
from ganbench.registry.training_contracts import is_conditional
from ganbench.results.records import AnyRecord, Record
from ganbench.runner.cell_work import CellWork
from ganbench.runner.events import Phase
from ganbench.runner.jobs import EvaluationJob, ReferenceJob
from ganbench.runner.reference_work import reference_record
from ganbench.runner.run_record import reset_peak
from ganbench.suite.specs import Cell


@dataclass(frozen=True)
class Outputs:
    """Where a job's results and progress go.

    `stage` gives the folder for the files of a run or reference by its id; `on_record` is called
    with a finished record and that folder, `on_scores` with a record that is in the results already and was evaluated,
    `on_phase` with a phase and the training step.
    """

    stage: Callable[[str], Path]
    on_record: Callable[[AnyRecord, Path], None]
    on_scores: Callable[[Record], None] = lambda record: None
    on_progress: Callable[[Progress], None] = lambda progress: None
    on_phase: Callable[[Phase, int], None] = lambda phase, step: None


@dataclass(frozen=True)
class CheckpointSettings:
    """Where checkpoints go, the seconds between two, and whether the worker was asked to stop."""

    checkpoints: Checkpoints
    interval_s: float
    stop_requested: Callable[[], bool]


def evaluate_reference(
    registry: Registry, job: ReferenceJob, device: torch.device, outputs: Outputs, retried: Collection[Trouble] = ()
) -> None:
    """Evaluate the samples of one reference and pass on its record."""
    folder = outputs.stage(job.spec.id)
    outputs.on_record(reference_record(registry, job, device, folder, retried), folder)


def evaluate_again(
    registry: Registry, job: EvaluationJob, device: torch.device, outputs: Outputs, retried: Collection[Trouble] = ()
) -> None:
    """Evaluate trained seeds from their weights and pass on a record for each."""
    outputs.on_phase(Phase.EVALUATING, job.cell.spec.train.steps)
    work = CellWork(registry, job.cell, device, outputs.on_phase, retried=retried)
    for record in job.records:
        outputs.on_scores(work.score_again(record, job.runs / record.id))


def train_cell(
    registry: Registry,
    suite: str,
    cell: Cell,
    device: torch.device,
    outputs: Outputs,
    checkpointing: CheckpointSettings | None = None,
    retried: Collection[Trouble] = (),
) -> None:
    """Train all seeds of a cell, evaluate each, and pass on one record per seed.

    An exception that a plugin raises during training passes through, because the whole cell has
    failed; one raised during evaluation fails that seed alone, unless the device has failed, or the machine had trouble
    after which the job is `retried`. Raises `Stopped` if asked to stop.
    """
    reset_peak(device)
    outputs.on_phase(Phase.LOADING, 0)
    work = CellWork(registry, cell, device, outputs.on_phase, partial(_kept_in, outputs, checkpointing), retried)
    objective = objective_of(registry, cell.spec)
    resumed = {} if checkpointing is None else _resumed(checkpointing.checkpoints, cell)
    data = work.scoring.splits.training
    outputs.on_phase(Phase.COMPILING, 0)
    classes = work.dataset.classes if is_conditional(work.architecture) else None  # type: ignore[attr-defined]
    trainer = Trainer(objective, work.architecture, data, cell.spec.train, cell.seeds, device, resumed, classes)
    timer = None
    if checkpointing is not None:
        save = partial(_save, checkpointing.checkpoints, cell)
        timer = CheckpointTimer(checkpointing.interval_s, checkpointing.stop_requested, save)
    callbacks = (Callback(cell.spec.evaluation.snapshots, work.snapshot), Callback(FRAMES, work.frame))
    outputs.on_phase(Phase.TRAINING, min(resumed[seed].step if seed in resumed else 0 for seed in cell.seeds))
    results = trainer.run(outputs.on_progress, callbacks, timer)
    if checkpointing is not None and sum(result.seconds for result in results) > checkpointing.interval_s:
        for one in trainer.seed_states():  # so that a kill during evaluation costs no training
            _save(checkpointing.checkpoints, cell, one)
    outputs.on_phase(Phase.EVALUATING, cell.spec.train.steps)
    for result in results:
        folder = outputs.stage(cell.run(result.seed).id)
        outputs.on_record(work.finish(suite, result, trainer, folder), folder)


def compile_cell(registry: Registry, cell: Cell, device: torch.device) -> None:
    """Compile the programs with which `train_cell` will train a cell, and store them. Raises as training does."""
    spec = cell.spec
    dataset = registry.create("dataset", spec.dataset)
    architecture = registry.create("architecture", spec.architecture)
    data = Splits(dataset, registry.subset(spec.dataset)).training
    classes = dataset.classes if is_conditional(architecture) else None  # type: ignore[attr-defined]
    compile_ahead(objective_of(registry, spec), architecture, data, spec.train, cell.seeds[0], device, classes)


def _kept_in(outputs: Outputs, checkpointing: CheckpointSettings | None, run_id: str) -> Path:
    """The folder for the weights of a run's snapshots: beside its checkpoints, so that an interrupt leaves them."""
    return outputs.stage(run_id) if checkpointing is None else checkpointing.checkpoints.root / run_id / "snapshots"


def _save(checkpoints: Checkpoints, cell: Cell, seed_state: SeedState) -> None:
    """Save one seed's state. If it cannot be written, this is reported on stderr and training goes on."""
    seed = seed_state.result.seed
    pulse.beat()
    try:
        checkpoints.save(cell.run(seed).id, seed_state.step, *packed(seed_state))
    except OSError as error:
        print(f"no checkpoint of {cell.title}, seed {seed}: {error.strerror or error}", file=sys.stderr, flush=True)


def _resumed(checkpoints: Checkpoints, cell: Cell) -> dict[int, SeedState]:
    """The states of the seeds that have a checkpoint, for the trainer."""
    saved = {seed: checkpoints.load(cell.run(seed).id) for seed in cell.seeds}
    return {seed: unpacked(seed, *found) for seed, found in saved.items() if found is not None}
