"""Fully connected generator and discriminator, for points and small images."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from ganbench_architectures.labels import Discriminator, WithClass, check_heads, extras_of
from ganbench_architectures.spectral import check_players, normalize_layers

NORMS = ("none", "batch", "layer")
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU}
ERRORS = ("absolute", "squared")


@dataclass(frozen=True)
class Mlp:
    """Fully connected pair of equal depth: ReLU in G, LeakyReLU of the given slope in D.

    G (B, latent) -> (B, *shape) ends in tanh for images (which lie in [-1, 1]) and is linear for points. D is
    (B, *shape) -> (B, 1).

    `depth` hidden layers of `width` units, each linear, then `norm_g` or `norm_d` (`none`, `batch`, `layer`), then the
    activation (`activation`: G's `relu`, `tanh` or `silu`). `spectral_norm` (`none`, `d`, `both`) divides the weights
    by their largest singular values. `conditional: true`: G gets a learned vector of the class beside the latent, D
    adds a projection onto another (or, with `class_head`, returns "class_logits"). `features` returns D's last hidden
    layer as an extra.

    `autoencoder: true` makes D an auto-encoder (as of EBGAN and BEGAN): hidden layers, a code of
    `code` numbers, hidden layers, a sample. Its logit is minus the mean `absolute` or `squared` error (`error`) of a
    sample's numbers; "reconstruction" (B, *shape) and "code" (B, code) are extras.
    """

    width: int = 64
    depth: int = 3
    latent: int = 2
    slope: float = 0.0
    activation: str = "relu"
    norm_g: str = "none"
    norm_d: str = "none"
    spectral_norm: str = "none"
    conditional: bool = False
    class_head: bool = False
    features: bool = False
    autoencoder: bool = False
    code: int = 16
    error: str = "absolute"

    version = "1"

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.latent, self.code) < 1:
            raise ValueError("width, depth, latent and code must be >= 1")
        given = ("norm_g", NORMS), ("norm_d", NORMS), ("activation", tuple(ACTIVATIONS)), ("error", ERRORS)
        for name, choices in given:
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}")
        check_players(self.spectral_norm)
        check_heads(self.conditional, self.class_head)
        if self.autoencoder and (self.conditional or self.features):
            raise ValueError("an auto-encoder has the extras reconstruction and code, and no head for labels: remove "
                             "`conditional` and `features`, or `autoencoder`")  # fmt: skip

    @property
    def extras(self) -> tuple[str, ...]:
        """What D returns beside its logits."""
        return ("reconstruction", "code") if self.autoencoder else extras_of(self.class_head, self.features)

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        inputs = self.latent if classes is None else 2 * self.latent
        layers = [*self._hidden(inputs, ACTIVATIONS[self.activation], self.norm_g), nn.Linear(self.width, prod(shape))]
        if len(shape) > 1:
            layers += [nn.Tanh(), nn.Unflatten(1, shape)]
        body = nn.Sequential(*layers)
        made = body if classes is None else WithClass(body, classes, self.latent)
        if self.spectral_norm == "both":
            normalize_layers(made)
        return made

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        made: nn.Module
        if self.autoencoder:
            made = AutoEncoder(*self._coder(prod(shape), shape), squared=self.error == "squared")
        else:
            body = nn.Sequential(nn.Flatten(), *self._hidden(prod(shape), self._leaky, self.norm_d))
            made = Discriminator(body, self.width, classes, self.class_head, self.features)
        if self.spectral_norm != "none":
            normalize_layers(made)
        return made

    def _coder(self, numbers: int, shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
        """Encoder and decoder of samples with so many numbers."""
        encoder = [nn.Flatten(), *self._hidden(numbers, self._leaky, self.norm_d), nn.Linear(self.width, self.code)]
        decoder = [*self._hidden(self.code, self._leaky, self.norm_d), nn.Linear(self.width, numbers)]
        if len(shape) > 1:
            decoder += [nn.Tanh()]
        return nn.Sequential(*encoder), nn.Sequential(*decoder, nn.Unflatten(1, shape))

    def _leaky(self) -> nn.Module:
        return nn.LeakyReLU(self.slope)

    def _hidden(self, inputs: int, activation: Callable[[], nn.Module], norm: str) -> list[nn.Module]:
        """The hidden layers: linear, normalization, activation."""
        layers: list[nn.Module] = []
        for a, b in pairwise([inputs, *[self.width] * self.depth]):
            layers.append(nn.Linear(a, b))
            if norm != "none":
                layers.append(nn.BatchNorm1d(b) if norm == "batch" else nn.LayerNorm(b))
            layers.append(activation())
        return layers


class AutoEncoder(nn.Module):
    """A discriminator whose logits (B,) are minus the mean error of its reconstructions (B, *shape)."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, squared: bool) -> None:
        super().__init__()
        self.encoder, self.decoder, self.squared = encoder, decoder, squared

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        code = self.encoder(x)
        made = self.decoder(code)
        error = (x - made).flatten(1)
        error = torch.square(error) if self.squared else torch.abs(error)
        return -error.mean(dim=1), {"reconstruction": made, "code": code}
