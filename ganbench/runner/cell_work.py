"""The work on one cell around its training: frames and scores during it, scores and files at its end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ganbench.engine.device_errors import Trouble
from ganbench.engine.state import TrainedSeed
from ganbench.errors import PLUGIN_ERRORS, describe_error
from ganbench.evaluation.evaluator import Scores, TooFewSamples
from ganbench.evaluation.extraction import NotFinite
from ganbench.evaluation.film import frame, needed
from ganbench.evaluation.generate import Generated
from ganbench.evaluation.images import picture_classes
from ganbench.evaluation.latent_sets import score_noise
from ganbench.evaluation.weights import kept_generator, trained_generator
from ganbench.registry.registry import Registry
from ganbench.results import provenance
from ganbench.results.records import Evaluation, Failure, Provenance, Record, Snapshot
from ganbench.results.run_files import write_history
from ganbench.runner import kept_weights
from ganbench.runner.events import Phase
from ganbench.runner.run_record import (
    device_name,
    failure,
    now,
    peak_memory,
    run_record,
    write_film,
    write_pictures,
    write_traceback,
    write_weights,
)
from ganbench.runner.scoring import Scoring, entry
from ganbench.suite.specs import EVALUATION_PROTOCOL, Cell, EvaluationSpec

if TYPE_CHECKING:
    from ganbench.engine.trainer import Trainer

Earlier = Callable[[int], TrainedSeed]
"""Gives a seed's generator at a step by the weights that were kept there."""


class CellWork:
    """Scores the seeds of one cell. `keeping` gives the folder for a run's files that outlast an interrupt.

    Trouble of the machine ends a job that is `retried` after it; otherwise it costs the scores that it prevented.
    """

    def __init__(
        self, registry: Registry, cell: Cell, device: torch.device, on_phase: Callable[[Phase, int], None],
        keeping: Callable[[str], Path] = Path, retried: Collection[Trouble] = (),
    ) -> None:  # fmt: skip
        self.registry, self.cell, self.device, self.on_phase, self.keeping = registry, cell, device, on_phase, keeping
        self.scoring = Scoring(registry, cell, device, retried)
        self.dataset, self.architecture = self.scoring.dataset, self.scoring.architecture

    def frame(self, step: int, results: list[TrainedSeed]) -> None:
        """A few samples during training, for the film; at the end they are taken from those that are evaluated."""
        count = needed(tuple(self.dataset.shape))
        if not count or step >= self.cell.spec.train.steps:
            return
        for result in results:
            if result.failure is None and step not in result.frames:
                try:
                    self._add_frame(result, step, self.scoring.samples(result, first=count).samples)
                except PLUGIN_ERRORS as error:  # of G in evaluation mode; training goes on
                    self.scoring.pass_on(error)
                    what = f"no frame of {self.cell.title}, seed {result.seed}, step {step}"
                    print(f"{what}: {describe_error(error)}", file=sys.stderr, flush=True)

    def _add_frame(self, result: TrainedSeed, step: int, samples: torch.Tensor) -> None:
        made = frame(samples, self.dataset)
        result.frames |= {} if made is None else {step: made}

    def snapshot(self, step: int, results: list[TrainedSeed]) -> None:
        """Scores during training; a seed that has diverged gets none, and the end is scored once, at the end."""
        due = [result for result in results if result.failure is None and not _has(result, step)]
        if not due or step >= self.cell.spec.train.steps:
            return
        self.on_phase(Phase.EVALUATING, step)
        for result in due:
            try:
                self._keep(result, step)
                found = self.scoring.snapshot(result, step)
            except PLUGIN_ERRORS as error:  # an extractor or metric may raise anything; training goes on
                self.scoring.pass_on(error)
                found = _without_scores(result, step, error)
            result.snapshots.append(found)
        self.on_phase(Phase.TRAINING, step)

    def _keep(self, result: TrainedSeed, step: int) -> None:
        """Keep the generator of this step, if the best one is evaluated."""
        if self.cell.spec.evaluation.best is not None:
            folder = self.keeping(self.cell.run(result.seed).id)
            network = self.scoring.network(result.seed)
            kept_weights.keep(folder, step, result, network, self.cell.spec.train.averaged)

    def finish(self, suite: str, result: TrainedSeed, trainer: Trainer, folder: Path) -> Record:
        """Score one trained seed and write its files; the weights first, so that they are never lost."""
        spec = self.cell.run(result.seed)
        write_weights(folder, result, trainer.game)
        write_history(folder, result.steps, result.history)
        evaluation, strip, near = Evaluation(), None, None
        rows: tuple[int, ...] = ()
        try:
            made = self.scoring.samples(result) if result.failure is None else None
            if made is not None:
                self._add_frame(result, spec.train.steps, made.samples)
            strip = write_film(folder, result, self.dataset)
            if made is not None:
                evaluation, raised, made = self._evaluated(result, made, self._kept_before(result, folder))
                write_traceback(folder, raised)
                near = write_pictures(folder, made.samples, self.scoring.evaluator, made.labels)
                rows = picture_classes(made.labels, self.dataset)
        except NotFinite as error:
            result.failure = Failure("diverged", f"{error} after the last step")
        except PLUGIN_ERRORS as error:  # of an extractor or a metric; the other seeds are scored all the same
            self.scoring.pass_on(error)
            evaluation, text = _not_evaluated(error)
            write_traceback(folder, text)
        run = replace(
            trainer.with_path(provenance.machine()), device=device_name(self.device),
            threads=torch.get_num_threads(), plugins=provenance.plugins(self.registry, spec.trained_by()),
        )  # fmt: skip
        peak = peak_memory(self.device)
        record = run_record(suite, spec, result, evaluation, peak, run, self._scored_by(spec.evaluation))
        counts = self.scoring.class_counts
        return replace(
            record, film=strip, neighbors=near, shape=self.scoring.shape, class_counts=counts, class_rows=rows
        )

    def _kept_before(self, result: TrainedSeed, staged: Path) -> Earlier:
        """The generators that were kept during training; their files become those of the run."""
        if self.cell.spec.evaluation.best is not None:
            spec = self.cell.run(result.seed)
            kept_weights.hand_over(self.keeping(spec.id), staged, kept_weights.due_steps(spec))
        network = self.scoring.network(result.seed)
        return lambda step: kept_weights.staged_generator(result.seed, staged, step, network)

    def score_again(self, record: Record, folder: Path) -> Record:
        """The record of a trained seed with the scores of its weights in `folder`; scores during training are kept.

        Without such scores, they are those of the weights that were kept during training.
        """
        spec = self.cell.run(record.spec.seed)
        snapshots = record.evaluation.snapshots
        try:
            network = self.scoring.network(spec.seed)
            result = trained_generator(record, folder, network)
            result.snapshots += snapshots

            def earlier(step: int) -> TrainedSeed:
                return kept_generator(record, folder, step, network)

            if not snapshots:
                result.snapshots += [
                    self.scoring.snapshot(earlier(step), step) for step in kept_weights.due_steps(spec)
                ]
            evaluation, text, _ = self._evaluated(result, self.scoring.samples(result), earlier)
            snapshots = tuple(result.snapshots)
        except PLUGIN_ERRORS as error:  # of an extractor or a metric; the other seeds are scored all the same
            self.scoring.pass_on(error)
            evaluation, text = _not_evaluated(error)
        print(text, end="", file=sys.stderr, flush=True)
        return replace(
            record,
            spec=spec,
            failure=evaluation.failure,
            evaluation=replace(evaluation, snapshots=snapshots),
            evaluation_id=spec.evaluation.id,
            scored_by=self._scored_by(spec.evaluation),
        )

    def _evaluated(self, result: TrainedSeed, made: Generated, earlier: Earlier) -> tuple[Evaluation, str, Generated]:
        """What is measured on a trained seed, the tracebacks of metrics that gave no score, and the samples.

        `made` are the samples of the end of training, those that are returned are of the generator that is evaluated.
        """
        if self.cell.spec.evaluation.best is None:
            scores, step, chosen = self._final_scores(result, made), None, result
        else:
            step = self._best_step(result)
            if step != self.cell.spec.train.steps:
                chosen = earlier(step)
                made = self.scoring.samples(chosen)
            else:
                chosen = result
            scores = self.scoring.scores(made, self.scoring.checkpoint)
            scores.require_some()
        evaluation = replace(scores.evaluation, noise=self._noise(chosen, scores), step=step)
        return evaluation, raised(scores), made

    def _best_step(self, result: TrainedSeed) -> int:
        """The step of the best snapshot, the end included. Raises `NoSnapshot`, and as a metric does."""
        steps = self.cell.spec.train.steps
        if not _has(result, steps):
            result.snapshots.append(self.scoring.snapshot(result, steps))
        return self.scoring.best_step(result.snapshots)

    def _noise(self, result: TrainedSeed, scores: Scores) -> Mapping[str, float]:
        """The evaluation noise of a seed's scores, if the cell measures it for this seed."""
        if result.seed != self.cell.noise_seed:
            return {}

        def scores_of(number: int) -> Mapping[str, float]:
            made = self.scoring.samples(result, number)
            return self.scoring.scores(made, self.scoring.checkpoint, with_verdict=False).values

        try:
            return score_noise(scores.values, scores_of, self.cell.spec.evaluation.noise_sets)
        except PLUGIN_ERRORS as error:  # an extractor may raise anything; the scores stand
            self.scoring.pass_on(error)
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

    def _final_scores(self, result: TrainedSeed, made: Generated) -> Scores:
        """The scores at the end, which are the last snapshot's too. Raises what extractor and metrics raise."""
        steps = self.cell.spec.train.steps
        last = bool(self.cell.spec.evaluation.snapshots) and not _has(result, steps)
        try:
            scores = self.scoring.scores(made, "last")
            scores.require_some()
        except PLUGIN_ERRORS as error:
            if last:
                result.snapshots.append(_without_scores(result, steps, error))
            raise
        if last:
            result.snapshots.append(entry(result, steps, scores))
        return scores


def raised(scores: Scores) -> str:
    """The tracebacks of the metrics that gave no score; empty if all did, or only lacked samples."""
    failed = [error for error in scores.failures.values() if not isinstance(error, TooFewSamples)]
    return "\n".join(failure(error)[1] for error in failed)


def _not_evaluated(error: BaseException) -> tuple[Evaluation, str]:
    """An evaluation that failed, and the traceback."""
    failed, text = failure(error)
    message = f"training finished, evaluation failed: {failed.message}"
    return Evaluation(failure=replace(failed, message=message)), text


def _has(result: TrainedSeed, step: int) -> bool:
    """Whether there is a snapshot of a step already, from before a resume."""
    return any(one.step == step for one in result.snapshots)


def _without_scores(result: TrainedSeed, step: int, error: BaseException) -> Snapshot:
    return Snapshot(step, round(result.seconds, 3), {}, describe_error(error))
