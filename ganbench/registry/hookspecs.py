"""The nine hooks. Each returns a mapping from names, as suites use them, to plugins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pluggy

from ganbench.registry.contracts import Dataset, FeatureExtractor, Metric, Tracker
from ganbench.registry.training_contracts import Architecture, Loss, Transform

hookspec = pluggy.HookspecMarker("ganbench")
hookimpl = pluggy.HookimplMarker("ganbench")


@hookspec
def register_losses() -> Mapping[str, type[Loss]]:
    """Parts of losses: classes with `d_loss(critic)`, `g_loss(critic)` or both."""
    raise NotImplementedError


@hookspec
def register_transforms() -> Mapping[str, type[Transform]]:
    """Transforms: classes that change what D sees of a sample."""
    raise NotImplementedError


@hookspec
def register_architectures() -> Mapping[str, type[Architecture]]:
    """Architectures: classes that build a generator and a discriminator for a sample shape."""
    raise NotImplementedError


@hookspec
def register_datasets() -> Mapping[str, type[Dataset]]:
    """Datasets: classes that load real samples."""
    raise NotImplementedError


@hookspec
def register_extractors() -> Mapping[str, type[FeatureExtractor]]:
    """Feature extractors: classes that turn samples into features, logits and modes."""
    raise NotImplementedError


@hookspec
def register_metrics() -> Mapping[str, type[Metric]]:
    """Metrics: classes that compare fake with real samples."""
    raise NotImplementedError


@hookspec
def register_suites() -> Mapping[str, Path]:
    """Suites: paths of YAML files."""
    raise NotImplementedError


@hookspec
def register_published() -> Mapping[str, Path]:
    """Published values: paths of YAML files, shown by `ganbench table --published`."""
    raise NotImplementedError


@hookspec
def register_trackers() -> Mapping[str, type[Tracker]]:
    """Trackers: classes that receive signals and records while a suite runs (`ganbench run --tracker`)."""
    raise NotImplementedError
