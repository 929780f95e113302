"""Evaluates samples: extracts features once, calls every metric on them, names every score."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from ganbench.engine.tensor_cache import cached, key
from ganbench.errors import PLUGIN_ERRORS, ContractError, in_words
from ganbench.evaluation import honest
from ganbench.evaluation.extraction import features_of
from ganbench.evaluation.histograms import histogram
from ganbench.evaluation.metric_returns import checked_scores, known_faults
from ganbench.evaluation.placement import (
    CPU,
    Side,
    arithmetic_device,
    fits,
    full_precision,
    name_of,
    place_of,
)  # fmt: skip
from ganbench.evaluation.splits import Splits, subsample
from ganbench.files import canonical
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import (
    Dataset,
    Fault,
    FeatureExtractor,
    Features,
    Metric,
    View,
    feature_count,
    score_kind,
)
from ganbench.results.protocol_card import ProtocolCard, ScoreName
from ganbench.results.records import EqualCounts, Evaluation, Verdict
from ganbench.results.verdicts import verdict
from ganbench.suite.specs import EvaluationSpec

EXTRACTION_BATCH = 500
"""Samples per call of an extractor that does not set its own `batch`."""


class TooFewSamples(ContractError):
    """A metric needs more samples than there are on one of the sides."""


@dataclass(frozen=True)
class Source:
    """Where samples came from, for their cards: which generator, at which checkpoint, how it was sampled."""

    generator: str
    checkpoint: str | None
    truncation: float | None = None
    standing_statistics: bool = False


UNKNOWN = Source("", None)
NO_LABELS = "the samples have no labels"


@dataclass(frozen=True)
class Scores:
    """What was measured, and what the metrics that gave no score raised, by their names."""

    evaluation: Evaluation
    failures: Mapping[str, BaseException] = field(default_factory=dict)

    @property
    def values(self) -> Mapping[str, float]:
        return self.evaluation.metrics

    @property
    def missing(self) -> Mapping[str, str]:
        """By metric, in one sentence, why it gave no score."""
        return self.evaluation.missing

    def require_some(self, harmless: tuple[type[Exception], ...] = ()) -> None:
        """Raise what the first metric raised, unless it is harmless, if no metric gave a score."""
        if self.values:
            return
        for error in self.failures.values():
            if not isinstance(error, harmless):
                raise error


@dataclass(frozen=True)
class _Measured:
    """The scores of one metric by their labels, and its faults if it looks for some."""

    values: Mapping[str, float]
    cards: Mapping[str, ProtocolCard]
    faults: Sequence[Fault] | None


class Evaluator:
    """One evaluation protocol on one dataset; the real samples are prepared once, from `splits` if a job holds some."""

    def __init__(
        self,
        dataset: Dataset,
        evaluation: EvaluationSpec,
        extractor: FeatureExtractor,
        metrics: Mapping[str, Metric],
        device: torch.device,
        splits: Splits | None = None,
    ) -> None:
        self.splits = Splits(dataset) if splits is None else splits
        self.dataset, self.evaluation, self.extractor, self.metrics = dataset, evaluation, extractor, metrics
        self.limits = {name: honest.limits_of(name, metric) for name, metric in metrics.items()}
        self.device, self.home = device, arithmetic_device(device)
        self.extract = extractor.open(dataset, device)
        self.real = self._real_view(evaluation.split, evaluation.real_samples)._replace(other=lambda: self._other_view)
        self._statistics: dict[tuple[str, int, torch.device], dict[str, Tensor]] = {}

    @property
    def real(self) -> View:
        """The real side, where its features are."""
        return self._real.view

    @real.setter
    def real(self, view: View) -> None:
        self._real = Side(view)

    def _real_view(self, split: str, count: int) -> View:
        """A split of the data; its features are cached between runs, keyed by everything they depend on."""
        data = subsample(self.splits.load(split), count, "real side")
        choice = self.evaluation.extractor
        made_by = canonical(choice.identity()), choice.code, self.extractor.fingerprint()
        name = key(*made_by, data.samples, *name_of(self.device))
        stored = cached(name, lambda: _stored(self.features(data.samples)))
        place = self.home if fits(sum(one.nbytes for one in stored.values()), self.home) else CPU
        there = {label: one.to(place) for label, one in stored.items()}
        features = Features(there["features"], there.get("logits"), there.get("modes"))
        return self._view(data.samples, data.labels, features)._replace(split=split)

    @cached_property
    def _other_view(self) -> View:
        """The split that the scores do not compare with, loaded when a metric first asks for it."""
        return self._real_view(self._other_split, 0)

    @cached_property
    def training(self) -> View:
        """The training samples that are searched for copies."""
        if self.evaluation.split == "train":
            return self.real
        count = self.evaluation.real_samples
        return self._real_view("train", count) if count else self._other_view

    @property
    def _other_split(self) -> str:
        return "test" if self.evaluation.split == "train" else "train"

    def _real_side(self, name: str, metric: Metric, count: int, device: torch.device) -> View:
        """The real side for one metric and `count` fakes, with the statistics that the metric computes once."""
        real, compute = self._real.at(device), getattr(metric, "statistics", None)
        if compute is None:
            return real
        known = name, count, device
        if known not in self._statistics:
            choice = self._choice(name)
            content = self._real_content, *name_of(device)
            under = key(canonical(choice.identity()), choice.code, str(count), *content)
            found = cached(under, lambda: dict(compute(real, count)))
            self._statistics[known] = {label: one.to(device) for label, one in found.items()}
        return real._replace(statistics=self._statistics[known])

    @cached_property
    def _real_content(self) -> str:
        """A hash of everything that a metric can know about the real side."""
        other = self.splits.load(self._other_split).samples
        return key(self.real.stored, self.real.features, other)

    def _choice(self, name: str) -> Choice:
        return next(choice for choice in self.evaluation.metrics if choice.name == name)

    def features(self, samples: Tensor) -> Features:
        """Features of samples (N, *shape), floats or bytes, batch by batch, on the device if they fit its memory.

        Raises `NotFinite`.
        """
        size: int = getattr(self.extractor, "batch", EXTRACTION_BATCH)
        if self.device.type != "cpu":
            size = getattr(self.extractor, "device_batch", size)
        return features_of(self.extract, samples, size, self.device, self.home)

    def view(self, samples: Tensor, labels: Tensor | None = None) -> View:
        """Samples (N, *shape) as metrics see them. Raises `NotFinite`."""
        return self._view(samples, labels, self.features(samples))

    def _view(self, samples: Tensor, labels: Tensor | None, features: Features) -> View:
        there = None if labels is None else labels.to(features.features.device)
        return View(samples, features.features, features.logits, features.modes, there, self.dataset)

    def scores(
        self, samples: Tensor, source: Source = UNKNOWN, with_verdict: bool = True, labels: Tensor | None = None
    ) -> Scores:
        """Every score of samples (N, *shape), which may have `labels` (N,); each card states their `source`.

        With `with_verdict`, there is a verdict, and beside it the scores of as many samples as there are honest ones.

        A metric that raises, breaks its contract, gives a number that is not finite, or needs more samples than there
        are loses its own scores; the others stand. A metric that needs labels does not apply to samples without.
        Raises `NotFinite` if the samples or their features are not finite.
        """
        fake = self.view(samples, labels)
        found: dict[str, _Measured] = {}
        failures: dict[str, BaseException] = {}
        suited, side = self._applicable(fake), Side(fake)
        for name, metric in suited.items():
            try:
                found[name] = self._measured(name, metric, side, source, found)
            except PLUGIN_ERRORS as error:  # a metric may raise anything; it loses its own scores
                failures[name] = error
        values = {label: value for one in found.values() for label, value in one.values.items()}
        beside = self._at_reference_counts(fake, values) if with_verdict else None
        evaluation = Evaluation(
            values,
            {label: card for one in found.values() for label, card in one.cards.items()},
            self._verdict(found, failures, beside) if with_verdict else None,
            histogram(self.real, fake),
            missing={name: in_words(error) for name, error in failures.items()},
            not_applicable=dict.fromkeys((name for name in self.metrics if name not in suited), NO_LABELS),
            at_reference_counts=beside,
        )
        return Scores(evaluation, failures)

    def _applicable(self, fake: View) -> Mapping[str, Metric]:
        """The metrics that suit these samples: those that need labels are for samples that have some."""
        if fake.labels is not None:
            return self.metrics
        return {name: one for name, one in self.metrics.items() if "labels" not in getattr(one, "needs", ())}

    def _measured(
        self, name: str, metric: Metric, fake: Side, source: Source, earlier: Mapping[str, _Measured]
    ) -> _Measured:
        """One metric's scores, cards and faults. Raises what the metric raises, or `ContractError`."""
        count = fake.view.size
        least = getattr(metric, "minimum", lambda _: 1)(feature_count(self.extractor, self.dataset))
        have = min(count, self.real.size)
        if have < least:
            raise TooFewSamples(f"metric {name!r} needs {least} samples per side; there are {have}")
        found = checked_scores(name, metric, self._compared(name, metric, fake))
        faults = known_faults(name, metric.faults(found, self.dataset)) if hasattr(metric, "faults") else None
        values = {str(self.label(metric, score)): value for score, value in found.items()}
        for other, measured in earlier.items():
            for label in set(values) & set(measured.values):
                raise ContractError(f"metric {name!r} gives {label!r}, as {other!r} does")
        cards = [self._card(name, metric, score, count, source) for score in found]
        return _Measured(values, dict(zip(values, cards, strict=True)), faults)

    def _compared(self, name: str, metric: Metric, fake: Side) -> Mapping[str, float]:
        """What a metric returns; on the CPU if the memory of the device does not suffice."""
        device = place_of(metric, self._real, fake)
        with full_precision():
            try:
                return metric(self._real_side(name, metric, fake.view.size, device), fake.at(device))
            except torch.OutOfMemoryError:
                if device.type == "cpu":
                    raise
            print(f"metric {name!r}: the memory of {device} does not suffice; computed on the CPU", file=sys.stderr)
            return metric(self._real_side(name, metric, fake.view.size, CPU), fake.on_cpu)

    def _at_reference_counts(self, fake: View, values: Mapping[str, float]) -> EqualCounts | None:
        """The scores at the number of honest samples beside theirs; None if these are too few to compare with."""
        if not any(self.limits.values()) or self._other_view.size < honest.LEAST:
            return None
        return honest.at_equal_counts(fake, values, self._other_view, self._honest_name, self._values)

    @cached_property
    def _honest_name(self) -> str:
        """A hash of everything that the scores of honest samples depend on, beside their number."""
        metrics = canonical([[choice.identity(), choice.code] for choice in self.evaluation.metrics])
        extractor = self.evaluation.extractor
        labels = [side.labels for side in (self.real, self._other_view) if side.labels is not None]
        return key(
            "honest", metrics, canonical(extractor.identity()), extractor.code, self.extractor.fingerprint(),
            self.evaluation.split, self._real_content, *labels, *name_of(self.device),
        )  # fmt: skip

    def _values(self, fake: View) -> dict[str, float]:
        """The scores of a view by their labels, of those metrics that give some."""
        found: dict[str, _Measured] = {}
        side = Side(fake)
        for name, metric in self._applicable(fake).items():
            with suppress(*PLUGIN_ERRORS):  # the scores of all samples have said why
                found[name] = self._measured(name, metric, side, UNKNOWN, found)
        return {label: value for one in found.values() for label, value in one.values.items()}

    def _verdict(
        self, found: Mapping[str, _Measured], failures: Iterable[str], beside: EqualCounts | None
    ) -> Verdict | None:
        """The worst fault that was found; None, and never `ok`, if a metric that looks for faults gave no score."""
        faults: dict[str, Sequence[Fault]] = {n: one.faults for n, one in found.items() if one.faults is not None}
        compared = False
        for name, limits in self.limits.items():
            if name not in found or not limits:
                continue
            labels = {score: str(self.label(self.metrics[name], score)) for score in limits}
            own = faults.get(name, ())
            if beside is not None:
                own = [*own, *honest.relative_faults(self.metrics[name], limits, labels, beside)]
                compared |= any(label in beside.scores and label in beside.honest for label in labels.values())
            faults[name] = own
        reason = "" if compared or not any(self.limits.values()) else self._not_compared(beside)
        worst = verdict(faults, reason)
        blind = any(hasattr(self.metrics[name], "faults") or self.limits.get(name) for name in failures)
        return None if worst is not None and worst.fault == "ok" and blind else worst

    def _not_compared(self, beside: EqualCounts | None) -> str:
        """Why no limit relative to honest samples could be applied."""
        if beside is None:
            return f"{self._other_view.size} held-out samples, {honest.LEAST} are needed"
        return f"no score can be computed from the {beside.samples} held-out samples"

    def label(self, metric: Metric, score: str) -> ScoreName:
        """The score's name, suffixed with the extractor unless it is the canonical one."""
        plain = self.extractor.canonical or not metric.uses_extractor
        return ScoreName(score, None if plain else self.evaluation.extractor.name)

    def _card(self, name: str, metric: Metric, score: str, count: int, source: Source) -> ProtocolCard:
        choice, extractor = self._choice(name), self.evaluation.extractor
        return ProtocolCard(
            metric=Choice(choice.name, choice.params),
            score=score,
            code=choice.code,
            better=metric.better[score],
            kind=score_kind(metric, score),
            fake_samples=count,
            real_samples=self.real.size,
            split=self.evaluation.split,
            extractor=Choice(extractor.name, extractor.params) if metric.uses_extractor else None,
            weights=self.extractor.fingerprint() if metric.uses_extractor else None,
            resize=getattr(self.extractor, "resize", None) if metric.uses_extractor else None,
            generator=source.generator,
            checkpoint=source.checkpoint,
            truncation=source.truncation,
            standing_statistics=source.standing_statistics,
        )


def _stored(features: Features) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in features._asdict().items() if tensor is not None}
