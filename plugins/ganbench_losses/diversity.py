"""Parts of G's loss: other latents give other samples; the features of fakes are those of real samples on average."""

from dataclasses import dataclass

from torch import Tensor

from ganbench import Critic, normal
from ganbench_losses.papers import SALIMANS
from ganbench_transforms.limits import at_least

MAO = r"""
@inproceedings{mao2019mode,
  author    = {Mao, Qi and Lee, Hsin-Ying and Tseng, Hung-Yu and Ma, Siwei and Yang, Ming-Hsuan},
  title     = {Mode Seeking Generative Adversarial Networks for Diverse Image Synthesis},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  eprint    = {1903.05628},
  archivePrefix = {arXiv},
  year      = {2019},
}
"""
SMALLEST = 1e-5
"""Added to the ratio of distances before it is inverted, as the authors' program does."""


@dataclass(frozen=True)
class ModeSeeking:
    """Mode seeking (MSGAN): G minimizes weight E |z1 - z2| / E |G(z1) - G(z2)|, means of absolute differences.

    Mao et al. 2019, section 3.2, whose ratio is maximized; the authors' program minimizes its inverse, as here.
    """

    weight: float = 1.0

    version = "1"
    reference = MAO
    game = False
    noise = {"latent": normal("latent")}

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight)

    def g_loss(self, critic: Critic) -> Tensor:
        other = critic.noise["latent"]
        samples = (critic.fake_samples - critic.generate(other)).abs().mean()
        return self.weight / (samples / (critic.latent - other).abs().mean() + SMALLEST)


@dataclass(frozen=True)
class FeatureMatching:
    """Feature matching: G minimizes weight |E f(x) - E f(G(z))|^2, f the features that D returns.

    Salimans et al. 2016, section 3.1.
    """

    weight: float = 1.0

    version = "1"
    reference = SALIMANS
    game = False
    needs = ("features",)

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight)

    def g_loss(self, critic: Critic) -> Tensor:
        real, fake = critic.real_extras["features"], critic.fake_extras["features"]
        return self.weight * (real.mean(dim=0) - fake.mean(dim=0)).square().sum()
