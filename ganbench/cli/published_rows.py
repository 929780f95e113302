"""Rows of publications for a suite's tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganbench.registry.registry import Registry
from ganbench.results import literature
from ganbench.suite.labels import Label


def published_rows(registry: Registry, labels: Iterable[Label]) -> Mapping[str, Any]:
    """Published rows by the labels of data sets, hyperparameters in them ignored."""
    files = [offer.thing for offers in registry.offers("published").values() for offer in offers]
    found = literature.by_dataset(files)
    return {label.text: found[label.name] for label in labels if label.name in found}
