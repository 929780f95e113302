"""The contracts of plugins, and the objects that the framework passes to them.

A plugin class is a frozen dataclass (or a plain class without arguments). Its fields are its
hyperparameters, their defaults are the schema, its docstring's first line describes it in
`ganbench list`. The optional class attribute `version` (a string) of an installed plugin is part
of every run's id: increment it when a change of the code changes results. A local file needs none: its
hash is used.

The optional class attribute `reference` names the paper to cite, or a tuple of several: each a BibTeX
entry, `arXiv:1706.08500`, a DOI or plain text. Reports write them to `citation.bib`. It is not part of
a run's id.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Direction = Literal["higher", "lower"]
ScoreKind = Literal["count", "share", "log", "linear"]
"""What a score is, which fixes its test: a number of things; a part of a whole, 0 to 1; a value above 0 that varies by
factors; any other number."""
T = TypeVar("T")
FaultKind = Literal[
    "collapsed", "memorising", "partial", "imbalanced", "low quality", "too narrow", "too wide", "distorted"
]


def location(default: T = dataclasses.MISSING) -> T:  # type: ignore[assignment]
    """Declares a dataclass field that holds a path or a download option. Without a default a suite must set it.

    It is set like a hyperparameter, but is not part of the run id: the same data in another folder are the same data.
    """
    return dataclasses.field(default=default, metadata={"identity": False})


class Data(NamedTuple):
    """One split of a dataset: samples (N, *shape) as float32, labels (N,) as int64 or None.

    Images may be uint8, 0 to 255, and any samples a memory map (`torch.from_numpy(numpy.memmap(...))`): they are mapped
    to [-1, 1] batch by batch, on the device.
    """

    samples: Tensor
    labels: Tensor | None = None


class Dataset(Protocol):
    """Real samples. Images lie in [-1, 1] as (C, H, W); points are (D,).

    All samples are loaded at once, in a worker process that may not start other processes. `modes` is the number of
    modes if it is known. `extractor` and `metrics` are the defaults for this dataset; a suite may name others.

    Optional: `classes`, the number of classes if labels are 0 to `classes` - 1: what conditional architectures need.

    Optional: `log_density(x) -> (N,)`, if the density is known, is drawn behind samples. `prepare()` downloads data
    before anything trains, or raises `MissingError` with instructions.

    Optional: `fingerprint() -> str`, 1 to 64 characters of 0-9, A-Z, a-z, '.', '_' and '-', identifies the content and
    is part of every run's id: `hash_files(...)` of the files that `load` reads or, for computed data, the version of
    the code and the parameters. It computes no samples, and raises `MissingError` if the files are not there. Without
    it, or with only that of a base class whose `load` is replaced, both splits are loaded and hashed whenever a suite
    is run. Computed data may have other bytes on another machine, so that such a hash is valid on one machine.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def modes(self) -> int | None: ...

    @property
    def extractor(self) -> str: ...

    @property
    def metrics(self) -> tuple[str, ...]: ...

    def load(self, split: Literal["train", "test"]) -> Data: ...


class Features(NamedTuple):
    """The output of an extractor for a batch of B samples.

    `features` (B, F) float32; `logits` (B, K) of a classifier, or None; `modes` (B,) int64, the mode of each sample
    or -1 if it belongs to none (low quality), or None.
    """

    features: Tensor
    logits: Tensor | None = None
    modes: Tensor | None = None


class FeatureExtractor(Protocol):
    """A fixed map from samples to features of `dims` dimensions; one table uses one extractor.

    `dims = None` means that there are as many features as a sample has numbers.

    `canonical = True` means that plain score names refer to this extractor (FID to Inception); the scores of any other
    extractor include its name: `FID[digits16]`. `gives` lists what it returns besides features: "logits", "modes".

    Optional: `batch` (samples per call), `device_batch` (those on a GPU, by default as many; fewer are given if its
    memory does not suffice), `resize` (how it scales images, for the protocol card), `backbone` (the name of its
    pretrained network, or a tuple of its names: variants that declare one as `pretrained` are refused),
    `supports(dataset) -> str | None`, and `prepare()` as for a dataset.
    """

    @property
    def dims(self) -> int | None: ...

    @property
    def canonical(self) -> bool: ...

    @property
    def gives(self) -> tuple[str, ...]: ...

    def fingerprint(self) -> str:
        """A hash of the weights, which identifies the extractor together with its name."""

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        """A function of a batch of samples (B, *shape) on `device`, whose output per sample must not depend on B."""


def feature_count(extractor: FeatureExtractor, dataset: Dataset) -> int:
    """The number of features that an extractor gives for a sample of a dataset."""
    return prod(dataset.shape) if extractor.dims is None else extractor.dims


def floats(samples: Tensor) -> Tensor:
    """Samples as float32: bytes, 0 to 255, are mapped to [-1, 1]; others stay as they are."""
    return samples if samples.is_floating_point() else samples.float() / 127.5 - 1


class _View(NamedTuple):
    stored: Tensor
    features: Tensor
    logits: Tensor | None
    modes: Tensor | None
    labels: Tensor | None
    dataset: Dataset
    statistics: Mapping[str, Tensor] | None = None
    split: str = ""
    other: Callable[[], View] | None = None


class View(_View):
    """One side of a comparison, as a metric sees it: on the CPU or, for a metric with `on_device`, on the run's device.

    `features` (N, F); `logits`, `modes` and `labels` as far as there are some. `stored` are the samples as the dataset
    holds them, which may be bytes, always on the CPU. On the real side, `statistics` is the result of the metric's own
    `statistics`, `split` is the split's name, and `other()` returns all of the dataset's other split as a view.
    """

    __slots__ = ()

    @property
    def samples(self) -> Tensor:
        """The samples (N, *shape) float32, where the features are; for bytes and on a GPU a copy at every access."""
        return floats(self.stored.to(self.features.device))

    @property
    def size(self) -> int:
        """The number of samples."""
        return len(self.stored)


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault that a metric finds in samples: for example only `count` of `of` modes are there, if that can be counted.

    A `severe` one makes milder faults meaningless, so that it is the verdict before them. `evidence` says in words
    what shows it.
    """

    kind: FaultKind
    count: int | None = None
    of: int | None = None
    severe: bool = False
    evidence: str = ""


@dataclasses.dataclass(frozen=True)
class Limit:
    """How much worse than that of honest samples a score may be before it is a fault of this `kind`.

    Honest samples are real ones that the scores do not compare with, as many as the fakes. With h their score, a score
    of which lower is better may reach `factor` h + `margin`; one of which higher is better may fall to
    h / `factor` - `margin`.
    """

    kind: FaultKind
    factor: float = 1.0
    margin: float = 0.0
    severe: bool = False

    def bound(self, honest: float, better: Direction) -> float:
        """The last value that is no fault, beside the score `honest` of honest samples."""
        return self.factor * honest + self.margin if better == "lower" else honest / self.factor - self.margin

    def exceeded(self, value: float, honest: float, better: Direction) -> bool:
        """Whether the score is worse than its bound."""
        bound = self.bound(honest, better)
        return value > bound if better == "lower" else value < bound


class Metric(Protocol):
    """A comparison of fake with real samples that returns one or more named scores.

    `better` names every score and its direction. `uses_extractor` is False if the scores depend on the samples alone,
    so that they keep their plain names.

    Optional: `on_device = True` if it computes where its inputs are, in float64 too: on a GPU all tensors of its views
    are there, else on the CPU. It gives the same scores on every device, to rounding: it makes new tensors with
    `device=real.features.device`, draws on the CPU and moves the draw, and keeps what it makes at a time within
    `ganbench.chunk_bytes(device)`.

    Optional: `needs`, a subset of "logits", "modes" and "labels" (both sides have labels; it does not apply to samples
    of a generator that is not conditional); `supports(dataset) -> str | None`; `minimum(dims) -> int`, the
    fewest samples per side for features of `dims` dimensions; `statistics(real, count) -> {name: tensor}`, the part
    that depends on the real side and the number of fakes alone, computed once and cached between runs by content;
    `kind = {name: "count"}`, the kind of each score that is not `linear`: `count` (differences are tested by ranks),
    `share` (a part of a whole, 0 to 1) or `log` (above 0 and varying by factors: tables compute on logarithms);
    `faults(scores, dataset) -> [Fault]`, the faults that its scores show by themselves;
    `limits = {name: (Limit, ...)}`, how much worse than honest samples' a score may be, at equal counts (of one score's
    limits, the first that is exceeded counts).
    """

    @property
    def better(self) -> Mapping[str, Direction]: ...

    @property
    def uses_extractor(self) -> bool: ...

    def __call__(self, real: View, fake: View) -> Mapping[str, float]: ...


def score_kind(metric: Metric, score: str) -> ScoreKind:
    """The kind that a metric declares for one of its scores, `linear` by default.

    Metrics written before there were kinds declare `scale = {name: "log"}`, which is still read.
    """
    kinds: Mapping[str, ScoreKind] = {**getattr(metric, "scale", {}), **getattr(metric, "kind", {})}
    return kinds.get(score, "linear")


class Run(NamedTuple):
    """The run that a tracker receives data of: its id, its suite, its labels in the table, its seed."""

    id: str
    suite: str
    loss: str
    architecture: str
    dataset: str
    seed: int


class Tracker(Protocol):
    """Receives a suite's signals and results while it runs; `ganbench run --tracker NAME` enables it.

    It is called in the process that runs the suite, on a background thread, in order. An exception is reported once
    and disables the tracker; the run neither fails nor waits for it. A tracker must not print: stdout is for tables.
    One with state is a dataclass with `field(init=False)`.

    Optional: `prepare(results)` is called with the results folder before anything trains, and raises `MissingError`
    with instructions if something is missing.
    """

    def on_signals(self, run: Run, step: int, signals: Mapping[str, float]) -> None:
        """The training signals of a run at a step, NaN for signals that do not exist; steps increase.

        After a resume, they are sent again from the first step.
        """

    def on_record(self, run: Run, record: Mapping[str, Any]) -> None:
        """A run has ended, successfully or not: the content of its record and scores, without the hashes of files."""

    def close(self) -> None:
        """The suite has ended or was interrupted; runs without a record continue another time."""
