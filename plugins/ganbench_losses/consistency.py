"""Consistency regularization: D, or both players, hardly react to small changes of samples or of latents."""

from dataclasses import dataclass

from torch import Tensor

from ganbench import Critic, normal, uniform
from ganbench_transforms.images import flipped, shifted
from ganbench_transforms.limits import at_least, shares

ZHAO = r"""
@inproceedings{zhao2021improved,
  author    = {Zhao, Zhengli and Singh, Sameer and Lee, Honglak and Zhang, Zizhao and Odena, Augustus and Zhang, Han},
  title     = {Improved Consistency Regularization for {GANs}},
  booktitle = {AAAI Conference on Artificial Intelligence},
  eprint    = {2002.04724},
  archivePrefix = {arXiv},
  year      = {2021},
}
"""
ZHANG = r"""
@inproceedings{zhang2020consistency,
  author    = {Zhang, Han and Zhang, Zizhao and Odena, Augustus and Lee, Honglak},
  title     = {Consistency Regularization for Generative Adversarial Networks},
  booktitle = {International Conference on Learning Representations},
  eprint    = {1910.12027},
  archivePrefix = {arXiv},
  year      = {2020},
}
"""


@dataclass(frozen=True)
class Consistency:
    """Balanced consistency regularization (bCR): weight (E |D(x) - D(T(x))|^2 + E |D(G(z)) - D(T(G(z)))|^2).

    Zhao et al. 2021, algorithm 1; `balanced: false` takes real samples alone (CR, Zhang et al. 2020, equation 4). T
    flips images horizontally with probability 1/2 and moves them by up to the share `shift` of their side, filling
    with zeros. To samples that are no images it adds normal noise of standard deviation `sigma`. T(x) has the label of
    x, and the transforms of D change both alike.
    """

    weight: float = 10.0
    balanced: bool = True
    flip: bool = True
    shift: float = 0.125
    sigma: float = 0.05

    version = "1"
    reference = (ZHAO, ZHANG)
    game = False
    noise = {
        f"{side}_{name}": drawn
        for side in ("real", "fake")
        for name, drawn in (("flip", uniform()), ("shift", uniform(2)), ("eps", normal("sample")))
    }

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight, sigma=self.sigma)
        shares(shift=self.shift)

    def d_loss(self, critic: Critic) -> Tensor:
        real = critic(self._changed(critic, critic.real_samples, "real"), like="real")
        change = (critic.real - real).square().mean()
        if self.balanced:
            fake = critic(self._changed(critic, critic.fake_samples, "fake"))
            change = change + (critic.fake - fake).square().mean()
        return self.weight * change

    def _changed(self, critic: Critic, x: Tensor, side: str) -> Tensor:
        """T(x), by the draws of a side."""
        if x.dim() != 4:
            return x + self.sigma * critic.noise[f"{side}_eps"]
        if self.flip:
            x = flipped(x, critic.noise[f"{side}_flip"] < 0.5)
        return shifted(x, critic.noise[f"{side}_shift"], self.shift)


@dataclass(frozen=True)
class LatentConsistency:
    """Latent consistency regularization (zCR): D hardly reacts to a small change of the latent, and G does.

    Zhao et al. 2021, algorithm 2: D minimizes d_weight E |D(G(z)) - D(G(z + e))|^2, G minimizes - g_weight E |G(z) -
    G(z + e)|^2 (a mean over the numbers of a sample), e normal with standard deviation `sigma`. With `consistency`, it
    is ICR.
    """

    d_weight: float = 5.0
    g_weight: float = 0.5
    sigma: float = 0.05

    version = "1"
    reference = ZHAO
    game = False
    noise = {"eps": normal("latent")}

    def __post_init__(self) -> None:
        at_least(0, d_weight=self.d_weight, g_weight=self.g_weight, sigma=self.sigma)

    def d_loss(self, critic: Critic) -> Tensor:
        return self.d_weight * (critic.fake - critic(self._near(critic))).square().mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return -self.g_weight * (critic.fake_samples - self._near(critic)).square().mean()

    def _near(self, critic: Critic) -> Tensor:
        """G(z + e)."""
        return critic.generate(critic.latent + self.sigma * critic.noise["eps"])
