"""Frozen specs of runs and references, with all defaults resolved, and the ids that they determine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ganbench.files import DIGITS, canonical, digest
from ganbench.registry.choice import Choice, Kind, plugin_key
from ganbench.suite.family import FamilySettings
from ganbench.suite.labels import Combination, Label, picked, sum_text, with_transforms
from ganbench.suite.train_spec import COMPILE_FROM as COMPILE_FROM
from ganbench.suite.train_spec import PlayerSpec as PlayerSpec
from ganbench.suite.train_spec import TrainSpec as TrainSpec
from ganbench.suite.train_spec import resolved_train as resolved_train

PROTOCOL = 3
"""Incremented whenever the same spec would give other weights: draws, signals, schedules."""
EVALUATION_PROTOCOL = 2
"""Incremented whenever the same evaluation of the same weights would give other scores."""

NO_EXTRACTOR = Choice("")


NOISE_FROM = 5
"""From so many seeds on the evaluation noise of a variant is measured: with fewer, no variance is reported."""


@dataclass(frozen=True)
class Best:
    """The best of a run's snapshots by a score, chosen on other samples than those whose scores are reported."""

    best: str


@dataclass(frozen=True)
class EvaluationSpec:
    """How samples are evaluated: numbers of fake and real samples, the real split, extractor and metrics.

    `real_samples` 0 means the whole split. `snapshots` is the number of evaluations during training, evenly spaced.
    `noise_sets` is the number of other sets of latents whose scores show the evaluation noise, for the first seed of a
    variant with at least `NOISE_FROM` seeds; it changes no score, so that it is no part of the identity.

    `checkpoint` is the generator that is evaluated: the `last`, or the best of the snapshots. `truncation` T cuts the
    normal latents off at -T and T (None: nowhere). With `standing_statistics`, the statistics of G's batch
    normalization are computed anew from many batches (Brock et al. 2019).
    """

    samples: int = 10_000
    real_samples: int = 0
    split: str = "train"
    snapshots: int = 0
    noise_sets: int = 4
    checkpoint: str | Best = "last"
    truncation: float | None = None
    standing_statistics: bool = False
    extractor: Choice = NO_EXTRACTOR
    metrics: tuple[Choice, ...] = ()

    def choices(self) -> Iterator[tuple[Kind, Choice]]:
        """The extractor and the metrics, with their kinds."""
        yield "extractor", self.extractor
        for metric in self.metrics:
            yield "metric", metric

    @property
    def of_samples(self) -> EvaluationSpec:
        """The part that concerns samples which no run here has generated."""
        return replace(self, snapshots=0, checkpoint="last", truncation=None, standing_statistics=False)

    @property
    def best(self) -> str | None:
        """The score by which a snapshot is chosen, None if the last generator is evaluated."""
        return self.checkpoint.best if isinstance(self.checkpoint, Best) else None

    @property
    def id(self) -> str:
        """12 hex digits over the evaluation, the code versions of extractor and metrics, and the protocol."""
        return digest({
            "evaluation": resolved_evaluation(self), "code": codes_of(self.choices()), "protocol": EVALUATION_PROTOCOL,
        })  # fmt: skip


@dataclass(frozen=True)
class RunSpec:
    """One training run and how it is evaluated: everything that its result depends on, and nothing else.

    `loss` are the parts whose sum is minimized, the game among them; `transforms` stand between a sample and D, which
    meets the first one first. It has two identities: `id` covers what changes the weights, `evaluation.id` what
    changes the scores.
    """

    loss: tuple[Choice, ...]
    architecture: Choice
    dataset: Choice
    seed: int
    train: TrainSpec
    transforms: tuple[Choice, ...] = ()
    evaluation: EvaluationSpec = EvaluationSpec()

    @property
    def composition(self) -> str:
        """The names of the loss's parts, such as `rpgan + r1 + r2`."""
        return sum_text(part.name for part in self.loss)

    @property
    def variant_name(self) -> str:
        """The names of the loss's parts and of the transforms before D: `hinge with flip`."""
        return with_transforms(self.composition, (one.name for one in self.transforms))

    @property
    def played(self) -> str:
        """The whole loss in one text: its parts and the transforms before D, each with its hyperparameters."""
        return with_transforms(sum_text(part.text for part in self.loss), (one.text for one in self.transforms))

    def choices(self) -> Iterator[tuple[Kind, Choice]]:
        """Every plugin that the run names, with its kind."""
        yield from self.trained_by()
        yield from self.evaluation.choices()

    def trained_by(self) -> Iterator[tuple[Kind, Choice]]:
        """The plugins that change the weights, with their kinds."""
        for part in self.loss:
            yield "loss", part
        for transform in self.transforms:
            yield "transform", transform
        yield "architecture", self.architecture
        yield "dataset", self.dataset

    def resolved(self) -> dict[str, Any]:
        """The training as plain data, all defaults included."""
        return {
            "loss": [part.identity() for part in self.loss],
            "transforms": [transform.identity() for transform in self.transforms],
            "architecture": self.architecture.identity(),
            "dataset": self.dataset.identity(),
            "seed": self.seed,
            "train": resolved_train(self.train),
        }

    def code(self) -> dict[str, str]:
        """The code version of every plugin that changes the weights, by `kind:name`."""
        return codes_of(self.trained_by())

    @property
    def id(self) -> str:
        """12 hex digits over the training, the code versions of its plugins, the data and the protocol."""
        return self.ids((self.seed,))[self.seed]

    def ids(self, seeds: Iterable[int]) -> dict[int, str]:
        """The ids of this training with other seeds. What they share is put in canonical form and hashed once."""
        parts = [(key, f'"{key}":{canonical(value)}') for key, value in sorted(self.resolved().items())]
        before = ",".join(text for key, text in parts if key < "seed")
        after = ",".join(text for key, text in parts if key > "seed")
        start = f'{{"code":{canonical(self.code())},"protocol":{PROTOCOL},"spec":{{{before},"seed":'
        hashed, end = hashlib.sha256(start.encode()), f",{after}}}}}".encode()
        found = {}
        for seed in seeds:
            own = hashed.copy()
            own.update(str(seed).encode() + end)
            found[seed] = own.hexdigest()[:DIGITS]
        return found


def codes_of(choices: Iterable[tuple[Kind, Choice]]) -> dict[str, str]:
    """The code versions of plugins, by `kind:name`."""
    return {plugin_key(kind, choice.name): choice.code for kind, choice in choices}


def resolved_evaluation(evaluation: EvaluationSpec) -> dict[str, object]:
    """The evaluation as plain data; what came later is in it only where it is used, so that earlier ids hold."""
    found: dict[str, object] = {
        "samples": evaluation.samples,
        "real_samples": evaluation.real_samples,
        "split": evaluation.split,
        "snapshots": evaluation.snapshots,
        "extractor": evaluation.extractor.identity(),
        "metrics": [metric.identity() for metric in evaluation.metrics],
    }
    if evaluation.best is not None:
        found["checkpoint"] = {"best": evaluation.best}
    if evaluation.truncation is not None:
        found["truncation"] = evaluation.truncation
    if evaluation.standing_statistics:
        found["standing_statistics"] = True
    return found


EXTERNAL = "external"
"""The reference that is samples made elsewhere."""


@dataclass(frozen=True)
class ReferenceSpec:
    """A reference for a dataset: samples that no run here generated, evaluated like a run's.

    `samples` is the hash of samples that were made elsewhere, empty for those that are made from the data.
    """

    reference: str
    dataset: Choice
    evaluation: EvaluationSpec
    samples: str = ""

    def resolved(self) -> dict[str, Any]:
        evaluation = resolved_evaluation(self.evaluation.of_samples)
        found = {"reference": self.reference, "dataset": self.dataset.identity(), "evaluation": evaluation}
        return {**found, "samples": self.samples} if self.samples else found

    def code(self) -> dict[str, str]:
        return codes_of(self.choices())

    def choices(self) -> Iterator[tuple[Kind, Choice]]:
        """Every plugin that the reference names, with its kind."""
        yield "dataset", self.dataset
        yield from self.evaluation.choices()

    @property
    def id(self) -> str:
        return digest({"spec": self.resolved(), "code": self.code(), "protocol": EVALUATION_PROTOCOL})


@dataclass(frozen=True)
class Cell(Combination):
    """Runs that differ only in their seed, trained together. `added` says that the suite itself does not list it.

    The evaluation noise is measured for `noise_seed`, if that is one of the seeds.
    """

    spec: RunSpec
    seeds: tuple[int, ...]
    added: bool = False
    noise_seed: int | None = None

    @cached_property
    def ids(self) -> dict[int, str]:
        """The id of each seed's run."""
        return self.spec.ids(self.seeds)

    def run(self, seed: int) -> RunSpec:
        """The spec of one seed."""
        return replace(self.spec, seed=seed)

    def with_seeds(self, seeds: tuple[int, ...]) -> Cell:
        """The same cell with other seeds."""
        return replace(self, seeds=seeds)


@dataclass(frozen=True)
class Skipped(Combination):
    """A combination that does not apply, and the reason."""

    reason: str


@dataclass(frozen=True)
class PlannedReference:
    """One reference of one dataset, by the dataset's label; samples made elsewhere have a `label` and their `path`."""

    dataset: Label
    spec: ReferenceSpec
    label: str = ""
    path: Path | None = None


@dataclass(frozen=True)
class Plan:
    """An expanded suite: what will be trained, which references are scored, and what does not apply."""

    suite: str
    about: str
    cells: tuple[Cell, ...]
    skipped: tuple[Skipped, ...]
    references: tuple[PlannedReference, ...]
    family: FamilySettings = field(default_factory=FamilySettings)

    def filtered(self, wanted: Mapping[str, tuple[str, ...]]) -> Plan:
        """The part of the plan that names in `wanted` mean, by kind; a kind without entry matches."""
        kinds = ("loss", "architecture", "dataset")
        labels = zip(*(one.labels for one in (*self.cells, *self.skipped)), strict=True)
        meant = {
            kind: {label for name in wanted[kind] for label in picked(own, name)}
            for kind, own in zip(kinds, labels, strict=False) if kind in wanted
        }  # fmt: skip

        def matches(one: Combination) -> bool:
            pairs = zip(kinds, one.labels, strict=True)
            return all(label in meant[kind] for kind, label in pairs if kind in meant)

        cells = tuple(filter(matches, self.cells))
        datasets = {cell.dataset for cell in cells}
        return replace(
            self,
            cells=cells,
            skipped=tuple(filter(matches, self.skipped)),
            references=tuple(one for one in self.references if one.dataset in datasets),
        )
