"""Convolutional generator and discriminator for square images of 16, 32 or 64 pixels."""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

PAPER = r"""
@inproceedings{radford2016unsupervised,
  author    = {Radford, Alec and Metz, Luke and Chintala, Soumith},
  title     = {Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks},
  booktitle = {International Conference on Learning Representations},
  year      = {2016},
}
"""


@dataclass(frozen=True)
class Dcgan:
    """Convolutional pair: strided 4x4 convolutions, batch norm in G, none in D.

    After Radford et al. 2016. G is a linear layer to 4x4 maps, then transposed convolutions that double
    the size while the number of channels halves, down to `width`, then tanh. D mirrors it without batch
    norm, with which the minimax loss degrades as D saturates.
    """

    width: int = 64
    latent: int = 64
    slope: float = 0.2

    version = "1"
    reference = PAPER

    def __post_init__(self) -> None:
        if min(self.width, self.latent) < 1:
            raise ValueError("width and latent must be >= 1")

    def supports(self, shape: tuple[int, ...]) -> str | None:
        if len(shape) != 3:
            return f"convolutions need images, and the samples are {shape[0]}-D points"
        if shape[1] != shape[2] or shape[1] not in (16, 32, 64):
            return f"it supports 16x16, 32x32 and 64x64 images, not {shape[1]}x{shape[2]}"
        return None

    def _widths(self, shape: tuple[int, ...]) -> list[int]:
        """Channels from the image to the 4x4 maps: width, 2 width, 4 width, ..."""
        doublings = {16: 2, 32: 3, 64: 4}[shape[1]]
        return [self.width * 2**i for i in range(doublings)]

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        widths = self._widths(shape)[::-1]
        layers: list[nn.Module] = [
            nn.Linear(self.latent, widths[0] * 16),
            nn.Unflatten(1, (widths[0], 4, 4)),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        ]
        for a, b in pairwise(widths):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
        return nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], shape[0], 4, 2, 1), nn.Tanh())

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        channels = [shape[0], *self._widths(shape)]
        layers: list[nn.Module] = []
        for a, b in pairwise(channels):
            layers += [nn.Conv2d(a, b, 4, 2, 1), nn.LeakyReLU(self.slope)]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * 16, 1))
