"""Checks a dataset: what it loads, its fingerprint, and the extractor and metrics that it names."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.conformance.extractors import missing
from ganbench.conformance.findings import Collector, Finding, finding_of
from ganbench.errors import PLUGIN_ERRORS, describe_error, raised_at
from ganbench.evaluation.data_contract import CheckedData, check_data, too_few
from ganbench.registry.contracts import Dataset, feature_count, floats
from ganbench.registry.fingerprints import fingerprint
from ganbench.registry.registry import Registry
from ganbench.suite.specs import EvaluationSpec


def dataset_findings(dataset: Dataset, registry: Registry | None, name: str) -> list[Finding]:
    """All findings of a dataset. With a registry, its extractor and metrics are tried too.

    Raises `MissingError` if the data are not there.
    """
    found = Collector()
    checked = check_data(name, dataset)
    found.extend(finding_of(text) for text in checked.problems)
    found.extend(Finding("splits", note, level="note") for note in checked.notes)
    if found.findings and checked.problems:
        return found.findings
    with found.catching("fingerprint"):
        _check_fingerprint(dataset, name, found)
    samples = floats(dataset.load("test").samples[:10])
    log_density = getattr(dataset, "log_density", None)
    if log_density is not None:
        with found.catching("log_density"):
            density = log_density(samples)
            if not isinstance(density, Tensor) or density.shape != (len(samples),):
                what = tuple(density.shape) if isinstance(density, Tensor) else type(density).__name__
                seen = f"log_density returns {what} for {len(samples)} samples"
                found.add(Finding("log-density", seen, "log_density must return one number for each sample"))
    with found.catching("classes"):
        _check_classes(dataset, found)
    if registry is not None:
        with found.catching("its extractor and metrics"):
            _check_evaluators(dataset, checked, samples[:2], registry, found)
    return found.findings


def _check_fingerprint(dataset: Dataset, name: str, found: Collector) -> None:
    if fingerprint(dataset, name) != fingerprint(dataset, name):
        seen = f"dataset {name!r}.fingerprint gives another text when it is called again"
        found.add(Finding("fingerprint", seen, "compute it from the files' bytes, or from version and parameters"))
    if not hasattr(dataset, "fingerprint"):
        seen = "it has no fingerprint of its own: its tensors are loaded and hashed whenever a suite is run"
        fix = "such a hash of computed data is valid on one machine; declare fingerprint() to be valid everywhere"
        found.add(Finding("fingerprint", seen, fix, "note"))


def _check_classes(dataset: Dataset, found: Collector) -> None:
    """Check the labels against the number of classes, if one is declared."""
    classes, labels = getattr(dataset, "classes", None), dataset.load("train").labels
    if classes is None:
        return
    if not isinstance(classes, int) or isinstance(classes, bool) or classes < 1:
        found.add(Finding("classes", f"classes is {classes!r}", "give the number of classes, an integer >= 1"))
    elif labels is None:
        found.add(Finding("classes", f"classes is {classes}, but there are no labels", "return Data(samples, labels)"))
    elif not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        seen = f"labels are {int(labels.min())} to {int(labels.max())}, but classes is {classes}"
        found.add(Finding("classes", seen, f"use the labels 0 to {classes - 1}"))


def _check_evaluators(
    dataset: Dataset, checked: CheckedData, samples: Tensor, registry: Registry, found: Collector
) -> None:
    """Check that the extractor and the metrics that a dataset names exist, support it and have enough samples."""
    chosen = registry.choose("extractor", dataset.extractor, {})
    extractor = registry.create("extractor", chosen)
    metrics = {name: registry.create("metric", registry.choose("metric", name, {})) for name in dataset.metrics}
    for label, one in ((f"extractor {chosen.name!r}", extractor), *((f"metric {n!r}", m) for n, m in metrics.items())):
        reason = getattr(one, "supports", lambda _: None)(dataset)
        if reason is not None:
            seen = f"dataset {checked.name!r} names {label}, which does not support it: {reason}"
            found.add(Finding("evaluators", seen, "name another one"))
    count = feature_count(extractor, dataset)
    lacking = too_few(checked, EvaluationSpec(), count, metrics)
    if lacking is not None:
        found.add(finding_of(lacking))
    if missing(extractor) is not None:
        return
    try:
        shape = tuple(extractor.open(dataset, torch.device("cpu"))(samples).features.shape)
    except PLUGIN_ERRORS as error:  # a third-party extractor may raise anything
        seen = f"dataset {checked.name!r}: its extractor {chosen.name!r} raised {describe_error(error)}"
        found.add(Finding("evaluators", f"{seen}{raised_at(error)}"))
        return
    wanted = (len(samples), count)
    if shape != wanted:
        seen = f"extractor {chosen.name!r} gives features of shape {shape}, wanted {wanted}"
        found.add(Finding("evaluators", seen))
