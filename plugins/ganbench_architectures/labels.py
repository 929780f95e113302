"""How networks use class labels: learned vectors, conditional batch norm, and the heads of a discriminator."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn


class ClassVectors(nn.Embedding):
    """One learned vector for each class: labels (B,) int64 -> (B, dims).

    An `nn.Embedding` that is computed as a product with one-hot rows: its gradient has the same bits on every device.
    `normalizable` says whether spectral normalization applies to it.
    """

    def __init__(self, classes: int, dims: int, mean: float = 0.0, std: float = 1.0, normalizable: bool = True) -> None:
        super().__init__(classes, dims, _weight=mean + std * torch.randn(classes, dims))
        self.normalizable = normalizable

    def forward(self, input: Tensor) -> Tensor:
        weight: Tensor = self.weight
        rows = input[:, None] == torch.arange(weight.shape[0], device=input.device)
        chosen: Tensor = rows.to(weight.dtype) @ weight
        return chosen


class ConditionalBatchNorm2d(nn.Module):
    """Batch norm whose gain and shift depend on the class: maps (B, C, H, W), labels (B,) -> (B, C, H, W).

    De Vries et al. 2017; gains start as N(1, 0.02), shifts as 0, as Miyato and Koyama's do.
    """

    labeled = True

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = ClassVectors(classes, channels, 1.0, 0.02, normalizable=False)
        self.shift = ClassVectors(classes, channels, 0.0, 0.0, normalizable=False)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        gain, shift = (vectors(labels)[:, :, None, None] for vectors in (self.gain, self.shift))
        normalized: Tensor = gain * self.norm(x) + shift
        return normalized


def batch_norm(channels: int, classes: int | None) -> nn.Module:
    """Batch norm, conditional if there are classes."""
    return nn.BatchNorm2d(channels) if classes is None else ConditionalBatchNorm2d(channels, classes)


class Chain(nn.Sequential):
    """Layers in sequence; those with `labeled` true also get the labels, if there are any."""

    labeled: ClassVar[bool] = True

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        for layer in self:
            x = layer(x) if labels is None or not getattr(layer, "labeled", False) else layer(x, labels)
        return x


class WithClass(nn.Module):
    """A generator whose input is the latent beside a learned vector of the class: (B, latent), (B,) -> (B, *shape)."""

    def __init__(self, body: nn.Module, classes: int, dims: int) -> None:
        super().__init__()
        self.body = body
        self.vectors = ClassVectors(classes, dims)

    def forward(self, latent: Tensor, labels: Tensor) -> Tensor:
        made: Tensor = self.body(torch.cat([latent, self.vectors(labels)], dim=1))
        return made


class Discriminator(nn.Module):
    """A discriminator: a body that computes features (B, dims), and the heads on them.

    The logits (B, 1) are a linear function of the features. With `projection` the inner product of the features with a
    learned vector of the class is added (Miyato and Koyama 2018): logits = w f(x) + b + <v[y], f(x)>. With
    `class_head` D classifies instead, and the labels do not enter: "class_logits" (B, classes) are an extra (Odena
    et al. 2017); a loss with a class for fakes takes the logits as its own (see `multi-hinge`). With `features`
    "features" (B, dims) are an extra.
    """

    def __init__(
        self, body: nn.Module, dims: int, classes: int | None = None, class_head: bool = False, features: bool = False
    ) -> None:
        super().__init__()
        self.body = body
        self.output = nn.Linear(dims, 1)
        self.projection = ClassVectors(classes, dims) if classes is not None and not class_head else None
        self.class_head = nn.Linear(dims, classes) if classes is not None and class_head else None
        self.features = features

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        features: Tensor = self.body(x)
        logits: Tensor = self.output(features)
        if self.projection is not None and labels is not None:
            logits = logits + (self.projection(labels) * features).sum(dim=1, keepdim=True)
        extras = {}
        if self.class_head is not None:
            extras["class_logits"] = self.class_head(features)
        if self.features:
            extras["features"] = features
        return (logits, extras) if extras else logits


def extras_of(class_head: bool, features: bool) -> tuple[str, ...]:
    """The names of the extras that a `Discriminator` returns."""
    return tuple(name for name, there in (("class_logits", class_head), ("features", features)) if there)


def check_heads(conditional: bool, class_head: bool) -> None:
    """Raises `ValueError` if D should classify without knowing that there are classes."""
    if class_head and not conditional:
        raise ValueError("class_head needs the classes of the data: set `conditional: true` too")
