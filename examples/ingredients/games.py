"""Games and penalties that need nothing but logits, gradients, noise or memory."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ganbench import Critic, hookimpl, normal, uniform


@dataclass(frozen=True)
class WganDiv:
    """The penalty of WGAN-div: k E |grad D(x)|^p, x between real and fake samples (Wu et al. 2018)."""

    k: float = 2.0
    p: float = 6.0

    game = False
    reference = "arXiv:1712.01026"

    def d_loss(self, critic: Critic) -> Tensor:
        return self.k * (critic.gradient(critic.between()).square().sum(dim=1) ** (self.p / 2)).mean()


class TotalVariation:
    """f-GAN with the total variation: g(v) = tanh(v) / 2, f*(t) = t (Nowozin et al. 2016)."""

    reference = "arXiv:1606.00709"

    def d_loss(self, critic: Critic) -> Tensor:
        return (critic.fake.tanh().mean() - critic.real.tanh().mean()) / 2

    def g_loss(self, critic: Critic) -> Tensor:
        return -critic.fake.tanh().mean() / 2


class Neyman:
    """f-GAN with Neyman's chi square: g(v) = 1 - exp(-v), f*(t) = 2 - 2 sqrt(1 - t) (Nowozin et al. 2016)."""

    reference = "arXiv:1606.00709"

    def d_loss(self, critic: Critic) -> Tensor:
        return (-critic.real).exp().mean() - 1 + 2 - 2 * (-critic.fake / 2).exp().mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return 2 * (-critic.fake / 2).exp().mean() - 2


@dataclass(frozen=True)
class SmoothLabels:
    """The non-saturating loss with one-sided label smoothing: D aims at `real` for real samples (Salimans et al. 2016).

    Section 3.4. Cross-entropy of a probability of `real`, not of 1.
    """

    real: float = 0.9

    reference = "arXiv:1606.03498"

    def d_loss(self, critic: Critic) -> Tensor:
        on_real = self.real * softplus(-critic.real) + (1 - self.real) * softplus(critic.real)
        return on_real.mean() + softplus(critic.fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.fake).mean()


@dataclass(frozen=True)
class TopK:
    """The non-saturating loss, where G learns from the best fakes alone: a `share` of the batch (Sinha et al. 2020).

    `share: {from: 1.0, to: 0.5}` anneals it, as the paper does: the ranks are compared, so that a tensor will do.
    """

    share: float = 0.5

    reference = "arXiv:2002.06224"

    def d_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.real).mean() + softplus(critic.fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        ranks = critic.fake.argsort(descending=True).argsort()
        chosen = (ranks < self.share * len(ranks)).to(critic.fake.dtype)
        return (softplus(-critic.fake) * chosen).sum() / chosen.sum()


@dataclass(frozen=True)
class PseudoAugmentation:
    """Adaptive pseudo augmentation (APA): fakes stand in for real samples as D grows too sure (Jiang et al. 2021).

    The probability follows the mean sign of D's logits of real samples, as ADA's does.
    """

    target: float = 0.6
    images: float = 500_000.0

    reference = "arXiv:2111.06849"
    noise = {"gate": uniform(), "latent": normal("latent")}

    def d_loss(self, critic: Critic) -> Tensor:
        others = critic.generate(critic.noise["latent"])
        gate = critic.noise["gate"] < critic.memory["share"]
        shown = torch.where(gate.reshape(-1, *[1] * (others.dim() - 1)), others, critic.real_samples)
        return softplus(-critic(shown, like="real")).mean() + softplus(critic.fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.fake).mean()

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"share": torch.zeros(())}

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        direction = (critic.real.sign().mean() - self.target).sign()
        share = critic.memory["share"] + direction * len(critic.real_samples) / self.images
        return {"share": share.clamp(0, 1)}


@dataclass(frozen=True)
class LatentOptimization:
    """The hinge loss after a step of the latents toward higher logits (LOGAN, Wu et al. 2019)."""

    rate: float = 0.9
    damping: float = 5.0

    reference = "arXiv:1912.00953"

    def d_loss(self, critic: Critic) -> Tensor:
        return relu(1 - critic.real).mean() + relu(1 + self._logits(critic)).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return -self._logits(critic).mean()

    def _logits(self, critic: Critic) -> Tensor:
        """D's logits at G(z + rate g / (damping + |g|^2)), g the gradient of D(G(z))."""
        slopes = torch.func.grad(lambda latent: critic(critic.generate(latent)).sum())(critic.latent)
        step = self.rate * slopes / (self.damping + slopes.square().sum(dim=1, keepdim=True))
        return critic(critic.generate(critic.latent + step))


@hookimpl
def register_losses() -> dict[str, type]:
    return {
        "wgan-div": WganDiv,
        "total-variation": TotalVariation,
        "neyman": Neyman,
        "smooth-labels": SmoothLabels,
        "top-k": TopK,
        "apa": PseudoAugmentation,
        "logan": LatentOptimization,
    }
