"""The two-player game of the original GAN paper: both players share V(D, G)."""

from torch import Tensor
from torch.nn.functional import softplus

from ganbench import Critic
from ganbench_losses.papers import GOODFELLOW


class Minimax:
    """The saturating game: min over G, max over D of E log D(x) + E log(1 - D(G(z))).

    Goodfellow et al. 2014, equation 1. G's loss saturates if D is confident; this is intended, although
    many libraries call the non-saturating loss "minimax". At logit 0: d_loss = 2 log 2, g_loss = -log 2.
    """

    version = "1"
    reference = GOODFELLOW
    log_odds = True

    def d_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.real).mean() + softplus(critic.fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return -softplus(critic.fake).mean()
