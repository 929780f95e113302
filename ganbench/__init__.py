"""ganbench: train every combination of GAN variants one way, measure them one way, compare them.

What a plugin may import; none of these names imports torch.
"""

from ganbench.contracts import (
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
from ganbench.errors import MissingError
from ganbench.hookspecs import hookimpl

__version__ = "0.1.0"

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
