"""A plugin of planted faults for `benchmarks.diagnosis`: the shipped pairs, each with one thing broken."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganbench import Critic, hookimpl
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp


class Constant(nn.Module):
    """A generator that makes one learned sample, with a jitter of one thousandth."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, latent: Tensor) -> Tensor:
        sample: Tensor = self.inner(torch.zeros_like(latent))
        return sample + 1e-3 * latent[:, :1].reshape(-1, *[1] * (sample.ndim - 1))


class Loud(nn.Module):
    """A generator whose samples are multiplied by a number."""

    def __init__(self, inner: nn.Module, scale: float) -> None:
        super().__init__()
        self.inner, self.scale = inner, scale

    def forward(self, latent: Tensor) -> Tensor:
        sample: Tensor = self.inner(latent)
        return self.scale * sample


@dataclass(frozen=True)
class NarrowMlp(Mlp):
    """The MLP pair with a very narrow discriminator."""

    units: int = 8

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Mlp(self.units, self.depth, self.latent, self.slope).discriminator(shape, classes)


@dataclass(frozen=True)
class NarrowDcgan(Dcgan):
    """The convolutional pair with a very narrow discriminator."""

    channels: int = 1

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Dcgan(self.channels, self.latent, self.slope).discriminator(shape, classes)


@dataclass(frozen=True)
class ConstantMlp(Mlp):
    """The MLP pair with a generator that ignores its latents."""

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Constant(super().generator(shape, classes))


@dataclass(frozen=True)
class ConstantDcgan(Dcgan):
    """The convolutional pair with a generator that ignores its latents."""

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Constant(super().generator(shape, classes))


@dataclass(frozen=True)
class LoudMlp(Mlp):
    """The MLP pair with a generator whose samples are too large."""

    scale: float = 300.0

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Loud(super().generator(shape, classes), self.scale)


@dataclass(frozen=True)
class LoudDcgan(Dcgan):
    """The convolutional pair with a generator whose samples are too large."""

    scale: float = 300.0

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return Loud(super().generator(shape, classes), self.scale)


class Hinge:
    """Hinge loss (Lim and Ye 2017): not a fault, but its logits are not log-odds."""

    def d_loss(self, critic: Critic) -> Tensor:
        return (1 - critic.real).relu().mean() + (1 + critic.fake).relu().mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return -critic.fake.mean()


@hookimpl
def register_losses() -> dict[str, type[Hinge]]:
    return {"plain-hinge": Hinge}


@hookimpl
def register_architectures() -> dict[str, type[Mlp] | type[Dcgan]]:
    return {
        "narrow-mlp": NarrowMlp,
        "narrow-dcgan": NarrowDcgan,
        "constant-mlp": ConstantMlp,
        "constant-dcgan": ConstantDcgan,
        "loud-mlp": LoudMlp,
        "loud-dcgan": LoudDcgan,
    }
