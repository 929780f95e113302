"""Transforms that need no image: noise on samples, and gradient normalization."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Discriminator, normal
from ganbench_transforms.limits import at_least

SONDERBY = r"""
@inproceedings{sonderby2017amortised,
  author    = {S{\o}nderby, Casper Kaae and Caballero, Jose and Theis, Lucas and Shi, Wenzhe and Husz{\'a}r, Ferenc},
  title     = {Amortised {MAP} Inference for Image Super-resolution},
  booktitle = {International Conference on Learning Representations},
  eprint    = {1610.04490},
  archivePrefix = {arXiv},
  year      = {2017},
}
"""
WU = r"""
@inproceedings{wu2021gradient,
  author    = {Wu, Yi-Lun and Shuai, Hong-Han and Tam, Zhi-Rui and Chiu, Hong-Yu},
  title     = {Gradient Normalization for Generative Adversarial Networks},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  eprint    = {2109.02235},
  archivePrefix = {arXiv},
  year      = {2021},
}
"""
FLAT = 1e-12
"""Added to the squared norm, so that the root has a derivative where D is flat."""


@dataclass(frozen=True)
class InstanceNoise:
    """Instance noise: D sees real and fake samples with normal noise of standard deviation `sigma`.

    Sonderby et al. 2017, section 2.3, where sigma falls during training: `sigma: {from: 0.1, to: 0}` in a suite.
    """

    sigma: float = 0.1

    version = "1"
    reference = SONDERBY
    noise = {"eps": normal("sample")}

    def __post_init__(self) -> None:
        at_least(0, sigma=self.sigma)

    def __call__(
        self, discriminator: Discriminator, x: Tensor, noise: Mapping[str, Tensor], memory: Mapping[str, Tensor]
    ) -> Tensor:
        return discriminator(x + self.sigma * noise["eps"][: x.shape[0]])


class GradientNormalization:
    """Gradient normalization (GN-GAN): the logit f(x) becomes f(x) / (|grad f(x)| + |f(x)|), between -1 and 1.

    Wu et al. 2021, section 4. Where D is piecewise linear, the new one is 1-Lipschitz.
    """

    version = "1"
    reference = WU

    def __call__(
        self, discriminator: Discriminator, x: Tensor, noise: Mapping[str, Tensor], memory: Mapping[str, Tensor]
    ) -> Tensor:
        def total(at: Tensor) -> tuple[Tensor, Tensor]:
            logits = discriminator(at)
            return logits.sum(), logits

        slopes, logits = torch.func.grad(total, has_aux=True)(x)
        norms = (slopes.flatten(1).square().sum(dim=1) + FLAT).sqrt()
        normalized: Tensor = logits / (norms + logits.abs())
        return normalized
