"""Path length regularization: steps of equal length in the latent space change samples by equal amounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod, sqrt

import torch
from torch import Tensor

from ganbench import Critic, normal
from ganbench_losses.gradient_penalty import lengths
from ganbench_transforms.limits import at_least, decays

KARRAS = r"""
@inproceedings{karras2020analyzing,
  author    = {Karras, Tero and Laine, Samuli and Aittala, Miika and Hellsten, Janne and Lehtinen, Jaakko and
    Aila, Timo},
  title     = {Analyzing and Improving the Image Quality of {StyleGAN}},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  eprint    = {1912.04958},
  archivePrefix = {arXiv},
  year      = {2020},
}
"""


@dataclass(frozen=True)
class PathLength:
    """Path length regularization: G minimizes weight E (|J(z)^T y| - a)^2, J the Jacobian of G, y normal.

    Karras et al. 2020 (StyleGAN2), equation 4, with regard to the latent. y is divided by the root of the number of
    pixels, a is a moving average of the lengths before this move, from 0 on. Taken at every fourth step, with four
    times the weight.
    """

    weight: float = 2.0
    decay: float = 0.99
    every: int = 4

    version = "1"
    reference = KARRAS
    game = False
    noise = {"direction": normal("sample")}

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight)
        at_least(1, every=self.every)
        decays(decay=self.decay)

    def g_loss(self, critic: Critic) -> Tensor:
        return self.weight * (self._lengths(critic) - critic.memory["length"]).square().mean()

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"length": torch.zeros(())}

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        length = self._lengths(critic).mean()
        return {"length": self.decay * critic.memory["length"] + (1 - self.decay) * length}

    @staticmethod
    def _lengths(critic: Critic) -> Tensor:
        """|J^T y| (B,): the gradient of G(z) . y with respect to z."""
        direction = critic.noise["direction"]
        pixels = prod(direction.shape[2:])

        def along(latent: Tensor) -> Tensor:
            return (critic.generate(latent) * direction).sum() / sqrt(pixels)

        back: Tensor = torch.func.grad(along)(critic.latent)
        return lengths(back)
