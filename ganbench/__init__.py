"""ganbench: train every combination of GAN variants one way, measure them one way, compare them.

What a plugin may import; none of these names imports torch.
"""

from ganbench._version import __version__
from ganbench.errors import MissingError
from ganbench.registry.contracts import (
    Architecture,
    Critic,
    Data,
    Dataset,
    Fault,
    FeatureExtractor,
    Features,
    Loss,
    Metric,
    Run,
    Tracker,
    View,
    location,
)
from ganbench.registry.hookspecs import hookimpl

__all__ = [
    "Architecture",
    "Critic",
    "Data",
    "Dataset",
    "Fault",
    "FeatureExtractor",
    "Features",
    "Loss",
    "Metric",
    "MissingError",
    "Run",
    "Tracker",
    "View",
    "__version__",
    "hookimpl",
    "location",
]
