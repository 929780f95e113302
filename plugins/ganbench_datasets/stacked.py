"""Stacked sets: three grey images as the channels of one, with a mode for every triple of classes."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganbench import Data, Dataset, fingerprint, location
from ganbench_datasets.digits import Digits
from ganbench_datasets.idx_sets import FashionMnist, Mnist
from ganbench_datasets.mapped import mapped
from ganbench_datasets.papers import METZ
from ganbench_transforms.limits import at_least

CHANNELS = 3
TEST = 26_000
"""Test triples: as many as the samples of the usual protocol, so that honest samples are compared at equal counts."""
SEEDS = {"train": 0, "test": 1}
MAPPED_FROM = 2**27
"""So many bytes of samples are kept in a file, which all workers share."""


@dataclass(frozen=True)
class StackedSet:
    """Three images of a grey dataset as the channels of one; subclasses give the `base` and the `extractor`.

    `base` is a dataset of images (1, H, W) with K classes. A sample (3, H, W) is made of three images drawn at random,
    each by itself and with repetition: `triples` training samples of the base's training split, 26,000 test samples of
    its test split. Its label, and mode, is (a K + b) K + c for images of the classes a, b and c: there are K^3 modes.
    """

    triples: int = 128_000

    version = "1"
    metrics = ("stacked-modes", "fid")
    reference = METZ

    def __post_init__(self) -> None:
        at_least(1, triples=self.triples)

    @property
    def base(self) -> Dataset:
        """The dataset whose images are stacked."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, ...]:
        return (CHANNELS, *self.base.shape[1:])

    @property
    def modes(self) -> int:
        count = self.base.modes or 0
        return count * count * count

    @property
    def classes(self) -> int:
        return self.modes

    def prepare(self) -> None:
        """Prepare the base. Raises `MissingError` as it does."""
        getattr(self.base, "prepare", lambda: None)()

    def fingerprint(self) -> str:
        """A hash of the base's content and of everything else that the samples are made from."""
        made_from = (self.version, fingerprint(self.base), self.triples, TEST, SEEDS)
        return hashlib.sha256(repr(made_from).encode()).hexdigest()[:16]

    def load(self, split: Literal["train", "test"]) -> Data:
        """The samples in the base's own type, bytes or float32. Raises `ValueError` for a base of another form."""
        base = self.base
        images, labels = base.load(split)
        if labels is None or not base.modes or images.dim() != 4 or images.shape[1] != 1:
            raise ValueError(f"{type(base).__name__} cannot be stacked: wanted labeled images of one channel")
        generator = torch.Generator().manual_seed(SEEDS[split])
        count = self.triples if split == "train" else TEST
        rows = torch.randint(len(images), (count, CHANNELS), generator=generator)
        places = torch.tensor([base.modes**place for place in reversed(range(CHANNELS))])
        size = rows.numel() * images[0].nbytes
        samples = images[:, 0][rows] if size < MAPPED_FROM else self._mapped(split, images, rows)
        return Data(samples, (labels[rows] * places).sum(dim=1))

    def _mapped(self, split: str, images: Tensor, rows: Tensor) -> Tensor:
        return mapped(f"{self.fingerprint()}-{split}", lambda: images[:, 0][rows])


@dataclass(frozen=True)
class StackedDigits(StackedSet):
    """Three digits of scikit-learn as the channels of a 16x16 image: 1,000 modes without a download.

    The 26,000 test samples are made of 450 test digits, so that each of these is in some 170 of them.
    """

    extractor = "stacked-digits16"

    @property
    def base(self) -> Dataset:
        return Digits()


@dataclass(frozen=True)
class StackedFashion(StackedSet):
    """Three images of Fashion-MNIST as the channels of a 32x32 image: 1,000 modes.

    `root` and `download` are those of fashion-mnist.
    """

    root: str = location("")
    download: bool = location(False)

    extractor = "stacked-fashion32"

    @property
    def base(self) -> Dataset:
        return FashionMnist(self.root, self.download)


@dataclass(frozen=True)
class StackedMnist(StackedSet):
    """Three digits of MNIST as the channels of a 32x32 image: 1,000 modes.

    `root` and `download` are those of mnist.
    """

    root: str = location("")
    download: bool = location(False)

    extractor = "stacked-mnist32"

    @property
    def base(self) -> Dataset:
        return Mnist(self.root, self.download)
