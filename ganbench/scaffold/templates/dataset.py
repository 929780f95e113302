"""A dataset for ganbench."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganbench import Data, hookimpl


@dataclass(frozen=True)
class Template:
    """Five Gaussians on a line in the plane, to be changed: say here in one sentence what yours is."""

    std: float = 0.05

    shape = (2,)  # (C, H, W) for images in [-1, 1]
    modes = 5
    extractor = "mixture"
    metrics = ("modes", "spread", "sliced-wasserstein")

    @property
    def centres(self) -> Tensor:
        return torch.stack([torch.linspace(-1, 1, self.modes), torch.zeros(self.modes)], dim=1)

    def fingerprint(self) -> str:
        return f"1-{self.std}"  # change it when `load` gives other samples

    def load(self, split: Literal["train", "test"]) -> Data:
        count, seed = (20_000, 0) if split == "train" else (5_000, 1)
        generator = torch.Generator().manual_seed(seed)
        mode = torch.randint(self.modes, (count,), generator=generator)
        noise = self.std * torch.randn(count, 2, generator=generator)
        return Data(self.centres[mode] + noise)  # change this line: Data(samples) or Data(samples, labels)


@hookimpl
def register_datasets() -> dict[str, type]:
    return {"template-name": Template}
