"""A feature extractor for ganbench."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from ganbench import Dataset, Features, hookimpl


@dataclass(frozen=True)
class Template:
    """A fixed random projection of samples, to be changed: say here in one sentence what yours is."""

    dims: int = 16

    canonical = False
    gives = ()

    def fingerprint(self) -> str:
        return "1"  # a hash of the weights

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        generator = torch.Generator().manual_seed(0)
        weights = torch.randn(prod(dataset.shape), self.dims, generator=generator).to(device)

        def extract(samples: Tensor) -> Features:
            return Features(samples.flatten(1) @ weights)  # change this line: the features (B, dims) of a batch

        return extract


@hookimpl
def register_extractors() -> dict[str, type]:
    return {"template-name": Template}
