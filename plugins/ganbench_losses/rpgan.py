"""Relativistic games: D compares real with fake samples, in pairs or with the other side's average."""

from torch import Tensor
from torch.nn.functional import softplus

from ganbench import Critic
from ganbench_losses.papers import HUANG, JOLICOEUR


class RpGAN:
    """Relativistic pairing: D tells which sample of a pair of a real and a fake one is real.

    Jolicoeur-Martineau 2018, section 4.1 (RSGAN); Huang et al. 2024, equation 2. D minimizes
    E softplus(D(fake) - D(real)), G minimizes E softplus(D(real) - D(fake)), over pairs at the same position of both
    batches. The logits are not log-odds: only differences between them are meaningful.
    """

    version = "1"
    reference: tuple[str, ...] = (JOLICOEUR, HUANG)

    def d_loss(self, critic: Critic) -> Tensor:
        return softplus(critic.fake - critic.real).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(critic.real - critic.fake).mean()


class RaGAN:
    """Relativistic average: D tells whether a sample is more real than the other side's average.

    Jolicoeur-Martineau 2018, section 4.3 (RaSGAN). With d_real = D(real) - E D(fake) and d_fake = D(fake) - E
    D(real), D minimizes E softplus(-d_real) + E softplus(d_fake), G minimizes E softplus(d_real) + E softplus(-d_fake).
    The averages are those of the batch, and the gradient goes through them. The logits are not log-odds.
    """

    version = "1"
    reference = JOLICOEUR

    def d_loss(self, critic: Critic) -> Tensor:
        real, fake = self._relative(critic)
        return softplus(-real).mean() + softplus(fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        real, fake = self._relative(critic)
        return softplus(real).mean() + softplus(-fake).mean()

    @staticmethod
    def _relative(critic: Critic) -> tuple[Tensor, Tensor]:
        """Both sides' logits, less the other side's average."""
        return critic.real - critic.fake.mean(), critic.fake - critic.real.mean()
