"""The exact posterior of a mixture's components: an extractor without error."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Dataset, Features
from ganbench_transforms.limits import above

PAPER = r"""
@inproceedings{srivastava2017veegan,
  author    = {Srivastava, Akash and Valkov, Lazar and Russell, Chris and Gutmann, Michael U. and Sutton, Charles},
  title     = {{VEEGAN}: Reducing Mode Collapse in {GANs} using Implicit Variational Learning},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {30},
  eprint    = {1705.07761},
  archivePrefix = {arXiv},
  year      = {2017},
}
"""


@dataclass(frozen=True)
class MixturePosterior:
    """Exact component posterior of a Gaussian mixture; samples beyond `radius` std belong to no mode.

    Features are the points themselves, logits the components' log densities up to a constant,
    and the mode is the nearest center if it is within `radius` standard deviations (the
    high-quality samples of Srivastava et al. 2017, VEEGAN).
    """

    radius: float = 3.0

    version = "1"
    reference = PAPER
    dims = 2
    canonical = True
    gives = ("logits", "modes")

    def __post_init__(self) -> None:
        above(0, radius=self.radius)

    def supports(self, dataset: Dataset) -> str | None:
        return None if hasattr(dataset, "centres") else "the dataset does not give its components (`centres` and `std`)"

    def fingerprint(self) -> str:
        return "exact"

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        centres, std = dataset.centres.to(device), dataset.std  # type: ignore[attr-defined]

        def extract(points: Tensor) -> Features:
            squares = (points[:, None] - centres).square().sum(dim=2)
            nearest, mode = squares.min(dim=1)
            inside = nearest <= (self.radius * std) ** 2
            return Features(points, -squares / (2 * std**2), torch.where(inside, mode, -1))

        return extract
