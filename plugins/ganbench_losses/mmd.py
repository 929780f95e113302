"""The game of maximum mean discrepancy with a learned kernel."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Critic
from ganbench_losses.papers import LI


@dataclass(frozen=True)
class MMD:
    """MMD-GAN: D maps samples to what a Gaussian kernel compares; D maximizes the discrepancy, G minimizes it.

    Li et al. 2017, equation 3: V is the unbiased estimate of MMD^2 between D(real) and D(fake), of the sum of the
    kernels exp(-|a - b|^2 / (2 s^2)) with the bandwidths s. The kernel compares D's logits or, with `features: true`,
    its extra "features". The kernel is characteristic only if D is injective: the paper adds the error of an
    auto-encoder and `weight-clipping`, of which only the latter ships.
    """

    bandwidths: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    features: bool = False

    version = "1"
    reference = LI

    def __post_init__(self) -> None:
        if not self.bandwidths or min(self.bandwidths) <= 0:
            raise ValueError("bandwidths must be one or more numbers > 0")

    @property
    def needs(self) -> tuple[str, ...]:
        return ("features",) if self.features else ()

    def d_loss(self, critic: Critic) -> Tensor:
        return -self._discrepancy(critic)

    def g_loss(self, critic: Critic) -> Tensor:
        return self._discrepancy(critic)

    def _discrepancy(self, critic: Critic) -> Tensor:
        """The unbiased estimate of MMD^2 between both sides, a scalar."""
        real = critic.real_extras["features"] if self.features else critic.real
        fake = critic.fake_extras["features"] if self.features else critic.fake
        count, itself = len(real), len(self.bandwidths) * len(real)  # every sample's kernel with itself is 1
        pairs = max(count * (count - 1), 1)
        within = (self._kernel(real, real) - itself) / pairs + (self._kernel(fake, fake) - itself) / pairs
        return within - 2 * self._kernel(real, fake) / count**2

    def _kernel(self, a: Tensor, b: Tensor) -> Tensor:
        """The sum of the kernels over all pairs of rows."""
        distances = (a[:, None] - b[None]).square() if a.dim() == 1 else _distances(a.flatten(1), b.flatten(1))
        return torch.stack([torch.exp(distances / (-2 * s**2)).sum() for s in self.bandwidths]).sum()


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """The squared distances of all rows of a (B, F) to all rows of b, by products, which is fast for many features."""
    center = a.detach().mean(dim=0)
    a, b = a - center, b - center
    return (a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)[None] - 2 * a @ b.T).clamp(min=0)
