"""A plugin for timing only: 3x32x32 images of noise, and an extractor that costs nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganbench import Data, Dataset, Features, View, hookimpl


class ColourNoise:
    """Uniform noise as 3x32x32 images, for timing only."""

    shape = (3, 32, 32)
    modes = None
    extractor = "mean-colour"
    metrics = ("mean-colour",)

    def load(self, split: Literal["train", "test"]) -> Data:
        generator = torch.Generator().manual_seed(int(split == "test"))
        return Data(torch.rand(1000, *self.shape, generator=generator) * 2 - 1)


class MeanColour:
    """The mean of each channel."""

    dims = 3
    canonical = False
    gives: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        return "mean-colour"

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        return lambda x: Features(x.mean(dim=(2, 3)))


@dataclass(frozen=True)
class ColourGap:
    """The distance of the mean colors."""

    better = {"gap": "lower"}
    uses_extractor = True

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        return {"gap": (real.features.mean(0) - fake.features.mean(0)).norm().item()}


@hookimpl
def register_datasets() -> dict[str, type[ColourNoise]]:
    return {"colour-noise": ColourNoise}


@hookimpl
def register_extractors() -> dict[str, type[MeanColour]]:
    return {"mean-colour": MeanColour}


@hookimpl
def register_metrics() -> dict[str, type[ColourGap]]:
    return {"mean-colour": ColourGap}
