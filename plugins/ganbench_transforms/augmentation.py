"""Augmentations of images between a sample and D: flips, and DiffAugment."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ganbench import Discriminator, Noise, uniform
from ganbench_transforms.images import flipped, only_images, per_sample, shifted, without_rectangle

ZHAO = r"""
@inproceedings{zhao2020differentiable,
  author    = {Zhao, Shengyu and Liu, Zhijian and Lin, Ji and Zhu, Jun-Yan and Han, Song},
  title     = {Differentiable Augmentation for Data-Efficient {GAN} Training},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {33},
  eprint    = {2006.10738},
  archivePrefix = {arXiv},
  year      = {2020},
}
"""
POLICIES = ("color", "translation", "cutout")
DRAWS = {"color": uniform(3), "translation": uniform(2), "cutout": uniform(2)}


@dataclass(frozen=True)
class Flip:
    """D sees each image, real or fake, flipped horizontally with probability 1/2."""

    version = "1"
    noise = {"flip": uniform()}

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return only_images(shape)

    def __call__(
        self, discriminator: Discriminator, x: Tensor, noise: Mapping[str, Tensor], memory: Mapping[str, Tensor]
    ) -> Tensor:
        return discriminator(flipped(x, noise["flip"] < 0.5))


@dataclass(frozen=True)
class DiffAugment:
    """DiffAugment: D sees real and fake images with random colors, places and a missing rectangle.

    Zhao et al. 2020, section 3.2. `policy` names some of: color (brightness moved by up to 0.5, saturation multiplied
    by 0 to 2, contrast by 0.5 to 1.5), translation (by up to 1/8 of a side, filled with zeros) and cutout (a rectangle
    of half of each side becomes 0), which are done in the order given.
    """

    policy: str = "color,translation,cutout"

    version = "1"
    reference = ZHAO

    def __post_init__(self) -> None:
        wrong = [name for name in self._names if name not in POLICIES]
        if wrong or len(set(self._names)) < len(self._names):
            raise ValueError(f"policy names some of {', '.join(POLICIES)}, once each, got {self.policy!r}")

    @property
    def _names(self) -> list[str]:
        return [name.strip() for name in self.policy.split(",")]

    @property
    def noise(self) -> Mapping[str, Noise]:
        return {name: DRAWS[name] for name in self._names}

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return only_images(shape)

    def __call__(
        self, discriminator: Discriminator, x: Tensor, noise: Mapping[str, Tensor], memory: Mapping[str, Tensor]
    ) -> Tensor:
        changes = {"color": _recolored, "translation": _translated, "cutout": _cut_out}
        for name in self._names:
            x = changes[name](x, noise[name])
        return discriminator(x)


def _recolored(x: Tensor, numbers: Tensor) -> Tensor:
    """The images with another brightness, saturation and contrast each, by numbers (B, 3)."""
    x = x + (per_sample(numbers[:, 0], x) - 0.5)
    gray = x.mean(dim=1, keepdim=True)
    x = gray + (x - gray) * 2 * per_sample(numbers[:, 1], x)
    middle = x.mean(dim=(1, 2, 3), keepdim=True)
    return middle + (x - middle) * (per_sample(numbers[:, 2], x) + 0.5)


def _translated(x: Tensor, numbers: Tensor) -> Tensor:
    return shifted(x, numbers, 0.125)


def _cut_out(x: Tensor, numbers: Tensor) -> Tensor:
    return without_rectangle(x, numbers, 0.5)
