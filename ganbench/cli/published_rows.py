"""Rows of publications for a suite's tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganbench import published
from ganbench.registry import Registry


def published_rows(registry: Registry, labels: Iterable[str]) -> Mapping[str, Any]:
    """Published rows by the labels of data sets, hyperparameters in them ignored."""
    files = [offer.thing for offers in registry.offers("published").values() for offer in offers]
    found = published.by_dataset(files)
    return {label: found[label.split("(")[0]] for label in labels if label.split("(")[0] in found}
