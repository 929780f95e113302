"""The results of a run as types: record, scores, provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, get_args

from msgspec import Meta

from ganbench.registry.contracts import Fault
from ganbench.results.protocol_card import ProtocolCard
from ganbench.suite.specs import ReferenceSpec, RunSpec

Status = Literal["ok", "diverged", "failed", "out-of-memory", "timeout", "interrupted"]
FailureKind = Literal["diverged", "failed", "out-of-memory", "timeout", "interrupted"]
STATUSES: tuple[Status, ...] = get_args(Status)
FINISHED: tuple[Status, ...] = ("ok", "diverged")
"""Training again would only repeat these: on one machine the same spec gives the same bits, NaNs included."""

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True)
class Failure:
    """Why a run failed. `step` is the step at which it diverged or, with `after`, the last step before that."""

    kind: FailureKind
    message: str
    step: int | None = None
    after: bool = False
    limit_seconds: float | None = None

    @property
    def text(self) -> str:
        """The message with its step."""
        return (
            self.message if self.step is None else f"{self.message} {'after' if self.after else 'at'} step {self.step}"
        )


@dataclass(frozen=True)
class Verdict:
    """The worst fault that the metrics found; `ok` if none, or `not compared` if there was nothing to compare with.

    `by` holds each metric's own faults.
    """

    fault: str
    text: str
    by: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Histogram:
    """Samples by mode or class, fake and real; `outside` counts the fakes that belong to no mode."""

    of: Literal["modes", "classes"]
    fake: Annotated[tuple[Count, ...], Meta(min_length=1)]
    n: Positive
    real: tuple[Count, ...] | None = None
    outside: Count | None = None
    n_real: Count | None = None


@dataclass(frozen=True)
class Snapshot:
    """Scores of a seed during its training, and the `reason` why some or all are missing."""

    step: Count
    train_seconds: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class EqualCounts:
    """The scores of the first `samples` samples beside those of as many honest ones: held-out real samples.

    This is what limits relative to honest samples look at, because most scores depend on the number of samples.
    """

    samples: Positive
    scores: Mapping[str, float] = field(default_factory=dict)
    honest: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured on a run's samples. Scores are keyed by their labels.

    `noise` holds the standard deviation of a score over sets of latents of this generator, if it was measured.
    `missing` says in one sentence why a metric gave no score, by the metric's name, and `not_applicable` why a metric
    does not suit these samples. `step` is that of the snapshot which was evaluated, None for the end. `failure` says
    why nothing could be measured, although the run was trained.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    cards: Mapping[str, ProtocolCard] = field(default_factory=dict)
    verdict: Verdict | None = None
    histogram: Histogram | None = None
    snapshots: tuple[Snapshot, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    step: Count | None = None
    failure: Failure | None = None
    at_reference_counts: EqualCounts | None = None
    noise: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """What one seed cost: seconds of training alone, real samples that D saw, peak memory."""

    train_seconds: float | None = None
    images: int | None = None
    images_per_second: float | None = None
    peak_memory_bytes: int | None = None


@dataclass(frozen=True)
class Finding:
    """One finding of the diagnosis: what holds at the end of training, and since which step."""

    flag: str
    since: Count
    fault: bool
    evidence: str


@dataclass(frozen=True)
class Film:
    """The frames of `film.png`: their steps, and pixels per side of one frame."""

    steps: tuple[int, ...]
    side: Positive


@dataclass(frozen=True)
class Neighbors:
    """Content of `neighbours.png`: the number of samples, of nearest images for each, and of images searched."""

    by: str
    of: int
    shown: int
    nearest: int


@dataclass(frozen=True)
class PluginOrigin:
    """Where a plugin's code came from; `code` is its version in the run's id, `source` a hash of its file."""

    distribution: str
    version: str
    code: str
    source: str


@dataclass(frozen=True)
class Provenance:
    """The software, hardware and execution strategy of a run. Unknown facts are None.

    `device` names a GPU by its model. `attempts` say why a device failed the run before, and what was tried then.
    """

    protocol: int | None = None
    python: str | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None
    processor: str | None = None
    cores: int | None = None
    revision: str | None = None
    path: str | None = None
    path_reason: str | None = None
    stack: int | None = None
    lanes: int | None = None
    prepare_seconds: float | None = None
    device: str | None = None
    threads: int | None = None
    plugins: Mapping[str, PluginOrigin] = field(default_factory=dict)
    time: str | None = None
    attempts: tuple[str, ...] = ()

    def codes(self) -> dict[str, str]:
        """The plugins' code versions by `kind:name`; a failed run and a reference have none."""
        return {key: plugin.code for key, plugin in self.plugins.items()}


@dataclass(frozen=True, kw_only=True)
class Record:
    """One run under one evaluation: spec, outcome, scores, cost, training signals, diagnosis, provenance.

    `failure` is that of the training, or of the evaluation if the training ended well. `signals` are the training
    signals at the last recorded step. `diagnosis` is None if none was made. `evaluation_id` is the identity of the
    evaluation, None if the run has not been evaluated in that way. `stored_spec` is the canonical JSON of the training
    as the file holds it, `stored_evaluation` that of the evaluation: what the two ids hash. `provenance` and
    `scored_by` are those of the training and of the evaluation. `read_at` is (step, seconds) if the scores are an
    earlier snapshot's, at an equal budget. `shape` is that of a sample, `class_counts` the training samples in each
    class, if the dataset has classes: with the weights, all that new samples need. `class_rows` are the classes of the
    rows of `samples.png`, if a conditional G made images.
    """

    id: str
    suite: str
    spec: RunSpec
    failure: Failure | None = None
    evaluation: Evaluation = field(default_factory=Evaluation)
    cost: Cost = field(default_factory=Cost)
    signals: Mapping[str, float | None] = field(default_factory=dict)
    diagnosis: tuple[Finding, ...] | None = None
    provenance: Provenance = field(default_factory=Provenance)
    film: Film | None = None
    neighbors: Neighbors | None = None
    shape: tuple[Positive, ...] = ()
    class_counts: tuple[Count, ...] = ()
    class_rows: tuple[Count, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    stored_spec: str = ""
    evaluation_id: str | None = None
    stored_evaluation: str = ""
    scored_by: Provenance = field(default_factory=Provenance)
    one_identity: bool = False
    """Whether the id covers the evaluation too, as in schema 1."""
    read_at: tuple[float, float] | None = None

    @property
    def training_failure(self) -> Failure | None:
        """Why the training failed; None if it ended well, also if the evaluation failed."""
        return None if self.failure == self.evaluation.failure else self.failure

    @property
    def training_status(self) -> Status:
        """How the training ended, whatever became of the evaluation."""
        failure = self.training_failure
        return "ok" if failure is None else failure.kind

    @property
    def evaluated(self) -> bool:
        """Whether there are scores of this evaluation."""
        return self.ok and self.evaluation_id is not None

    @property
    def plugins(self) -> dict[str, PluginOrigin]:
        """Where the plugins of training and evaluation came from, by `kind:name`."""
        return {**self.provenance.plugins, **self.scored_by.plugins}

    @property
    def status(self) -> Status:
        return "ok" if self.failure is None else self.failure.kind

    @property
    def ok(self) -> bool:
        return self.failure is None

    @property
    def reason(self) -> str:
        """Why the run failed, in words; empty if it did not."""
        return "" if self.failure is None else self.failure.text


@dataclass(frozen=True, kw_only=True)
class ReferenceRecord:
    """A reference: samples that no GAN generated, scored as a GAN's. `samples` is their number."""

    id: str
    spec: ReferenceSpec
    evaluation: Evaluation
    samples: int
    notes: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    neighbors: Neighbors | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    stored_spec: str = ""

    @property
    def plugins(self) -> Mapping[str, PluginOrigin]:
        """Where the plugins came from, by `kind:name`."""
        return self.provenance.plugins

    status: ClassVar[Status] = "ok"
    ok: ClassVar[bool] = True
    reason: ClassVar[str] = ""
    film: ClassVar[None] = None


AnyRecord = Record | ReferenceRecord
