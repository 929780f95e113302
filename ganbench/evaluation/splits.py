"""The splits of a dataset as one job holds them: loaded when they are first asked for, and once."""

from __future__ import annotations

from functools import cache
from typing import Literal

from ganbench.engine import threefry
from ganbench.registry.choice import SUBSET
from ganbench.registry.contracts import Data, Dataset


class Splits:
    """The loaded splits of a dataset, of which training takes a `subset`; trainer and evaluator share the tensors."""

    def __init__(self, dataset: Dataset, subset: int = 0) -> None:
        self.dataset, self.subset = dataset, subset
        self.load = cache(self._loaded)

    def _loaded(self, split: str) -> Data:
        kind: Literal["train", "test"] = "train" if split == "train" else "test"
        return self.dataset.load(kind)

    @property
    def training(self) -> Data:
        """What is trained on: the training split, or so many samples of it in a fixed random order."""
        return subsample(self.load("train"), self.subset, SUBSET)


def subsample(data: Data, count: int, purpose: str) -> Data:
    """`count` samples of a split in a fixed random order; all of them if `count` is 0 or there are no more."""
    if not count or count >= len(data.samples):
        return data
    rows = threefry.permutation(0, purpose, len(data.samples))[:count]
    return Data(data.samples[rows], None if data.labels is None else data.labels[rows])
