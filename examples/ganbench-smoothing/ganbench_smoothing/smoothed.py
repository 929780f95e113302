"""The non-saturating loss with smoothed labels of real samples."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import softplus

from ganbench import Critic

SALIMANS = r"""
@inproceedings{salimans2016improved,
  author    = {Salimans, Tim and Goodfellow, Ian and Zaremba, Wojciech and Cheung, Vicki and Radford, Alec and
    Chen, Xi},
  title     = {Improved Techniques for Training {GANs}},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {29},
  year      = {2016},
}
"""


@dataclass(frozen=True)
class Smoothed:
    """D's target for real samples is 1 - eps instead of 1; G minimizes the non-saturating loss.

    Salimans et al. 2016, section 3.4. With s the softplus, D minimizes
    E[(1 - eps) s(-D(x)) + eps s(D(x))] + E s(D(G(z))).
    """

    eps: float = 0.1

    version = "1"
    reference = SALIMANS

    def __post_init__(self) -> None:
        if not 0 <= self.eps < 1:
            raise ValueError(f"eps must be >= 0 and < 1, got {self.eps}")

    def d_loss(self, critic: Critic) -> Tensor:
        real = (1 - self.eps) * softplus(-critic.real) + self.eps * softplus(critic.real)
        return real.mean() + softplus(critic.fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.fake).mean()
