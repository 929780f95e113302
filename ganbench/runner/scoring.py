"""Samples and scores of the seeds of one cell."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property

import torch

from ganbench.engine.device_errors import Trouble, trouble
from ganbench.engine.networks import Network
from ganbench.engine.state import TrainedSeed
from ganbench.errors import GanbenchError, UsageError
from ganbench.evaluation.evaluator import Evaluator, Scores, Source
from ganbench.evaluation.generate import Generated, Sampling, generate
from ganbench.evaluation.latent_sets import SELECTION
from ganbench.evaluation.splits import Splits
from ganbench.evaluation.weights import generator_network
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import Dataset
from ganbench.registry.fingerprints import fingerprint
from ganbench.registry.registry import Registry
from ganbench.results.records import Snapshot
from ganbench.runner.kept_weights import due_steps
from ganbench.suite.specs import Cell, EvaluationSpec


def check_content(choice: Choice, dataset: Dataset) -> None:
    """Raise `UsageError` if a dataset's content is not what the runs' ids were made from."""
    if choice.content and fingerprint(dataset, repr(choice.name)) != choice.content:
        raise UsageError(f"the data of {choice.name!r} changed while the suite ran; run it again")


def build_evaluator(
    registry: Registry, dataset: Dataset, evaluation: EvaluationSpec, device: torch.device, splits: Splits | None = None
) -> Evaluator:
    """The evaluator that a spec describes, of the `splits` that a job holds or of its own."""
    metrics = {choice.name: registry.create("metric", choice) for choice in evaluation.metrics}
    extractor = registry.create("extractor", evaluation.extractor)
    return Evaluator(dataset, evaluation, extractor, metrics, device, splits)


def pass_on(errors: Iterable[BaseException], retried: Collection[Trouble]) -> None:
    """Raise the first error that is no fault of a metric or an extractor, but of the device or the machine.

    A device that has failed can compute no other score. Too little memory, or a file or a connection that failed, ends
    a job that is `retried` after this trouble; the last try does without what it cost.
    """
    for error in errors:
        found = trouble(error)
        if found in ("lost", "broken") or (found and found in retried):
            raise error


class NoSnapshot(GanbenchError):
    """No snapshot has the score by which the best one is chosen."""


class Scoring:
    """The dataset, the architecture and the evaluator of a cell, and what they make of a trained seed.

    Errors of a device pass through, other trouble if the job is `retried` after it.
    """

    def __init__(self, registry: Registry, cell: Cell, device: torch.device, retried: Collection[Trouble] = ()) -> None:
        spec = cell.spec
        self.cell, self.device, self.retried = cell, device, retried
        self.dataset = registry.create("dataset", spec.dataset)
        check_content(spec.dataset, self.dataset)
        self.splits = Splits(self.dataset, registry.subset(spec.dataset))
        self.architecture = registry.create("architecture", spec.architecture)
        self.evaluator = build_evaluator(registry, self.dataset, spec.evaluation, device, self.splits)
        self.shape = tuple(self.dataset.shape)

    @cached_property
    def class_counts(self) -> tuple[int, ...]:
        """The training samples in each class, if the dataset has classes."""
        classes: int = getattr(self.dataset, "classes", None) or 0
        labels = self.splits.training.labels if classes else None
        return () if labels is None else tuple(torch.bincount(labels, minlength=classes).tolist())

    def network(self, seed: int) -> Network:
        """The generator as a function of its parameters."""
        return generator_network(self.architecture, self.shape, len(self.class_counts), seed)

    def samples(self, result: TrainedSeed, set_: int = 0, first: int | None = None) -> Generated:
        """Samples of a seed in its current state, or the first of them; from another set of latents."""
        train, evaluation = self.cell.spec.train, self.cell.spec.evaluation
        sampling = Sampling(
            evaluation.samples, set_, train.averaged, evaluation.truncation,
            train.batch if evaluation.standing_statistics else 0, self.class_counts,
        )  # fmt: skip
        return generate(self.architecture, self.shape, result, sampling, self.device, first)

    def scores(self, made: Generated, checkpoint: str, with_verdict: bool = True) -> Scores:
        """The scores of samples. Raises what extractor and metrics raise."""
        evaluation = self.cell.spec.evaluation
        generator = "ema" if self.cell.spec.train.averaged else "raw"
        source = Source(generator, checkpoint, evaluation.truncation, evaluation.standing_statistics)
        scores = self.evaluator.scores(made.samples, source, with_verdict, made.labels)
        self.pass_on(*scores.failures.values())
        return scores

    def pass_on(self, *errors: BaseException) -> None:
        """Raise the first error that is the device's or the machine's and not a plugin's."""
        pass_on(errors, self.retried)

    def snapshot(self, result: TrainedSeed, step: int) -> Snapshot:
        """The scores of a seed in its current state, on other samples than those reported if the best is chosen."""
        set_ = 0 if self.cell.spec.evaluation.best is None else SELECTION
        scores = self.scores(self.samples(result, set_), f"step {step}", with_verdict=False)
        return entry(result, step, scores)

    @property
    def checkpoint(self) -> str:
        """Which generator is evaluated, as the card says it."""
        best = self.cell.spec.evaluation.best
        return "last" if best is None else f"best of {len(due_steps(self.cell.spec)) + 1} by {best}"

    def best_step(self, snapshots: Iterable[Snapshot]) -> int:
        """The step of the best snapshot, the first of equal ones. Raises `NoSnapshot`."""
        score = self.cell.spec.evaluation.best
        metric = next(one for one in self.evaluator.metrics.values() if score in one.better)
        assert score is not None
        label = str(self.evaluator.label(metric, score))
        sign = 1 if metric.better[score] == "lower" else -1
        known = list(snapshots)
        values = {one.step: sign * one.metrics[label] for one in known if label in one.metrics}
        if not values:
            reasons = "; ".join(dict.fromkeys(one.reason for one in known if one.reason))
            raise NoSnapshot(f"no snapshot has the score {label} by which the best is chosen: {reasons or 'none'}")
        return min(values, key=lambda step: (values[step], step))


def entry(result: TrainedSeed, step: int, scores: Scores) -> Snapshot:
    """A snapshot with its scores, and why some are missing."""
    return Snapshot(step, round(result.seconds, 3), dict(scores.values), "; ".join(scores.missing.values()))
