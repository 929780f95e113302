"""The two convolutional pairs of pytorch-gan-collections for CIFAR-10."""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from ganbench_architectures.images import unsupported
from ganbench_architectures.initialization import initialize_normal
from ganbench_architectures.labels import Chain, Discriminator, batch_norm, check_heads, extras_of
from ganbench_architectures.papers import COLLECTIONS, RADFORD
from ganbench_architectures.spectral import check_players, normalize_layers
from ganbench_losses.papers import MIYATO

NETWORKS = ("dcgan", "sngan")
SIDES = (32, 48, 64)


@dataclass(frozen=True)
class Cnn32:
    """The convolutional networks of pytorch-gan-collections: DCGAN's, or SNGAN's standard CNN.

    G is (B, latent) -> (B, C, S, S), D (B, C, S, S) -> (B, 1). With w = `width`, for 32x32 images:

    `network: dcgan`: G transposes a convolution from the latent to 16 w maps of 2x2, then 4x4 with stride 2 to 8 w,
    4 w, 2 w and the image, without biases; D has 5x5 with stride 2, without biases, w, 2 w, 4 w, 8 w, LeakyReLU of
    slope 0.2 followed by batch norm (not in the first). Weights start as torch's.

    `network: sngan` (Miyato et al. 2018, table 3): G is linear to 8 w maps of 4x4, then 4x4 with stride 2 to 4 w, 2 w,
    w, then 3x3 to the image; D alternates 3x3 and 4x4 with stride 2, w, 2 w, 2 w, 4 w, 4 w, 8 w, 8 w, LeakyReLU of
    slope 0.1. Weights start as N(0, 0.02), biases as 0. (The paper's D doubles the width in the 3x3 layers.)

    Batch norm and ReLU in G, tanh at its end. `spectral_norm` (`none`, `d`, `both`) divides the weights by their
    largest singular values. `conditional: true`: conditional batch norm in G, a projection in D (or, with `class_head`,
    the extra "class_logits"). `features` returns what D's last layer gets as an extra.
    """

    network: str = "dcgan"
    width: int = 64
    latent: int = 100
    spectral_norm: str = "none"
    conditional: bool = False
    class_head: bool = False
    features: bool = False

    version = "1"
    reference = (COLLECTIONS, RADFORD, MIYATO)

    def __post_init__(self) -> None:
        if min(self.width, self.latent) < 1:
            raise ValueError("width and latent must be >= 1")
        if self.network not in NETWORKS:
            raise ValueError(f"network must be one of {', '.join(NETWORKS)}, got {self.network!r}")
        check_players(self.spectral_norm)
        check_heads(self.conditional, self.class_head)

    @property
    def extras(self) -> tuple[str, ...]:
        """What D returns beside its logits."""
        return extras_of(self.class_head, self.features)

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return unsupported(shape, lambda side: side in SIDES, "images of 32x32, 48x48 and 64x64")

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        layers = (self._dcgan_generator if self.network == "dcgan" else self._sngan_generator)(shape, classes)
        made = Chain(*layers, nn.Tanh())
        if self.network == "sngan":
            initialize_normal(made, gains=False)
        if self.spectral_norm == "both":
            normalize_layers(made)
        return made

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        layers = (self._dcgan_body if self.network == "dcgan" else self._sngan_body)(shape[0])
        side = shape[1] // (16 if self.network == "dcgan" else 8)
        body = nn.Sequential(*layers, nn.Flatten())
        made = Discriminator(body, 8 * self.width * side**2, classes, self.class_head, self.features)
        if self.network == "sngan":
            initialize_normal(made, gains=False)
        if self.spectral_norm != "none":
            normalize_layers(made)
        return made

    def _dcgan_generator(self, shape: tuple[int, ...], classes: int | None) -> list[nn.Module]:
        widths = [self.width * factor for factor in (16, 8, 4, 2)]
        layers: list[nn.Module] = [
            nn.Unflatten(1, (self.latent, 1, 1)),
            nn.ConvTranspose2d(self.latent, widths[0], shape[1] // 16, 1, 0, bias=False),
            batch_norm(widths[0], classes),
            nn.ReLU(),
        ]
        for a, b in pairwise(widths):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), batch_norm(b, classes), nn.ReLU()]
        return [*layers, nn.ConvTranspose2d(widths[-1], shape[0], 4, 2, 1, bias=False)]

    def _sngan_generator(self, shape: tuple[int, ...], classes: int | None) -> list[nn.Module]:
        widths, side = [self.width * factor for factor in (8, 4, 2, 1)], shape[1] // 8
        layers: list[nn.Module] = [
            nn.Linear(self.latent, widths[0] * side**2),
            nn.Unflatten(1, (widths[0], side, side)),
            batch_norm(widths[0], classes),
            nn.ReLU(),
        ]
        for a, b in pairwise(widths):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1), batch_norm(b, classes), nn.ReLU()]
        return [*layers, nn.Conv2d(widths[-1], shape[0], 3, 1, 1)]

    def _dcgan_body(self, channels: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for a, b in pairwise([channels, *(self.width * factor for factor in (1, 2, 4, 8))]):
            norm = [nn.BatchNorm2d(b)] if layers else []
            layers += [nn.Conv2d(a, b, 5, 2, 2, bias=False), nn.LeakyReLU(0.2), *norm]
        return layers

    def _sngan_body(self, channels: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise([channels, *(self.width * factor for factor in (1, 2, 2, 4, 4, 8, 8))])):
            layers += [nn.Conv2d(a, b, 4, 2, 1) if i % 2 else nn.Conv2d(a, b, 3, 1, 1), nn.LeakyReLU(0.1)]
        return layers
