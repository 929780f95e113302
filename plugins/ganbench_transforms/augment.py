"""ADA's changes of images with a given probability instead of one that adapts."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Discriminator, normal, uniform
from ganbench_transforms.ada import BLITS, COLORS, KARRAS, blitted, recolored
from ganbench_transforms.images import only_images, per_sample, without_rectangle
from ganbench_transforms.limits import at_least, shares

GATES = (*BLITS, *COLORS, "cutout")


@dataclass(frozen=True)
class Augment:
    """ADA's changes of images, each made with probability `p` for every image on its own.

    Karras et al. 2020, appendix B, without adaptation; a suite may give `p` a schedule, as R3GAN does. The changes
    are those of `ada`, and cutout (a square of half a side becomes 0). `blit`, `color` and `cutout` multiply
    `p` for pixel blitting (flip, quarter turns, whole steps), for color, and for cutout.
    """

    p: float = 0.2
    blit: float = 1.0
    color: float = 1.0
    cutout: float = 1.0

    version = "1"
    reference = KARRAS
    noise = {"gates": uniform(len(GATES)), "values": uniform(8), "normals": normal(3)}

    def __post_init__(self) -> None:
        shares(p=self.p)
        at_least(0, blit=self.blit, color=self.color, cutout=self.cutout)

    def supports(self, shape: tuple[int, ...]) -> str | None:
        reason = only_images(shape)
        if reason is None and shape[1] != shape[2]:
            return f"quarter turns need square images, not {shape[1]}x{shape[2]}"
        return reason

    def __call__(
        self, discriminator: Discriminator, x: Tensor, noise: Mapping[str, Tensor], memory: Mapping[str, Tensor]
    ) -> Tensor:
        factors = [self.blit] * len(BLITS) + [self.color] * len(COLORS) + [self.cutout]
        gates = {name: noise["gates"][:, i] < self.p * factors[i] for i, name in enumerate(GATES)}
        x = recolored(blitted(x, gates, noise["values"]), gates, noise["values"], noise["normals"])
        cut = without_rectangle(x, noise["values"][:, 6:], 0.5)
        return discriminator(torch.where(per_sample(gates["cutout"], x), cut, x))
