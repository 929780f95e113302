"""Adaptive discriminator augmentation, whose strength follows D's confidence on real images."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from ganbench import Critic, Discriminator, normal, uniform
from ganbench_transforms.images import flipped, moved, only_images, per_sample, turned

KARRAS = r"""
@inproceedings{karras2020training,
  author    = {Karras, Tero and Aittala, Miika and Hellsten, Janne and Laine, Samuli and Lehtinen, Jaakko and
    Aila, Timo},
  title     = {Training Generative Adversarial Networks with Limited Data},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {33},
  eprint    = {2006.06676},
  archivePrefix = {arXiv},
  year      = {2020},
}
"""
FURTHEST = 0.125
"""The largest translation, as a share of the side."""
BLITS, COLORS = ("flip", "turn", "move"), ("brightness", "contrast", "luma", "hue", "saturation")
GATES = (*BLITS, *COLORS)


@dataclass(frozen=True)
class Ada:
    """Adaptive discriminator augmentation (ADA): each change of an image is made with a probability that adapts.

    Karras et al. 2020, section 3 and appendix B. Of the paper's changes: pixel blitting (flip, turn by quarters,
    move by up to 1/8 of a side with mirrored borders) and color (brightness, contrast, luma flip, hue, saturation). The
    probability p starts at 0; after every `interval` moves of D it rises if the mean sign of D's logits of real images
    was above `target` and falls if it was below, so fast that it could rise from 0 to 1 in `images` real images.
    """

    target: float = 0.6
    images: float = 500_000.0
    interval: int = 4
    blit: bool = True
    color: bool = True

    version = "1"
    reference = KARRAS
    noise = {"gates": uniform(len(GATES)), "values": uniform(6), "normals": normal(3)}

    def __post_init__(self) -> None:
        if self.interval < 1 or self.images <= 0:
            raise ValueError(f"interval must be >= 1 and images > 0, got {self.interval} and {self.images}")
        if not -1 < self.target < 1:
            raise ValueError(f"target is a mean sign, > -1 and < 1, got {self.target!r}")

    def supports(self, shape: tuple[int, ...]) -> str | None:
        reason = only_images(shape)
        if reason is None and self.blit and shape[1] != shape[2]:
            return f"turns by quarters need square images, not {shape[1]}x{shape[2]}; set blit to false"
        return reason

    def __call__(
        self, discriminator: Discriminator, x: Tensor, noise: Mapping[str, Tensor], memory: Mapping[str, Tensor]
    ) -> Tensor:
        gates = {name: noise["gates"][:, i] < memory["strength"] for i, name in enumerate(GATES)}
        if self.blit:
            x = blitted(x, gates, noise["values"])
        if self.color:
            x = recolored(x, gates, noise["values"], noise["normals"])
        return discriminator(x)

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: torch.zeros(()) for name in ("strength", "signs", "moves")}

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        signs = critic.memory["signs"] + critic.real.sign().mean()
        moves = critic.memory["moves"] + 1
        speed = critic.real_samples.shape[0] * self.interval / self.images
        strength = (critic.memory["strength"] + speed * (signs / moves - self.target).sign()).clamp(min=0)
        ends = moves >= self.interval
        return {
            "strength": torch.where(ends, strength, critic.memory["strength"]),
            "signs": torch.where(ends, 0.0, signs),
            "moves": torch.where(ends, 0.0, moves),
        }


def blitted(x: Tensor, gates: Mapping[str, Tensor], values: Tensor) -> Tensor:
    """The images (B, C, S, S) flipped, turned and moved, each where its gate (B,) is open."""
    x = flipped(x, gates["flip"] & (values[:, 0] < 0.5))
    x = turned(x, torch.where(gates["turn"], (values[:, 1] * 4).floor(), 0.0))
    steps = [((2 * values[:, i] - 1) * FURTHEST * x.shape[-1]).round() for i in (2, 3)]
    down, right = (torch.where(gates["move"], step, 0.0) for step in steps)
    return moved(x, down, right, reflects=True)


def recolored(x: Tensor, gates: Mapping[str, Tensor], values: Tensor, normals: Tensor) -> Tensor:
    """The images (B, C, H, W) with other colors, each change where its gate (B,) is open.

    Luma is the mean of the channels; the hue turns the rest about the axis of grays, if there are three channels.
    """

    def chosen(name: str, value: Tensor, neutral: float) -> Tensor:
        return per_sample(torch.where(gates[name], value, neutral), x)

    x = x + chosen("brightness", 0.2 * normals[:, 0], 0.0)
    x = x * chosen("contrast", (0.5 * normals[:, 1]).exp2(), 1.0)
    luma = x.mean(dim=1, keepdim=True)
    rest = x - luma
    luma = luma * chosen("luma", torch.where(values[:, 4] < 0.5, -1.0, 1.0), 1.0)
    if x.shape[1] == 3:
        angle = chosen("hue", (2 * values[:, 5] - 1) * pi, 0.0)
        across = (rest.roll(1, 1) - rest.roll(-1, 1)) / 3**0.5
        rest = rest * angle.cos() + across * angle.sin()
    return luma + rest * chosen("saturation", normals[:, 2].exp2(), 1.0)
