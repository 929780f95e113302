"""The hinge game."""

from torch import Tensor
from torch.nn.functional import relu

from ganbench import Critic
from ganbench_losses.papers import LIM, MIYATO


class Hinge:
    """The hinge loss: D separates real from fake samples by a margin, G maximizes D(fake).

    Lim and Ye 2017; Miyato et al. 2018, equations 16 and 17: D minimizes E max(0, 1 - D(real)) +
    E max(0, 1 + D(fake)), G minimizes -E D(fake).
    """

    version = "1"
    reference = (LIM, MIYATO)

    def d_loss(self, critic: Critic) -> Tensor:
        return relu(1 - critic.real).mean() + relu(1 + critic.fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return -critic.fake.mean()
