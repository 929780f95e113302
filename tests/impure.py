"""Losses, transforms and layers of which most are not pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, softplus

from ganbench import Critic, normal
from ganbench_architectures.mlp import Mlp


class Pure:
    """The non-saturating loss."""

    def d_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.real).mean() + softplus(critic.fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.fake).mean()


class Remembers(Pure):
    """It keeps an average of logits in an attribute."""

    average = 0.0

    def d_loss(self, critic: Critic) -> Tensor:
        self.average = 0.9 * self.average + 0.1 * critic.real.mean().item()
        return super().d_loss(critic) + (critic.fake - self.average).square().mean()


class Numpy(Pure):
    """It draws from numpy."""

    def d_loss(self, critic: Critic) -> Tensor:
        return super().d_loss(critic) * float(np.random.rand())


class Random(Pure):
    """It draws from `random`, for G alone."""

    def g_loss(self, critic: Critic) -> Tensor:
        return super().g_loss(critic) * random.random()


class Sometimes(Pure):
    """What it computes depends on a hidden counter."""

    calls = 0

    def d_loss(self, critic: Critic) -> Tensor:
        self.calls += 1
        extra = critic(critic.between()).square().mean() if self.calls % 2 else critic.real.sum() * 0
        return super().d_loss(critic) + extra


class First(Pure):
    """It keeps the mean of the first batch that it sees."""

    center: Tensor | None = None

    def d_loss(self, critic: Critic) -> Tensor:
        if self.center is None:
            self.center = critic.real_samples.mean(0)
        return super().d_loss(critic) + (critic(critic.real_samples - self.center)).mean()


class Fourth(Pure):
    """It acts at every fourth call."""

    def __init__(self) -> None:
        self.calls = [0]

    def d_loss(self, critic: Critic) -> Tensor:
        self.calls[0] += 1
        return super().d_loss(critic) * (2.0 if self.calls[0] % 4 == 0 else 1.0)


class Undeclared(Pure):
    """It draws random numbers with torch."""

    def d_loss(self, critic: Critic) -> Tensor:
        noisy = critic.real_samples + 0.1 * torch.randn_like(critic.real_samples)
        return super().d_loss(critic) + critic(noisy).square().mean()


class Drops(Pure):
    """It uses a random layer of torch."""

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(-dropout(critic.fake, 0.5)).mean()


class Generator(Pure):
    """It draws from a generator of its own."""

    def d_loss(self, critic: Critic) -> Tensor:
        own = torch.Generator().manual_seed(0)
        return super().d_loss(critic) * torch.rand((), generator=own)


class Negates(Pure):
    """It works in place on the logits that the signals are computed from."""

    def d_loss(self, critic: Critic) -> Tensor:
        return softplus(critic.real.mul_(-1)).mean() + softplus(critic.fake).mean()


class Extras(Pure):
    """It works in place on what D returns beside its logits."""

    needs = ("features",)

    def d_loss(self, critic: Critic) -> Tensor:
        critic.extras(critic.real_samples)["features"].mul_(2)
        return super().d_loss(critic)


class Slices(Pure):
    """It works in place on a view of the samples."""

    def d_loss(self, critic: Critic) -> Tensor:
        critic.real_samples[:, 0] += 1
        return super().d_loss(critic)


class Detached(Pure):
    """It works in place behind autograd's back, which no version counter shows."""

    def g_loss(self, critic: Critic) -> Tensor:
        critic.fake_samples.data.mul_(0.5)
        return super().g_loss(critic)


class Clips(Pure):
    """It clips the parameters in place instead of returning new ones."""

    def project(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value.clamp_(-1, 1) for name, value in params.items()}


class Memory(Pure):
    """A memory whose start values are random."""

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"level": torch.rand(())}

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        return {"level": critic.memory["level"] * 0.9}


class AddsNoise:
    """Declared instance noise."""

    noise = {"eps": normal("sample")}

    def __call__(self, discriminator: Any, x: Tensor, noise: Mapping[str, Tensor], memory: Any) -> Tensor:
        result: Tensor = discriminator(x + 0.1 * noise["eps"])
        return result


class AddsItsOwn:
    """Undeclared instance noise."""

    def __call__(self, discriminator: Any, x: Tensor, noise: Mapping[str, Tensor], memory: Any) -> Tensor:
        result: Tensor = discriminator(x + 0.1 * torch.randn_like(x))
        return result


class Varies:
    """Its strength comes from numpy."""

    def __call__(self, discriminator: Any, x: Tensor, noise: Mapping[str, Tensor], memory: Any) -> Tensor:
        result: Tensor = discriminator(x + np.random.rand())
        return result


class Shifts:
    """It moves the samples in place."""

    def __call__(self, discriminator: Any, x: Tensor, noise: Mapping[str, Tensor], memory: Any) -> Tensor:
        result: Tensor = discriminator(x.add_(1))
        return result


class Networks(Mlp):
    """The mlp with another D."""

    layer: type[nn.Module] = nn.Identity

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        return nn.Sequential(self.layer(), nn.Linear(2, 32), nn.ReLU(inplace=True), nn.Linear(32, 1))


class Counts(nn.Module):
    """A layer with a hidden counter."""

    calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += self.training
        return x * (1 + self.calls)


class InPlace(nn.ReLU):
    """A first layer that changes the samples."""

    def __init__(self) -> None:
        super().__init__(inplace=True)
