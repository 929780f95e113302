"""Packing: D sees several samples at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ganbench import Discriminator

LIN = r"""
@inproceedings{lin2018pacgan,
  author    = {Lin, Zinan and Khetan, Ashish and Fanti, Giulia and Oh, Sewoong},
  title     = {{PacGAN}: The power of two samples in generative adversarial networks},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {31},
  eprint    = {1712.04086},
  archivePrefix = {arXiv},
  year      = {2018},
}
"""


@dataclass(frozen=True)
class Packing:
    """Packing (PacGAN): D takes k samples of one side as one, their channels or coordinates side by side.

    Lin et al. 2018, section 2. There is one logit for every k samples of a batch, which k must divide. Put it last: the
    transforms before it see single samples.
    """

    k: int = 2

    version = "1"
    reference = LIN

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k, the samples that D takes as one, must be >= 1, got {self.k}")

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (self.k * shape[0], *shape[1:])

    def __call__(
        self, discriminator: Discriminator, x: Tensor, noise: Mapping[str, Tensor], memory: Mapping[str, Tensor]
    ) -> Tensor:
        if x.shape[0] % self.k:
            raise ValueError(
                f"a batch of {x.shape[0]} samples cannot be packed by {self.k}; set train.batch to a multiple"
            )
        return discriminator(x.reshape(x.shape[0] // self.k, *self.shape(tuple(x.shape[1:]))))
