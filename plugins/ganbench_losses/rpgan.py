"""Relativistic pairing GAN with zero-centered gradient penalties on both sides."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import softplus

from ganbench import Critic
from ganbench_losses.papers import HUANG, JOLICOEUR, MESCHEDER


@dataclass(frozen=True)
class RpGANR1R2:
    """Relativistic pairing with zero-centered gradient penalties on real (R1) and fake (R2) samples.

    Huang et al. 2024 (R3GAN), equations 2 to 4; pairing by Jolicoeur-Martineau 2018, R1 by
    Mescheder et al. 2018. Each penalty has the weight gamma / 2. The logits are not log-odds:
    only differences between them are meaningful.
    """

    gamma: float = 0.1

    version = "1"
    reference = (HUANG, JOLICOEUR, MESCHEDER)
    log_odds = False

    def d_loss(self, critic: Critic) -> Tensor:
        pairing = softplus(critic.fake - critic.real).mean()
        return pairing + self.gamma / 2 * (
            self._slope(critic, critic.real_samples) + self._slope(critic, critic.fake_samples)
        )

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(critic.real - critic.fake).mean()

    @staticmethod
    def _slope(critic: Critic, x: Tensor) -> Tensor:
        """The mean squared norm of D's gradient at x."""
        return critic.gradient(x).square().sum(dim=1).mean()
