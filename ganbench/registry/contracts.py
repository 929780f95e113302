"""What a plugin must be: the contracts, and what the framework hands to them.

A plugin class is a frozen dataclass (or a plain class without arguments). Its fields are its
hyperparameters, their defaults are the schema, its docstring's first line describes it in
`ganbench list`. The optional class attribute `version` (a string) of an installed plugin is part
of every run's id: raise it when a change of the code changes results. A local file needs none: its
hash is taken.

The optional class attribute `reference` names the paper to cite, or a tuple of several: each a BibTeX
entry, `arXiv:1706.08500`, a DOI or plain text. Reports write them to `citation.bib`. It is not part of
a run's id.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Direction = Literal["higher", "lower"]


def location(default: Any) -> Any:
    """A dataclass field that says where something lies (a folder, a file, whether to download).

    It can be set like any hyperparameter, but is not part of a run's id: the same data in
    another folder are the same data.
    """
    return dataclasses.field(default=default, metadata={"identity": False})


class Critic(Protocol):
    """D as a loss sees it, for one seed at one step.

    `real` and `fake` are D's logits (B,) of the step's real and fake batch, computed when first
    read. `real_samples` and `fake_samples` are the batches themselves, (B, *shape).
    """

    @property
    def real_samples(self) -> Tensor: ...

    @property
    def fake_samples(self) -> Tensor: ...

    @property
    def step(self) -> int:
        """The number of the step, from 0. A loss that asks for it is not compiled (see `train.engine`)."""

    @property
    def real(self) -> Tensor: ...

    @property
    def fake(self) -> Tensor: ...

    def __call__(self, x: Tensor) -> Tensor:
        """Logits (B,) of any x (B, *shape)."""

    def between(self) -> Tensor:
        """Points (B, *shape) drawn uniformly on the lines from fake to real samples."""

    def gradient(self, x: Tensor) -> Tensor:
        """The slopes d logits / d x, flattened to (B, D) and differentiable again."""


class Loss(Protocol):
    """A game: what D minimises and what G minimises, each a scalar of the critic.

    A loss draws no noise, moves nothing between devices, never steps an optimiser and never
    calls `.item()`. Where D's logits are log-odds of real against fake, set the class attribute
    `log_odds = True`: only then V(D, G) and the Jensen-Shannon estimate mean something.
    """

    def d_loss(self, critic: Critic) -> Tensor: ...

    def g_loss(self, critic: Critic) -> Tensor: ...


class Architecture(Protocol):
    """A pair of networks. They are built under the seed's own random stream."""

    @property
    def latent(self) -> int: ...

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        """A module (B, latent) -> (B, *shape)."""

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        """A module (B, *shape) -> (B,) or (B, 1), logits."""

    def supports(self, shape: tuple[int, ...]) -> str | None:
        """Why samples of this shape cannot be made, or None where they can."""


class Data(NamedTuple):
    """One split of a data set: samples (N, *shape) as float32, labels (N,) as int64 or None."""

    samples: Tensor
    labels: Tensor | None = None


class Dataset(Protocol):
    """Real samples. Images lie in [-1, 1] as (C, H, W); points are (D,).

    Samples are loaded whole, in a worker process that may not start processes of its own.

    `extractor` and `metrics` are the defaults that suit the data; a suite may name others.
    Where the density is known, `log_density(x) -> (N,)` draws it behind samples. Where data must
    be fetched, `prepare()` does so before anything trains, or raises `MissingError` with what to do.
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
    """What an extractor says of a batch of B samples.

    `features` (B, F) float32; `logits` (B, K) of a classifier or None; `modes` (B,) int64, the
    mode that each sample belongs to, -1 where it is of none (of low quality), or None.
    """

    features: Tensor
    logits: Tensor | None = None
    modes: Tensor | None = None


class FeatureExtractor(Protocol):
    """A fixed map from samples to features; the judge of a whole table.

    `canonical = True` says that a score's plain name means this extractor (FID is Inception's);
    any other extractor's scores carry its name: `FID[digits16]`. `gives` names what it gives
    beside features: "logits", "modes". An extractor may also have `batch` (samples at a time),
    `resize` (how it scales images, for the protocol card),
    `supports(dataset) -> str | None` and `prepare()`, as a data set may.
    """

    @property
    def dims(self) -> int: ...

    @property
    def canonical(self) -> bool: ...

    @property
    def gives(self) -> tuple[str, ...]: ...

    def fingerprint(self) -> str:
        """A hash of the weights: what makes two extractors of one name the same."""

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        """A function of a batch of samples (B, *shape) on `device`; it must not depend on B."""


class View(NamedTuple):
    """One side of a comparison, as a metric sees it; all tensors are on the CPU.

    On the real side, `statistics` are what the metric's own `statistics` gave, `split` is the
    split's name, and `other()` the data set's other split, whole, as a view.
    """

    samples: Tensor
    features: Tensor
    logits: Tensor | None
    modes: Tensor | None
    labels: Tensor | None
    dataset: Dataset
    statistics: Mapping[str, Tensor] | None = None
    split: str = ""
    other: Callable[[], View] | None = None


@dataclasses.dataclass(frozen=True)
class Fault:
    """What a metric finds wrong with samples; `count` of `of` modes, say, where that can be counted."""

    kind: Literal["collapsed", "memorising", "low quality", "partial"]
    count: int | None = None
    of: int | None = None


class Metric(Protocol):
    """A comparison of fake with real samples that gives one or more named scores.

    `better` names every score and its direction. `uses_extractor` is False if the samples
    alone decide, so that the scores keep their plain names. A metric may also have
    `needs`, of "logits" and "modes"; `supports(dataset) -> str | None`; and `minimum(dims) -> int`:
    the fewest samples a side for features of so many dimensions; and `statistics(real,
    count) -> {name: tensor}`: what it needs of the real side alone, against `count` fakes; computed
    once and kept between runs by the content that it depends on. `scale = {name: "log"}` says that
    a score is positive and varies by factors: tables take its interval and its differences on
    logarithms. `faults(scores, dataset) -> [Fault]` says what its own scores, by their own names,
    show to be wrong with the samples.
    """

    @property
    def better(self) -> Mapping[str, Direction]: ...

    @property
    def uses_extractor(self) -> bool: ...

    def __call__(self, real: View, fake: View) -> Mapping[str, float]: ...


class Run(NamedTuple):
    """Which run a tracker is told of: its id, its suite, the names in its table, its seed."""

    id: str
    suite: str
    loss: str
    architecture: str
    dataset: str
    seed: int


class Tracker(Protocol):
    """Where a suite's signals and results are also sent while it runs; `ganbench run --tracker NAME` turns it on.

    It is called in the process that runs the suite, on a thread of its own, in order. What it
    raises is said once and switches it off; the run neither fails nor waits for it. It must not
    print: stdout is for tables. A tracker may also have `prepare(results)`, called with the results
    folder before anything trains, which raises `MissingError` with what to do where something is
    missing. A tracker that keeps something between calls is a dataclass with `field(init=False)`.
    """

    def on_signals(self, run: Run, step: int, signals: Mapping[str, float]) -> None:
        """The training signals of a run at a step, NaN where one does not exist; steps rise.

        After a resume, they come again from the first.
        """

    def on_record(self, run: Run, record: Mapping[str, Any]) -> None:
        """A run has ended, well or not: what `record.json` holds, without its files' hashes."""

    def close(self) -> None:
        """The suite has ended or was interrupted; runs without a record go on another time."""
