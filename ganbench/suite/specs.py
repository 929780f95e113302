"""Frozen specs of runs and references, with all defaults resolved, and the ids that they determine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ganbench.files import digest
from ganbench.registry.choice import Choice, Kind, plain_value, plugin_key
from ganbench.registry.schedules import Number, Schedule
from ganbench.suite.family import FamilySettings
from ganbench.suite.labels import Combination, Label

PROTOCOL = 3
"""Incremented whenever the same spec would give other weights: draws, signals, schedules."""
EVALUATION_PROTOCOL = 1
"""Incremented whenever the same evaluation of the same weights would give other scores."""

COMPILE_FROM = 2500
"""Steps from which compiling pays: 4 to 10 s per program (2 to 3 s if cached from an earlier run; 20 s and more for
the first one on a machine) against 0.6 to 2 ms saved per step and seed, with four or more seeds per worker."""
COMPILE_CONVOLUTIONS_FROM = 1000
"""The same for convolutions, which save 3 ms and more."""


@dataclass(frozen=True)
class PlayerSpec:
    """How one player is moved: its optimizer, and the optimizer's numbers.

    `betas` are Adam's; for `sgd` the first is the momentum, for `rmsprop` the first is the momentum and the second
    the decay of the squares. `clip` is the largest norm of the gradient, 0 for none. `weight_decay` is used by `adamw`
    alone, `lookahead` by `lookahead` alone: the moves between two syncs, and the share of the way that a sync goes.
    """

    optimizer: str = "adam"
    lr: Number = 2e-4
    betas: tuple[Number, Number] = (0.5, 0.999)
    clip: float = 0.0
    weight_decay: float = 0.0
    lookahead: tuple[int, float] = (5, 0.5)


@dataclass(frozen=True)
class TrainSpec:
    """How both players are trained: `steps` updates of G, with `n_dis` updates of D before each.

    `ema` is the decay of the averaged generator (0 for none), `ema_half_life` the same as a half-life in images
    (decay = 0.5 ** (batch / half-life)). `fresh_real` says that G's move takes a real batch of its own. The values
    that each field accepts are in `ganbench.suite.fields`.
    """

    steps: int = 3000
    batch: int = 64
    n_dis: int = 1
    d: PlayerSpec = PlayerSpec()
    g: PlayerSpec = PlayerSpec()
    ema: Number = 0.0
    ema_half_life: Number | None = None
    play: str = "alternating"
    fresh_real: bool = True
    precision: str = "fp32"
    engine: str = "auto"

    @property
    def averaged(self) -> bool:
        """Whether there is an average of G, which is what is evaluated then."""
        return self.ema_half_life is not None or isinstance(self.ema, Schedule) or self.ema > 0

    @property
    def unrolled(self) -> int:
        """The moves of D that G looks ahead, 0 if the play is not unrolled."""
        return int(self.play.partition("(")[2].rstrip(")") or 0)

    def compiling_pays(self, convolutions: bool) -> bool:
        """Whether the number of steps justifies the compiler's time."""
        return self.steps >= (COMPILE_CONVOLUTIONS_FROM if convolutions else COMPILE_FROM)

    @property
    def text(self) -> str:
        """Every setting in one line."""
        return ", ".join(f"{key} {value}" for key, value in self.flat().items())

    def flat(self) -> dict[str, object]:
        """Every setting by its dotted key, such as `d.lr`."""
        found: dict[str, object] = {}
        for key, value in _values(self).items():
            own = {f"{key}.{name}": one for name, one in _values(value).items()} if key in ("d", "g") else {}
            found |= own or {key: value}
        return found


OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd", "optimistic-adam", "lookahead")
PLAYS = ("alternating", "simultaneous", "unrolled(K)")
"""Who moves when: D and then G, both at once, or G against a D that it lets move K times more."""
PRECISIONS = ("fp32", "tf32", "bf16")
"""`tf32` lets a GPU round the factors of products; `bf16` runs layers in bfloat16. Parameters, optimizer and loss
are float32 in all three."""
ENGINES = ("auto", "eager", "compiled")
"""Whether the step is compiled: by the rule of `ganbench.engine.strategy`, never, or always."""


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
        return digest({"spec": self.resolved(), "code": self.code(), "protocol": PROTOCOL})


def sum_text(names: Iterable[str]) -> str:
    """The parts of a sum in one text: `rpgan + r1 + r2`."""
    return " + ".join(names)


def codes_of(choices: Iterable[tuple[Kind, Choice]]) -> dict[str, str]:
    """The code versions of plugins, by `kind:name`."""
    return {plugin_key(kind, choice.name): choice.code for kind, choice in choices}


def resolved_train(train: TrainSpec) -> dict[str, object]:
    """The settings as plain data."""
    return {
        key: {name: plain_value(one) for name, one in _values(value).items()}
        if isinstance(value, PlayerSpec)
        else plain_value(value)
        for key, value in _values(train).items()
    }


def _values(spec: Any) -> dict[str, Any]:
    """The fields of a spec; its `__dict__` lacks the defaults if it was decoded from a file."""
    return {one.name: getattr(spec, one.name) for one in fields(spec)}


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


@dataclass(frozen=True)
class ReferenceSpec:
    """A reference for a dataset: samples that no GAN generated, evaluated like a GAN's."""

    reference: str
    dataset: Choice
    evaluation: EvaluationSpec

    def resolved(self) -> dict[str, Any]:
        evaluation = resolved_evaluation(self.evaluation.of_samples)
        return {"reference": self.reference, "dataset": self.dataset.identity(), "evaluation": evaluation}

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
    """One reference of one dataset, by the dataset's label."""

    dataset: Label
    spec: ReferenceSpec


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
        """The part of the plan whose labels or plugin names are in `wanted`, by kind; a kind without entry matches."""

        def matches(one: Combination) -> bool:
            pairs = zip(("loss", "architecture", "dataset"), one.labels, strict=True)
            return all(any(map(label.answers_to, wanted[kind])) for kind, label in pairs if kind in wanted)

        cells = tuple(filter(matches, self.cells))
        datasets = {cell.dataset for cell in cells}
        return replace(
            self,
            cells=cells,
            skipped=tuple(filter(matches, self.skipped)),
            references=tuple(one for one in self.references if one.dataset in datasets),
        )
