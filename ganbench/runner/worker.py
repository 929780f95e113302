"""What a worker process does with one job: train and evaluate a cell, or evaluate a reference."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from ganbench.engine.checkpoints import Checkpoints, CheckpointTimer, packed, unpacked
from ganbench.engine.state import Callback, Progress, SeedState, TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.errors import UsageError, describe_error
from ganbench.evaluation.evaluator import Evaluator, NotFinite, Scores, Source, TooFewSamples
from ganbench.evaluation.film import FRAMES, frame, needed
from ganbench.evaluation.generate import generate
from ganbench.evaluation.latent_sets import score_noise
from ganbench.evaluation.references import reference_samples
from ganbench.evaluation.weights import trained_generator
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import Dataset
from ganbench.registry.fingerprints import fingerprint
from ganbench.registry.registry import Registry
from ganbench.results import provenance
from ganbench.results.records import (
    AnyRecord,
    Evaluation,
    Failure,
    Provenance,
    Record,
    ReferenceRecord,
    Snapshot,
)
from ganbench.results.run_files import write_history
from ganbench.runner.events import Phase
from ganbench.runner.jobs import EvaluationJob
from ganbench.runner.run_record import (
    device_name,
    failure,
    now,
    peak_memory,
    reset_peak,
    run_record,
    write_film,
    write_pictures,
    write_traceback,
    write_weights,
)
from ganbench.suite.specs import EVALUATION_PROTOCOL, Cell, EvaluationSpec, ReferenceSpec


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


def check_content(choice: Choice, dataset: Dataset) -> None:
    """Raise `UsageError` if a dataset's content is not what the runs' ids were made from."""
    if choice.content and fingerprint(dataset, repr(choice.name)) != choice.content:
        raise UsageError(f"the data of {choice.name!r} changed while the suite ran; run it again")


def build_evaluator(
    registry: Registry, dataset: Dataset, evaluation: EvaluationSpec, device: torch.device
) -> Evaluator:
    """The evaluator that a spec describes."""
    metrics = {choice.name: registry.create("metric", choice) for choice in evaluation.metrics}
    extractor = registry.create("extractor", evaluation.extractor)
    return Evaluator(dataset, evaluation, extractor, metrics, device)


def evaluate_reference(registry: Registry, spec: ReferenceSpec, device: torch.device, outputs: Outputs) -> None:
    """Evaluate the samples of one reference and pass on its record."""
    dataset = registry.create("dataset", spec.dataset)
    check_content(spec.dataset, dataset)
    evaluation = spec.evaluation
    samples = reference_samples(spec.reference, dataset, evaluation.split, evaluation.samples)
    source = Source(f"reference: {spec.reference}", None)
    evaluator = build_evaluator(registry, dataset, evaluation, device)
    scores = evaluator.scores(samples, source)
    scores.require_some((TooFewSamples,))
    # compared with the test split, the real samples are the training split itself, which no verdict suits
    trained_on = spec.reference == "real" and evaluation.split == "test"
    folder = outputs.stage(spec.id)
    write_traceback(folder, _raised(scores))
    near = write_pictures(folder, samples, evaluator)
    record = ReferenceRecord(
        id=spec.id,
        spec=spec,
        evaluation=replace(scores.evaluation, verdict=None) if trained_on else scores.evaluation,
        samples=len(samples),
        notes=("these are the training split",) if trained_on else (),
        provenance=replace(
            provenance.machine(), protocol=EVALUATION_PROTOCOL, device=str(device),
            plugins=provenance.plugins(registry, spec.choices()),
        ),
        neighbors=near,
    )  # fmt: skip
    outputs.on_record(record, folder)


def evaluate_again(registry: Registry, job: EvaluationJob, device: torch.device, outputs: Outputs) -> None:
    """Evaluate trained seeds from their weights and pass on a record for each."""
    outputs.on_phase(Phase.EVALUATING, job.cell.spec.train.steps)
    work = _CellWork(registry, job.cell, device, outputs)
    for record in job.records:
        outputs.on_scores(work.score_again(record, job.runs / record.id))


def train_cell(
    registry: Registry,
    suite: str,
    cell: Cell,
    device: torch.device,
    outputs: Outputs,
    checkpointing: CheckpointSettings | None = None,
) -> None:
    """Train all seeds of a cell, evaluate each, and pass on one record per seed.

    An exception that a plugin raises during training passes through, because the whole cell has
    failed; one raised during evaluation fails that seed alone. Raises `Stopped` if asked to stop.
    """
    reset_peak(device)
    outputs.on_phase(Phase.LOADING, 0)
    work = _CellWork(registry, cell, device, outputs)
    loss = registry.create("loss", cell.spec.loss)
    resumed = {} if checkpointing is None else _resumed(checkpointing.checkpoints, cell)
    data = work.dataset.load("train").samples
    rounded = cell.spec.train.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = rounded
    outputs.on_phase(Phase.COMPILING, 0)
    trainer = Trainer(loss, work.architecture, data, cell.spec.train, cell.seeds, device, resumed)
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


class _CellWork:
    """One cell's dataset, architecture and evaluator."""

    def __init__(self, registry: Registry, cell: Cell, device: torch.device, outputs: Outputs) -> None:
        spec = cell.spec
        self.registry, self.cell, self.device, self.outputs = registry, cell, device, outputs
        self.dataset = registry.create("dataset", spec.dataset)
        check_content(spec.dataset, self.dataset)
        self.architecture = registry.create("architecture", spec.architecture)
        self.evaluator = build_evaluator(registry, self.dataset, spec.evaluation, device)

    def _samples(self, result: TrainedSeed, first: int | None = None, set_: int = 0) -> torch.Tensor:
        """Samples (n, *shape) of a seed in its current state, or the first of them; from another set of latents."""
        ema, count = bool(self.cell.spec.train.ema), self.cell.spec.evaluation.samples
        return generate(self.architecture, tuple(self.dataset.shape), result, count, ema, self.device, first, set_)

    def frame(self, step: int, results: list[TrainedSeed]) -> None:
        """A few samples during training, for the film; at the end they are taken from those that are evaluated."""
        count = needed(tuple(self.dataset.shape))
        if not count or step >= self.cell.spec.train.steps:
            return
        for result in results:
            if result.failure is None and step not in result.frames:
                try:
                    self._add_frame(result, step, self._samples(result, count))
                except Exception as error:  # a third-party G may raise anything in evaluation mode; training goes on
                    what = f"no frame of {self.cell.title}, seed {result.seed}, step {step}"
                    print(f"{what}: {describe_error(error)}", file=sys.stderr, flush=True)

    def _add_frame(self, result: TrainedSeed, step: int, samples: torch.Tensor) -> None:
        made = frame(samples, self.dataset)
        result.frames |= {} if made is None else {step: made}

    def _scores(self, samples: torch.Tensor, checkpoint: str, with_verdict: bool = True) -> Scores:
        source = Source("ema" if self.cell.spec.train.ema else "raw", checkpoint)
        return self.evaluator.scores(samples, source, with_verdict)

    def snapshot(self, step: int, results: list[TrainedSeed]) -> None:
        """Scores during training; a seed that has diverged gets none, and the end is scored once, at the end."""
        due = [result for result in results if result.failure is None and not _has(result, step)]
        if not due or step >= self.cell.spec.train.steps:
            return
        self.outputs.on_phase(Phase.EVALUATING, step)
        for result in due:
            try:
                scores = self._scores(self._samples(result), f"step {step}", with_verdict=False)
                entry = _entry(result, step, scores.values, "; ".join(scores.missing.values()))
            except Exception as error:  # an extractor or metric may raise anything; training goes on
                entry = _entry(result, step, reason=describe_error(error))
            result.snapshots.append(entry)
        self.outputs.on_phase(Phase.TRAINING, step)

    def finish(self, suite: str, result: TrainedSeed, trainer: Trainer, folder: Path) -> Record:
        """Score one trained seed and write its files; the weights first, so that they are never lost."""
        spec = self.cell.run(result.seed)
        write_weights(folder, result, trainer.game)
        write_history(folder, result.steps, result.history)
        evaluation, strip, near = Evaluation(), None, None
        try:
            samples = self._samples(result) if result.failure is None else None
            if samples is not None:
                self._add_frame(result, spec.train.steps, samples)
            strip = write_film(folder, result, self.dataset)
            if samples is not None:
                evaluation, raised = self._evaluated(result, samples)
                write_traceback(folder, raised)
                near = write_pictures(folder, samples, self.evaluator)
        except NotFinite as error:
            result.failure = Failure("diverged", f"{error} after the last step")
        except Exception as error:  # an extractor or metric may raise anything; the other seeds are scored all the same
            evaluation, text = _not_evaluated(error)
            write_traceback(folder, text)
        run = replace(
            trainer.with_path(provenance.machine()), device=device_name(self.device),
            threads=torch.get_num_threads(), plugins=provenance.plugins(self.registry, spec.trained_by()),
        )  # fmt: skip
        peak = peak_memory(self.device)
        record = run_record(suite, spec, result, evaluation, peak, run, self._scored_by(spec.evaluation))
        return replace(record, film=strip, neighbors=near)

    def score_again(self, record: Record, folder: Path) -> Record:
        """The record of a trained seed with the scores of its weights in `folder`; scores during training are kept."""
        spec = self.cell.run(record.spec.seed)
        try:
            result = trained_generator(record, folder, self.architecture, tuple(self.dataset.shape))
            result.snapshots += record.evaluation.snapshots
            evaluation, text = self._evaluated(result, self._samples(result))
        except Exception as error:  # an extractor or metric may raise anything; the other seeds are scored all the same
            evaluation, text = _not_evaluated(error)
        print(text, end="", file=sys.stderr, flush=True)
        return replace(
            record,
            spec=spec,
            failure=evaluation.failure,
            evaluation=replace(evaluation, snapshots=record.evaluation.snapshots),
            evaluation_id=spec.evaluation.id,
            scored_by=self._scored_by(spec.evaluation),
        )

    def _evaluated(self, result: TrainedSeed, samples: torch.Tensor) -> tuple[Evaluation, str]:
        """What is measured on a trained seed's samples, and the tracebacks of metrics that gave no score."""
        scores = self._final_scores(result, samples)
        return replace(scores.evaluation, noise=self._noise(result, scores)), _raised(scores)

    def _noise(self, result: TrainedSeed, scores: Scores) -> Mapping[str, float]:
        """The evaluation noise of a seed's scores, if the cell measures it for this seed."""
        if result.seed != self.cell.noise_seed:
            return {}

        def scores_of(number: int) -> Mapping[str, float]:
            return self._scores(self._samples(result, set_=number), "last", with_verdict=False).values

        try:
            return score_noise(scores.values, scores_of, self.cell.spec.evaluation.noise_sets)
        except Exception as error:  # an extractor may raise anything; the scores stand
            what = f"no evaluation noise of {self.cell.title}, seed {result.seed}"
            print(f"{what}: {describe_error(error)}", file=sys.stderr, flush=True)
            return {}

    def _scored_by(self, evaluation: EvaluationSpec) -> Provenance:
        """The software and the machine that made the scores."""
        return replace(
            provenance.machine(), protocol=EVALUATION_PROTOCOL, device=device_name(self.device),
            threads=torch.get_num_threads(), plugins=provenance.plugins(self.registry, evaluation.choices()),
            time=now(),
        )  # fmt: skip

    def _final_scores(self, result: TrainedSeed, samples: torch.Tensor) -> Scores:
        """The scores at the end, which are the last snapshot's too. Raises what extractor and metrics raise."""
        steps = self.cell.spec.train.steps
        last = bool(self.cell.spec.evaluation.snapshots) and not _has(result, steps)
        try:
            scores = self._scores(samples, "last")
            scores.require_some()
        except Exception as error:
            if last:
                result.snapshots.append(_entry(result, steps, reason=describe_error(error)))
            raise
        if last:
            result.snapshots.append(_entry(result, steps, scores.values, "; ".join(scores.missing.values())))
        return scores


def _raised(scores: Scores) -> str:
    """The tracebacks of the metrics that gave no score; empty if all did, or only lacked samples."""
    failed = [error for error in scores.failures.values() if not isinstance(error, TooFewSamples)]
    return "\n".join(failure(error)[1] for error in failed)


def _not_evaluated(error: Exception) -> tuple[Evaluation, str]:
    """An evaluation that failed, and the traceback."""
    failed, text = failure(error)
    message = f"training finished, evaluation failed: {failed.message}"
    return Evaluation(failure=replace(failed, message=message)), text


def _has(result: TrainedSeed, step: int) -> bool:
    """Whether there is a snapshot of a step already, from before a resume."""
    return any(entry.step == step for entry in result.snapshots)


def _entry(result: TrainedSeed, step: int, metrics: Mapping[str, float] = {}, reason: str = "") -> Snapshot:
    return Snapshot(step, round(result.seconds, 3), dict(metrics), reason)


def _save(checkpoints: Checkpoints, cell: Cell, seed_state: SeedState) -> None:
    """Save one seed's state. If it cannot be written, this is reported on stderr and training goes on."""
    seed = seed_state.result.seed
    try:
        checkpoints.save(cell.run(seed).id, seed_state.step, *packed(seed_state))
    except OSError as error:
        print(f"no checkpoint of {cell.title}, seed {seed}: {error.strerror or error}", file=sys.stderr, flush=True)


def _resumed(checkpoints: Checkpoints, cell: Cell) -> dict[int, SeedState]:
    """The states of the seeds that have a checkpoint, for the trainer."""
    saved = {seed: checkpoints.load(cell.run(seed).id) for seed in cell.seeds}
    return {seed: unpacked(seed, *found) for seed, found in saved.items() if found is not None}
