"""The non-saturating loss: D as in the minimax game, G with another objective."""

from torch import Tensor
from torch.nn.functional import softplus

from ganbench import Critic
from ganbench_losses.papers import GOODFELLOW


class NonSaturating:
    """D as in minimax; G minimizes -E log D(G(z)), whose gradient does not vanish if D is confident.

    Goodfellow et al. 2014, section 3. At logit 0: d_loss = 2 log 2, g_loss = +log 2.
    """

    version = "1"
    reference = GOODFELLOW
    log_odds = True

    def d_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.real).mean() + softplus(critic.fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.fake).mean()
