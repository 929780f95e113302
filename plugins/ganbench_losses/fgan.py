"""The f-GAN family: games whose value at the best D is an f-divergence."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ganbench import Critic
from ganbench_losses.papers import NOWOZIN

LARGEST = 30.0
"""Above this exponent, exp continues along its tangent; the square of exp(30) is still finite in float32."""


def _exp(x: Tensor) -> Tensor:
    """exp(x), and above `LARGEST` its tangent, so that no logit makes a loss infinite."""
    return torch.exp(x.clamp(max=LARGEST)) * (1 + relu(x - LARGEST))


Curve = Callable[[Tensor], Tensor]

DIVERGENCES: dict[str, tuple[Curve, Curve]] = {
    "kl": (lambda v: v, lambda v: _exp(v - 1)),
    "reverse-kl": (lambda v: -_exp(-v), lambda v: v - 1),
    "pearson": (lambda v: v, lambda v: v.square() / 4 + v),
    "squared-hellinger": (lambda v: 1 - _exp(-v), lambda v: _exp(v) - 1),
    "js": (lambda v: log(2) - softplus(-v), lambda v: softplus(v) - log(2)),
}
"""The output activation g(v) and the conjugate f*(g(v)), both as functions of the logit v."""


@dataclass(frozen=True)
class FGAN:
    """D estimates an f-divergence by its variational bound, G minimizes it.

    Nowozin et al. 2016, equations 4 to 7 with the activations g and conjugates f* of tables 2 and 6. V = E g(D(real)) -
    E f*(g(D(fake))) is at most the divergence of real from fake samples, which the best D reaches. D minimizes -V.
    G minimizes -E g(D(fake)), the paper's heuristic (section 3.2), or with `saturating: true` V itself.

    `divergence` is one of kl, reverse-kl, pearson, squared-hellinger and js. `js` differs from `nonsaturating` (and
    with `saturating: true` from `minimax`) by constants only. Above an exponent of 30, exp continues along
    its tangent.
    """

    divergence: str = "kl"
    saturating: bool = False

    version = "1"
    reference = NOWOZIN

    def __post_init__(self) -> None:
        if self.divergence not in DIVERGENCES:
            raise ValueError(f"divergence must be one of {', '.join(DIVERGENCES)}, not {self.divergence!r}")

    @property
    def log_odds(self) -> bool:
        """Whether the best D's logit is log p(x) / q(x), which is so for two of the activations."""
        return self.divergence in ("reverse-kl", "js")

    def d_loss(self, critic: Critic) -> Tensor:
        activation, conjugate = DIVERGENCES[self.divergence]
        return conjugate(critic.fake).mean() - activation(critic.real).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        activation, conjugate = DIVERGENCES[self.divergence]
        return -(conjugate if self.saturating else activation)(critic.fake).mean()
