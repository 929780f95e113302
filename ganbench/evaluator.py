"""Judging samples: extract features once, call every metric on them, name every score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ganbench import rng
from ganbench.cache import cached, key
from ganbench.contracts import Architecture, Data, Dataset, FeatureExtractor, Features, Metric, View
from ganbench.errors import ContractError, GanbenchError
from ganbench.networks import Network, initial
from ganbench.specs import Choice, EvaluationSpec, canonical
from ganbench.trainer import Seed

BATCH = 500


class NotFinite(GanbenchError):
    """Samples or features hold NaN or infinity: no score may be computed from them."""


@dataclass(frozen=True)
class Scores:
    """Scores by their full names, each with its protocol card, and why some are missing."""

    values: dict[str, float]
    cards: dict[str, dict[str, Any]]
    missing: tuple[str, ...] = field(default=())


def generate(
    architecture: Architecture, shape: tuple[int, ...], trained: Seed, count: int, ema: bool, device: torch.device
) -> Tensor:
    """`count` samples (count, *shape) of a trained generator, made on `device`, returned on the CPU.

    Latents are the seed's own; G is in evaluation mode (running statistics), so that the samples
    do not depend on how they are batched.
    """
    module, _, _ = initial(lambda: architecture.generator(shape), trained.seed, "generator")
    network = Network(module.to(device), training=False)
    params = network.named((trained.average if ema else trained.params).to(device))
    buffers = {name: buffer.to(device) for name, buffer in trained.buffers.items()}
    latent = torch.randn(count, architecture.latent, generator=rng.generator(trained.seed, "evaluation"))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(rng.number(trained.seed, "evaluation noise"))  # for a G that draws its own
        return torch.cat([network(params, buffers, part.to(device))[0].cpu() for part in torch.split(latent, BATCH)])


def picked(data: Data, count: int, purpose: str) -> Data:
    """`count` samples of a split (all where 0 or fewer are there), by one fixed shuffle."""
    if not count or count >= len(data.samples):
        return data
    rows = torch.randperm(len(data.samples), generator=rng.generator(0, purpose))[:count]
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
        self.split = picked(dataset.load(evaluation.split), evaluation.real_samples, "real side")  # type: ignore[arg-type]
        self.real = self._view(self.split.samples, self.split.labels, self._real_features())
        self._statistics: dict[tuple[str, int], dict[str, Tensor]] = {}

    def _real_features(self) -> Features:
        """The real side's features, kept between runs by the hash of all they depend on."""
        choice = self.evaluation.extractor
        name = key(canonical(choice.identity()), choice.code, self.extractor.fingerprint(), self.split.samples)
        stored = cached(name, lambda: _stored(self.features(self.split.samples)))
        return Features(stored["features"], stored.get("logits"), stored.get("modes"))

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
        """One hash of the real side, for all metrics."""
        return key(self.real.samples, self.real.features)

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

    def scores(self, samples: Tensor, source: Mapping[str, Any], lenient: bool = False) -> Scores:
        """Every score of samples (N, *shape). `source` says in each card where they came from.

        Raises `NotFinite`, or `ContractError` where a metric breaks its contract. A metric that
        needs more samples than there are raises too, or is `lenient`ly listed as missing.
        """
        fake = self._view(samples, None, self.features(samples))
        values: dict[str, float] = {}
        cards: dict[str, dict[str, Any]] = {}
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
            for score, value in _checked(name, metric, metric(real, fake)).items():
                label = self.label(metric, score)
                if label in values:
                    raise ContractError(f"metric {name!r} gives {label!r}, as {cards[label]['metric']['name']!r} does")
                values[label] = value
                cards[label] = self._card(name, metric, score, len(samples), source)
        return Scores(values, cards, tuple(missing))

    def label(self, metric: Metric, score: str) -> str:
        """The score's name; another judge than the field's own is named with it."""
        return score if self.extractor.canonical or not metric.judged else f"{score}[{self.evaluation.extractor.name}]"

    def _card(self, name: str, metric: Metric, score: str, count: int, source: Mapping[str, Any]) -> dict[str, Any]:
        choice = self._choice(name)
        judged = {
            "extractor": self.evaluation.extractor.identity(),
            "weights": self.extractor.fingerprint(),
            "resize": getattr(self.extractor, "resize", None),
        }
        return {
            "metric": choice.identity(),
            "code": choice.code,
            "better": metric.better[score],
            "fake_samples": count,
            "real_samples": len(self.real.samples),
            "split": self.evaluation.split,
            **(judged if metric.judged else dict.fromkeys(judged)),
            **source,
        }


def _stored(features: Features) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in features._asdict().items() if tensor is not None}


def _checked(name: str, metric: Metric, scores: Mapping[str, float]) -> dict[str, float]:
    """A metric's scores as finite numbers. Raises `ContractError` where they are not."""
    for score, value in scores.items():
        if score not in metric.better:
            raise ContractError(f"metric {name!r} gave {score!r}, which its `better` does not name")
        if not isinstance(value, int | float) or not torch.tensor(float(value)).isfinite():
            raise ContractError(f"metric {name!r} gave {value!r} for {score!r}; a score is a finite number")
    return {score: float(value) for score, value in scores.items()}
