"""Penalties that want D's slope to be 1: between real and fake samples, or around the real ones."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import relu

from ganbench import Critic, uniform
from ganbench_losses.papers import GULRAJANI
from ganbench_transforms.limits import at_least

PETZKA = r"""
@inproceedings{petzka2018regularization,
  author    = {Petzka, Henning and Fischer, Asja and Lukovnikov, Denis},
  title     = {On the regularization of {W}asserstein {GANs}},
  booktitle = {International Conference on Learning Representations},
  eprint    = {1709.08894},
  archivePrefix = {arXiv},
  year      = {2018},
}
"""
KODALI = r"""
@misc{kodali2017convergence,
  author    = {Kodali, Naveen and Abernethy, Jacob and Hays, James and Kira, Zsolt},
  title     = {On Convergence and Stability of {GANs}},
  howpublished = {arXiv preprint arXiv:1705.07215},
  year      = {2017},
  url       = {https://arxiv.org/abs/1705.07215},
}
"""
FLAT = 1e-12
"""Added to squared norms, so that the root has a derivative where D is flat."""


def lengths(rows: Tensor) -> Tensor:
    """The norms (B,) of rows (B, D), with a derivative at 0."""
    return (rows.square().sum(dim=1) + FLAT).sqrt()


@dataclass(frozen=True)
class GradientPenalty:
    """The gradient penalty of WGAN-GP: weight E (|grad D(x)| - 1)^2, x between real and fake samples.

    Gulrajani et al. 2017, equation 3; `one_sided` penalizes only slopes above 1 (WGAN-LP, Petzka et al. 2018,
    section 5). With a conditional D, a point has the label of its fake end. `every: 4` takes it at every fourth step,
    with four times the weight.
    """

    weight: float = 10.0
    one_sided: bool = False
    every: int = 1

    version = "1"
    reference = (GULRAJANI, PETZKA)
    game = False

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight)
        at_least(1, every=self.every)

    def d_loss(self, critic: Critic) -> Tensor:
        excess = lengths(critic.gradient(critic.between(), like="fake")) - 1
        return self.weight * (relu(excess) if self.one_sided else excess).square().mean()


@dataclass(frozen=True)
class Dragan:
    """The gradient penalty of DRAGAN: weight E (|grad D(x + d)| - 1)^2, x real and d random.

    Kodali et al. 2017, section 2. d is drawn as in the authors' program, not from the normal distribution of the
    text: uniform in [0, `scale` times the standard deviation of the batch), times one number in [0, 1) a sample. With a
    conditional D, x + d has the label of x.
    """

    weight: float = 10.0
    scale: float = 0.5
    every: int = 1

    version = "1"
    reference = KODALI
    game = False
    noise = {"direction": uniform("sample"), "length": uniform()}

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight, scale=self.scale)
        at_least(1, every=self.every)

    def d_loss(self, critic: Critic) -> Tensor:
        real, noise = critic.real_samples, critic.noise
        length = noise["length"].reshape(-1, *[1] * (real.dim() - 1))
        around = real + length * self.scale * real.std(correction=0) * noise["direction"]
        return self.weight * (lengths(critic.gradient(around, like="real")) - 1).square().mean()
