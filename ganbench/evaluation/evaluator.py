"""Judging samples: extract features once, call every metric on them, name every score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ganbench import seeding
from ganbench.engine import noise
from ganbench.engine.networks import Network, initial
from ganbench.engine.tensor_cache import cached, key
from ganbench.engine.trainer import Seed
from ganbench.errors import ContractError, GanbenchError
from ganbench.evaluation.histograms import histogram
from ganbench.files import canonical
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import Architecture, Data, Dataset, Fault, FeatureExtractor, Features, Metric, View
from ganbench.results.records import Evaluation, ProtocolCard, ScoreName
from ganbench.results.verdicts import ORDER, verdict
from ganbench.suite.specs import EvaluationSpec

BATCH = 500


class NotFinite(GanbenchError):
    """Samples or features hold NaN or infinity: no score may be computed from them."""


@dataclass(frozen=True)
class Source:
    """Where samples came from, for their cards: which generator, at which checkpoint."""

    generator: str
    checkpoint: str | None


UNKNOWN = Source("", None)


@dataclass(frozen=True)
class Scores:
    """What was measured, and why some scores are missing."""

    evaluation: Evaluation
    missing: tuple[str, ...] = ()

    @property
    def values(self) -> Mapping[str, float]:
        return self.evaluation.metrics


def generate(
    architecture: Architecture,
    shape: tuple[int, ...],
    trained: Seed,
    count: int,
    ema: bool,
    device: torch.device,
    first: int | None = None,
) -> Tensor:
    """`count` samples (count, *shape) of a trained generator, or the `first` of them, made on `device`,
    returned on the CPU.

    Latents are the seed's own; G is in evaluation mode (running statistics), so that the samples
    do not depend on how they are batched.
    """
    module, _, _ = initial(lambda: architecture.generator(shape), trained.seed, "generator")
    network = Network(module.to(device), training=False)
    params = network.named((trained.average if ema else trained.params).to(device))
    buffers = {name: buffer.to(device) for name, buffer in trained.buffers.items()}
    latent = torch.randn(count, architecture.latent, generator=noise.generator(trained.seed, "evaluation"))[:first]
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.number(trained.seed, "evaluation noise"))  # for a G that draws its own
        return torch.cat([network(params, buffers, part.to(device))[0].cpu() for part in torch.split(latent, BATCH)])


def picked(data: Data, count: int, purpose: str) -> Data:
    """`count` samples of a split (all where 0 or fewer are there), by one fixed shuffle."""
    if not count or count >= len(data.samples):
        return data
    rows = torch.randperm(len(data.samples), generator=noise.generator(0, purpose))[:count]
    return Data(data.samples[rows], None if data.labels is None else data.labels[rows])


class Judge:
    """One evaluation protocol on one data set; the real side is prepared once."""

    def __init__(
        self,
        dataset: Dataset,
        evaluation: EvaluationSpec,
        extractor: FeatureExtractor,
        metrics: Mapping[str, Metric],
        device: torch.device,
    ) -> None:
        self.dataset, self.evaluation, self.extractor, self.metrics = dataset, evaluation, extractor, metrics
        self.device = device
        self.extract = extractor.open(dataset, device)
        self.real = self._real_view(evaluation.split, evaluation.real_samples)._replace(other=lambda: self._other_view)
        self._statistics: dict[tuple[str, int], dict[str, Tensor]] = {}

    def _real_view(self, split: str, count: int) -> View:
        """A split of the data, its features kept between runs by the hash of all they depend on."""
        data = picked(self.dataset.load(split), count, "real side")  # type: ignore[arg-type]
        choice = self.evaluation.extractor
        name = key(canonical(choice.identity()), choice.code, self.extractor.fingerprint(), data.samples)
        stored = cached(name, lambda: _stored(self.features(data.samples)))
        features = Features(stored["features"], stored.get("logits"), stored.get("modes"))
        return self._view(data.samples, data.labels, features)._replace(split=split)

    @cached_property
    def _other_view(self) -> View:
        """The split that the scores do not compare with, read when a metric first asks for it."""
        return self._real_view(self._other_split, 0)

    @cached_property
    def training(self) -> View:
        """The training samples that the judge knows: what copies are looked for in."""
        if self.evaluation.split == "train":
            return self.real
        count = self.evaluation.real_samples
        return self._real_view("train", count) if count else self._other_view

    @property
    def _other_split(self) -> str:
        return "test" if self.evaluation.split == "train" else "train"

    def _real_side(self, name: str, metric: Metric, count: int) -> View:
        """The real side as one metric sees it against `count` fakes: with what it computes of it once."""
        compute = getattr(metric, "statistics", None)
        if compute is None:
            return self.real
        if (name, count) not in self._statistics:
            choice = self._choice(name)
            under = key(canonical(choice.identity()), choice.code, str(count), self._real_content)
            self._statistics[name, count] = cached(under, lambda: dict(compute(self.real, count)))
        return self.real._replace(statistics=self._statistics[name, count])

    @cached_property
    def _real_content(self) -> str:
        """One hash of all that a metric can know of the real side."""
        other = self.dataset.load(self._other_split).samples  # type: ignore[arg-type]
        return key(self.real.samples, self.real.features, other)

    def _choice(self, name: str) -> Choice:
        return next(choice for choice in self.evaluation.metrics if choice.name == name)

    def features(self, samples: Tensor) -> Features:
        """Features of samples (N, *shape), batch by batch. Raises `NotFinite`."""
        if not samples.isfinite().all():
            raise NotFinite("the samples are not finite")
        with torch.no_grad():
            size = getattr(self.extractor, "batch", BATCH)
            parts = [self.extract(part.to(self.device)) for part in torch.split(samples, size)]
        columns = [None if p[0] is None else torch.cat(p).cpu() for p in zip(*parts, strict=True)]
        if columns[0] is None or not columns[0].isfinite().all():
            raise NotFinite("the features are not finite")
        return Features(columns[0], *columns[1:])

    def _view(self, samples: Tensor, labels: Tensor | None, features: Features) -> View:
        return View(samples, features.features, features.logits, features.modes, labels, self.dataset)

    def scores(self, samples: Tensor, source: Source = UNKNOWN, lenient: bool = False) -> Scores:
        """Every score of samples (N, *shape). `source` says in each card where they came from.

        Raises `NotFinite`, or `ContractError` where a metric breaks its contract. A metric that
        needs more samples than there are raises too, or is `lenient`ly listed as missing.
        """
        fake = self._view(samples, None, self.features(samples))
        values: dict[str, float] = {}
        cards: dict[str, ProtocolCard] = {}
        faults: dict[str, Sequence[Fault]] = {}
        missing = []
        for name, metric in self.metrics.items():
            least = getattr(metric, "minimum", lambda _: 1)(self.extractor.dims)
            have = min(len(samples), len(self.real.samples))
            if have < least:
                if not lenient:
                    raise ContractError(f"metric {name!r} needs {least} samples a side; there are {have}")
                missing.append(f"{name} needs {least} samples, there are {have}")
                continue
            real = self._real_side(name, metric, len(samples))
            found = _checked(name, metric, metric(real, fake))
            if hasattr(metric, "faults"):
                faults[name] = _known(name, metric.faults(found, self.dataset))
            for score, value in found.items():
                label = str(self.label(metric, score))
                if label in values:
                    raise ContractError(f"metric {name!r} gives {label!r}, as {cards[label].metric.name!r} does")
                values[label] = value
                cards[label] = self._card(name, metric, score, len(samples), source)
        found_in = Evaluation(values, cards, verdict(faults), histogram(self.real, fake))
        return Scores(found_in, tuple(missing))

    def label(self, metric: Metric, score: str) -> ScoreName:
        """The score's name; another judge than the field's own is named with it."""
        plain = self.extractor.canonical or not metric.judged
        return ScoreName(score, None if plain else self.evaluation.extractor.name)

    def _card(self, name: str, metric: Metric, score: str, count: int, source: Source) -> ProtocolCard:
        choice = self._choice(name)
        extractor = self.evaluation.extractor
        return ProtocolCard(
            metric=Choice(choice.name, choice.params),
            score=score,
            code=choice.code,
            better=metric.better[score],
            scale=getattr(metric, "scale", {}).get(score, "linear"),
            fake_samples=count,
            real_samples=len(self.real.samples),
            split=self.evaluation.split,
            extractor=Choice(extractor.name, extractor.params) if metric.judged else None,
            weights=self.extractor.fingerprint() if metric.judged else None,
            resize=getattr(self.extractor, "resize", None) if metric.judged else None,
            generator=source.generator,
            checkpoint=source.checkpoint,
        )


def _stored(features: Features) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in features._asdict().items() if tensor is not None}


def _known(name: str, faults: Iterable[Fault]) -> list[Fault]:
    """A metric's faults. Raises `ContractError` where one has no name that tables know."""
    if not isinstance(faults, list | tuple):
        raise ContractError(f"metric {name!r}.faults must return a list of Faults, not {faults!r}")
    for fault in faults:
        if not isinstance(fault, Fault) or fault.kind not in ORDER:
            raise ContractError(f"metric {name!r} found {fault!r}; a fault is a Fault of {', '.join(ORDER)}")
        count, of = fault.count, fault.of
        counted = isinstance(count, int) and isinstance(of, int) and 0 <= count <= of
        if not counted and not count is of is None:
            raise ContractError(f"metric {name!r} found {fault!r}; its count is a whole number from 0 to `of`")
    return list(faults)


def _checked(name: str, metric: Metric, scores: Mapping[str, float]) -> dict[str, float]:
    """A metric's scores as finite numbers. Raises `ContractError` where they are not."""
    for score, value in scores.items():
        if score not in metric.better:
            raise ContractError(f"metric {name!r} gave {score!r}, which its `better` does not name")
        if not isinstance(value, int | float) or not torch.tensor(float(value)).isfinite():
            raise ContractError(f"metric {name!r} gave {value!r} for {score!r}; a score is a finite number")
    return {score: float(value) for score, value in scores.items()}
