"""ganbench: train every combination of GAN variants one way, measure them one way, compare them.

The names are imported when they are first used; none of them imports torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ganbench._version import __version__

if TYPE_CHECKING:
    from ganbench.api import diff, evaluate, open_results, plan, publish, replay, run, sample, train_extractor, verify
    from ganbench.api.results import Results
    from ganbench.classifier.extractors import TrainedExtractor, user_extractors
    from ganbench.engine.memory import chunk_bytes
    from ganbench.errors import GanbenchError, MissingError
    from ganbench.files import cache_folder
    from ganbench.notices import progress
    from ganbench.registry.contracts import (
        Data,
        Dataset,
        Fault,
        FeatureExtractor,
        Features,
        Limit,
        Metric,
        Run,
        Tracker,
        View,
        floats,
        location,
    )
    from ganbench.registry.file_hashes import hash_each, hash_files
    from ganbench.registry.fingerprints import fingerprint
    from ganbench.registry.hookspecs import hookimpl
    from ganbench.registry.training_contracts import (
        Architecture,
        Critic,
        Discriminator,
        Loss,
        Noise,
        Transform,
        normal,
        uniform,
    )

_HOMES = {
    "ganbench.api": (
        "diff", "evaluate", "open_results", "plan", "publish", "replay", "run", "sample",
        "train_extractor", "verify",
    ),
    "ganbench.api.results": ("Results",),
    "ganbench.classifier.extractors": ("TrainedExtractor", "user_extractors"),
    "ganbench.errors": ("GanbenchError", "MissingError"),
    "ganbench.files": ("cache_folder",),
    "ganbench.registry.contracts": (
        "Data", "Dataset", "Fault", "FeatureExtractor", "Features", "Limit", "Metric", "Run", "Tracker", "View",
        "floats", "location",
    ),
    "ganbench.registry.training_contracts": (
        "Architecture", "Critic", "Discriminator", "Loss", "Noise", "Transform", "normal", "uniform",
    ),
    "ganbench.notices": ("progress",),
    "ganbench.registry.file_hashes": ("hash_each", "hash_files"),
    "ganbench.registry.fingerprints": ("fingerprint",),
    "ganbench.registry.hookspecs": ("hookimpl",),
    "ganbench.engine.memory": ("chunk_bytes",),
}  # fmt: skip
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Architecture",
    "Critic",
    "Data",
    "Dataset",
    "Discriminator",
    "Fault",
    "FeatureExtractor",
    "Features",
    "GanbenchError",
    "Limit",
    "Loss",
    "Metric",
    "MissingError",
    "Noise",
    "Results",
    "Run",
    "Tracker",
    "TrainedExtractor",
    "Transform",
    "View",
    "__version__",
    "cache_folder",
    "chunk_bytes",
    "diff",
    "evaluate",
    "fingerprint",
    "floats",
    "hash_each",
    "hash_files",
    "hookimpl",
    "location",
    "normal",
    "open_results",
    "plan",
    "progress",
    "publish",
    "replay",
    "run",
    "sample",
    "train_extractor",
    "uniform",
    "user_extractors",
    "verify",
]


def __getattr__(name: str) -> Any:
    """A public name, imported from where it is defined."""
    if name not in _MODULES:
        raise AttributeError(f"module 'ganbench' has no attribute {name!r}")
    found = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
