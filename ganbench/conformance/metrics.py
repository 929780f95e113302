"""Checks a metric: what it declares of its scores, and the scores of honest samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import get_args

import torch

from ganbench.conformance.elsewhere import device_findings
from ganbench.conformance.extractors import GIVES, datasets_here, missing
from ganbench.conformance.findings import Collector, Finding, finding_of, raised
from ganbench.errors import GanbenchError, MissingError
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.honest import limits_of
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import Dataset, Direction, FeatureExtractor, Metric, ScoreKind, feature_count
from ganbench.registry.registry import Registry
from ganbench.suite.specs import EvaluationSpec

REAL, FAKE = 2000, 1200
"""Samples on each side, unless the metric needs more."""
LABELS = "labels"
OF_EACH = 20
"""Samples of each class that a metric of labels is tried with, at least: with a thousand classes there are too few."""


def metric_findings(metric: Metric, name: str, registry: Registry) -> list[Finding]:
    """All findings of a metric, on the datasets here that it supports, of image sets that are alike on one."""
    found = Collector()
    with found.catching("its declarations"):
        found.extend(_declarations(metric, name))
    if found.findings:
        return found.findings
    tried: set[tuple[object, ...]] = set()
    for dataset_name, dataset in datasets_here(registry):
        with found.catching("supports"):
            extractor = registry.create("extractor", registry.choose("extractor", dataset.extractor, {}))
            like = _alike(dataset_name, dataset, extractor)
            if like not in tried and _suits(metric, dataset, extractor):
                tried.add(like)
                with found.catching(f"metric {name!r} on dataset {dataset_name!r}"):
                    _check_scores(metric, name, dataset, registry, found)
    if not tried and not found.findings:
        fix = "let supports return None for what it can score"
        found.add(Finding("supports", f"metric {name!r}: it supports no dataset on this machine", fix))
    return found.findings


def _alike(name: str, dataset: Dataset, extractor: FeatureExtractor) -> tuple[object, ...]:
    """Equal for image sets that differ in their content alone, of which one suffices; points cost little."""
    if len(dataset.shape) != 3:
        return (name,)
    return dataset.shape[0], getattr(dataset, "classes", None) is not None, tuple(extractor.gives)


def _suits(metric: Metric, dataset: Dataset, extractor: FeatureExtractor) -> bool:
    """Whether a metric can be tried on a dataset with its own extractor here."""
    if getattr(metric, "supports", lambda _: None)(dataset) is not None or missing(extractor) is not None:
        return False
    classes = getattr(dataset, "classes", None)
    given = {*extractor.gives, *([LABELS] if classes and classes * OF_EACH <= FAKE else [])}
    return set(getattr(metric, "needs", ())) <= given


def _declarations(metric: Metric, name: str) -> Iterator[Finding]:
    better = metric.better
    if not isinstance(better, Mapping) or not better:
        yield Finding("scores", f"better is {better!r}", 'name every score with "higher" or "lower"')
        return
    for score, direction in better.items():
        if direction not in get_args(Direction):
            yield Finding("scores", f"better says {direction!r} for {score!r}", 'write "higher" or "lower"')
    known = get_args(ScoreKind)
    for score, kind in {**getattr(metric, "scale", {}), **getattr(metric, "kind", {})}.items():
        if score not in better:
            seen = f"metric {name!r} has a kind for {score!r}, which its `better` does not list"
            yield Finding("kinds", seen, f"its scores are {', '.join(map(repr, better))}")
        if kind not in known:
            seen = f"metric {name!r}: the kind of {score!r} must be one of {', '.join(known)}, got {kind!r}"
            yield Finding("kinds", seen)
    needs = getattr(metric, "needs", ())
    if isinstance(needs, str) or not all(one in (*GIVES, LABELS) for one in needs):
        yield Finding("needs", f"needs is {needs!r}", 'write a tuple of "logits", "modes", "labels", or ()')
    on_device = getattr(metric, "on_device", False)
    if not isinstance(on_device, bool):
        yield Finding("device", f"on_device is {on_device!r}", "write True, or leave it out")
    try:
        limits_of(name, metric)
    except GanbenchError as error:
        yield finding_of(str(error), "limits")


def _check_scores(metric: Metric, name: str, dataset: Dataset, registry: Registry, found: Collector) -> None:
    extractor = registry.choose("extractor", dataset.extractor, {})
    choice = registry.choose("metric", name, {}) if name in registry.names("metric") else Choice(name)
    made = registry.create("extractor", extractor)
    least = getattr(metric, "minimum", lambda _: 1)(feature_count(made, dataset))
    evaluation = replace(EvaluationSpec(), real_samples=max(REAL, least), extractor=extractor, metrics=(choice,))
    evaluator = Evaluator(dataset, evaluation, made, {name: metric}, torch.device("cpu"))
    samples, labels = (None if part is None else part[: max(FAKE, least)] for part in dataset.load("train"))
    assert samples is not None
    if samples.dtype == torch.uint8:
        samples = samples.float() / 127.5 - 1
    kept, real = samples.clone(), evaluator.real.features.clone()
    first = evaluator.scores(samples, labels=labels)
    for error in first.failures.values():
        if isinstance(error, MissingError):
            raise error
        found.add(finding_of(str(error)) if isinstance(error, GanbenchError) else raised(f"metric {name!r}", error))
    if first.failures:
        return
    if not torch.equal(kept, samples) or not torch.equal(real, evaluator.real.features):
        found.add(Finding("in-place", f"metric {name!r} changes what it is given", "compute new tensors"))
    if not first.values:
        found.add(Finding("scores", f"metric {name!r} returns no score for {type(dataset).__name__}"))
    if first.values != evaluator.scores(samples, labels=labels).values:
        fix = "draw with a torch.Generator of a fixed seed, and keep nothing between calls"
        found.add(Finding("same-scores", f"metric {name!r} returns different scores for the same samples", fix))
    elif getattr(metric, "on_device", False):
        found.extend(device_findings(metric, name, evaluator.real, evaluator.view(samples, labels)))
