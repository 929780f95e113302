"""Data of other kinds: own densities, signals, a table, stacked digits, wide images; their features."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi, prod
from tempfile import TemporaryFile
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ganbench import Data, Dataset, Features, hookimpl

SIZES = {"train": 4_000, "test": 1_000}
Split = Literal["train", "test"]


def drawn(split: Split, *shape: int, kind: str = "normal") -> Tensor:
    """Random numbers of a split, always the same."""
    generator = torch.Generator().manual_seed(SIZES[split])
    sample = torch.randn if kind == "normal" else torch.rand
    return sample(SIZES[split], *shape, generator=generator)


class Computed:
    """What computed data have in common."""

    version = "1"
    modes: int | None = None
    extractor = "projections"
    metrics: tuple[str, ...] = ("fid", "precision-recall")

    def fingerprint(self) -> str:
        return f"{type(self).__name__}-{self.version}"


@dataclass(frozen=True)
class Coil(Computed):
    """Points near one spiral in the plane, denser in its middle."""

    turns: float = 2.0
    sigma: float = 0.05

    shape = (2,)
    extractor = "identity"
    metrics = ("sliced-wasserstein",)

    def fingerprint(self) -> str:
        return f"coil-{self.version}-{self.turns}-{self.sigma}"

    def load(self, split: Split) -> Data:
        angle = 2 * pi * self.turns * drawn(split, kind="uniform").sqrt()
        radius = angle / (2 * pi * self.turns)
        points = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
        return Data(points + self.sigma * drawn(split, 2))


class TwoPeaks(Computed):
    """Single numbers of a mixture of two normal distributions, whose density is known."""

    shape = (1,)
    metrics = ("sliced-wasserstein",)

    def log_density(self, x: Tensor) -> Tensor:
        parts = [-((x[:, 0] - center) ** 2) / 0.02 - log(0.1 * (2 * pi) ** 0.5) for center in (-0.5, 0.5)]
        return torch.logsumexp(torch.stack(parts), dim=0) - log(2)

    def load(self, split: Split) -> Data:
        side = torch.where(drawn(split, 1, kind="uniform") < 0.5, -0.5, 0.5)
        return Data(side + 0.1 * drawn(split, 1))


class Waves(Computed):
    """Signals (1, 64): sines of random frequency and phase, in [-1, 1]."""

    shape = (1, 64)

    def load(self, split: Split) -> Data:
        numbers, times = drawn(split, 2, kind="uniform"), torch.arange(64) / 64
        angle = 2 * pi * ((1 + 3 * numbers[:, :1]) * times + numbers[:, 1:])
        return Data(angle.sin()[:, None])


class Table(Computed):
    """A table of eight columns that depend on three hidden factors."""

    shape = (8,)

    def load(self, split: Split) -> Data:
        mixing = torch.linspace(-1, 1, 24).reshape(3, 8).sin()
        return Data(drawn(split, 3) @ mixing + 0.1 * drawn(split, 8))


class DigitTriples(Computed):
    """Three digits as the channels of one image (3, 8, 8): 1,000 classes, drawn from scikit-learn's digits."""

    shape = (3, 8, 8)
    modes = 1000
    classes = 1000

    def load(self, split: Split) -> Data:
        from sklearn.datasets import load_digits

        images, marks = load_digits(return_X_y=True)
        size = len(images) * 3 // 4
        part = slice(0, size) if split == "train" else slice(size, None)
        small, labels = torch.tensor(images[part]).float().reshape(-1, 8, 8) / 8 - 1, torch.tensor(marks[part])
        rows = (drawn(split, 3, kind="uniform") * len(small)).long()
        return Data(small[rows], (labels[rows] * torch.tensor([100, 10, 1])).sum(dim=1).long())


@dataclass(frozen=True)
class Gratings(Computed):
    """Images (3, height, width) of colored stripes, as bytes in a memory map."""

    height: int = 16
    width: int = 24

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.height, self.width)

    def fingerprint(self) -> str:
        return f"gratings-{self.version}-{self.height}-{self.width}"

    def load(self, split: Split) -> Data:
        numbers = drawn(split, 4, kind="uniform").numpy()[: SIZES[split] // 4]
        phase = np.arange(self.width) * (0.3 + numbers[:, :1]) + 6 * numbers[:, 1:2]
        stripes = 127.5 + 127 * np.sin(phase[:, None, None, :] + numbers[:, 1:, None, None] * 3)
        with TemporaryFile() as file:
            images = np.memmap(file, dtype=np.uint8, mode="w+", shape=(len(numbers), *self.shape))
            images[:] = stripes
            return Data(torch.from_numpy(images))


@dataclass(frozen=True)
class Identity:
    """The numbers of a sample as its features; `dims` is how many there are."""

    dims: int = 2

    version = "1"
    canonical = False
    gives = ()

    def supports(self, dataset: Dataset) -> str | None:
        count = prod(dataset.shape)
        return None if count == self.dims else f"samples have {count} numbers; set dims to that"

    def fingerprint(self) -> str:
        return f"exact-{self.dims}"

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        return lambda samples: Features(samples.flatten(1).float())


class Projections:
    """Sixteen fixed random directions of the numbers of a sample, of whatever shape."""

    version = "1"
    dims = 16
    canonical = False
    gives = ()

    def fingerprint(self) -> str:
        return "seed-0"

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        directions = torch.randn(prod(dataset.shape), self.dims, generator=torch.Generator().manual_seed(0)).to(device)
        return lambda samples: Features(samples.flatten(1).float() @ directions)


@hookimpl
def register_datasets() -> dict[str, type]:
    return {
        "coil": Coil,
        "two-peaks": TwoPeaks,
        "waves": Waves,
        "table": Table,
        "digit-triples": DigitTriples,
        "gratings": Gratings,
    }


@hookimpl
def register_extractors() -> dict[str, type]:
    return {"identity": Identity, "projections": Projections}
