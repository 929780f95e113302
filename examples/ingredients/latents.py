"""Latents: codes that can be read back, uniform and discrete ones, several generators, several discriminators."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from ganbench import Critic, hookimpl


def layers(*widths: int) -> nn.Sequential:
    """A fully connected network of these widths, with ReLU between."""
    hidden = [layer for a, b in pairwise(widths[:-1]) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(widths[-2], widths[-1]))


@dataclass(frozen=True)
class Code:
    """InfoGAN's part for a continuous code: D reads the first latents off a fake (Chen et al. 2016).

    A normal code of unit variance: the negative log-likelihood is half the squared error.
    """

    weight: float = 1.0

    game = False
    needs = ("code",)
    reference = "arXiv:1606.03657"

    def d_loss(self, critic: Critic) -> Tensor:
        return self._error(critic)

    def g_loss(self, critic: Critic) -> Tensor:
        return self._error(critic)

    def _error(self, critic: Critic) -> Tensor:
        code = critic.fake_extras["code"]
        return self.weight / 2 * (code - critic.latent[:, : code.shape[1]]).square().sum(dim=1).mean()


@dataclass(frozen=True)
class WhichGenerator:
    """MGAN's part: D tells which generator made a fake, and the generators help it (Hoang et al. 2018)."""

    weight: float = 1.0

    game = False
    needs = ("generator",)
    reference = "arXiv:1708.02556"

    def d_loss(self, critic: Critic) -> Tensor:
        return self._error(critic)

    def g_loss(self, critic: Critic) -> Tensor:
        return self._error(critic)

    def _error(self, critic: Critic) -> Tensor:
        logits = critic.fake_extras["generator"]
        return self.weight * cross_entropy(logits, chosen(critic.latent, logits.shape[1]))


def chosen(latent: Tensor, count: int) -> Tensor:
    """One of `count` numbers (B,), all as likely, by the first latent, which is normal."""
    uniform: Tensor = torch.special.ndtr(latent[:, 0])
    return (uniform * count).long().clamp(max=count - 1)


class DualDiscriminators:
    """D2GAN: one D likes real samples, the other fakes; both scores are positive (Nguyen et al. 2017)."""

    needs = ("second",)
    reference = "arXiv:1709.03831"

    def d_loss(self, critic: Critic) -> Tensor:
        first_real, first_fake = softplus(critic.real), softplus(critic.fake)
        second_real, second_fake = (softplus(side["second"]) for side in (critic.real_extras, critic.fake_extras))
        first = first_fake.mean() - (first_real + 1e-8).log().mean()
        return first + second_real.mean() - (second_fake + 1e-8).log().mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return (softplus(critic.fake_extras["second"]) + 1e-8).log().mean() - softplus(critic.fake).mean()


@dataclass(frozen=True)
class SeveralDiscriminators:
    """GMAN: G plays against a softmax-weighted mean of several D (Durugkar et al. 2017, section 4)."""

    sharpness: float = 1.0

    needs = ("more",)
    log_odds = True
    reference = "arXiv:1611.01673"

    def d_loss(self, critic: Critic) -> Tensor:
        real, fake = self._all(critic)
        return (softplus(-real) + softplus(fake)).mean(dim=0).sum()

    def g_loss(self, critic: Critic) -> Tensor:
        losses = softplus(-self._all(critic)[1]).mean(dim=0)
        return ((self.sharpness * losses).softmax(dim=0) * losses).sum()

    @staticmethod
    def _all(critic: Critic) -> tuple[Tensor, Tensor]:
        """The logits (B, N) of all D, of both sides."""
        real = torch.cat([critic.real[:, None], critic.real_extras["more"]], dim=1)
        return real, torch.cat([critic.fake[:, None], critic.fake_extras["more"]], dim=1)


class Heads(nn.Module):
    """A D with a code, the number of a generator, and more logits beside its own."""

    def __init__(self, inputs: int, width: int, codes: int, generators: int) -> None:
        super().__init__()
        self.trunk = layers(inputs, width, width)
        self.logit, self.code, self.which = nn.Linear(width, 1), nn.Linear(width, codes), nn.Linear(width, generators)
        self.more = nn.ModuleList(layers(inputs, width, 1) for _ in range(2))

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        x = x.flatten(1)
        hidden = self.trunk(x).relu()
        more = torch.cat([one(x) for one in self.more], dim=1)
        extras = {"code": self.code(hidden), "generator": self.which(hidden), "second": more[:, 0], "more": more}
        return self.logit(hidden), extras


class Mixture(nn.Module):
    """Several generators, of which the first latent chooses one."""

    def __init__(self, latent: int, width: int, shape: tuple[int, ...], count: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(layers(latent, width, prod(shape)) for _ in range(count))
        self.shape = shape

    def forward(self, latent: Tensor) -> Tensor:
        made = torch.stack([one(latent) for one in self.members], dim=1)
        places = torch.arange(len(self.members), device=latent.device)
        share = (chosen(latent, len(self.members))[:, None] == places).to(made.dtype)
        return (made * share[:, :, None]).sum(dim=1).reshape(-1, *self.shape)


class Prior(nn.Module):
    """Normal latents as uniform ones in [-1, 1], of which the first are rounded to one of `values` numbers."""

    def __init__(self, discrete: int, values: int) -> None:
        super().__init__()
        self.discrete, self.values = discrete, values

    def forward(self, latent: Tensor) -> Tensor:
        uniform = torch.special.ndtr(latent)
        steps = (uniform[:, : self.discrete] * self.values).floor().clamp(max=self.values - 1) / (self.values - 1)
        return torch.cat([steps, uniform[:, self.discrete :]], dim=1) * 2 - 1


@dataclass(frozen=True)
class ManyHeads:
    """A fully connected pair: several generators or uniform and discrete latents, a D with many heads."""

    width: int = 32
    latent: int = 4
    generators: int = 3
    codes: int = 2
    discrete: int = 1

    extras = ("code", "generator", "second", "more")

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None if len(shape) == 1 else "it is for points"

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        if self.generators > 1:
            return Mixture(self.latent, self.width, shape, self.generators)
        return nn.Sequential(Prior(self.discrete, 5), layers(self.latent, self.width, prod(shape)))

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return Heads(prod(shape), self.width, self.codes, max(2, self.generators))


@hookimpl
def register_losses() -> dict[str, type]:
    return {
        "code": Code,
        "which-generator": WhichGenerator,
        "d2gan": DualDiscriminators,
        "gman": SeveralDiscriminators,
    }


@hookimpl
def register_architectures() -> dict[str, type]:
    return {"many-heads": ManyHeads}
