"""Broken plugins, each with the rule that it breaks: the commonest mistakes, and those that a run would not show."""

from __future__ import annotations

from planted.base import HEAD, Planted
from planted.data import DATASETS, EXTRACTORS, METRICS
from planted.losses import LOSSES
from planted.networks import ARCHITECTURES, TRANSFORMS
from planted.others import OTHERS

__all__ = ["ALL", "HEAD", "LOSSES", "Planted"]

ALL = {
    f"{one.kind}: {name}": one
    for group in (LOSSES, TRANSFORMS, ARCHITECTURES, DATASETS, EXTRACTORS, METRICS, OTHERS)
    for name, one in group.items()
}
