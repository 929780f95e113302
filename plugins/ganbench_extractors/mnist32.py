"""A small classifier, shipped with its weights."""

from pathlib import Path

from ganbench import TrainedExtractor


class Mnist32(TrainedExtractor):
    """A classifier of MNIST's digits at 32x32: 10 classes, 64 features, 99.25 % of 2,000 held-out ones named correctly.

    The weights are fixed by their hash. They were made by `python -m ganbench_extractors.train_mnist32`.
    """

    weights = Path(__file__).with_name("mnist32.safetensors")
    sha256 = "ffa1f09b5d5790438352205994f91e47aea767f2c4f96fab202da8f56032775f"
