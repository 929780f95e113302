"""Convolutional generator and discriminator for square images from 8 pixels on."""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from ganbench_architectures.images import unsupported
from ganbench_architectures.initialization import initialize_normal
from ganbench_architectures.labels import Chain, Discriminator, batch_norm, check_heads, extras_of
from ganbench_architectures.papers import RADFORD
from ganbench_architectures.spectral import check_players, normalize_layers

INITS = ("torch", "paper")
NORMS = ("none", "batch")
LEAST, MOST = 3, 8
"""The sides that the smallest maps may have."""


@dataclass(frozen=True)
class Dcgan:
    """Convolutional pair: strided 4x4 convolutions, batch norm in G, none in D.

    After Radford et al. 2016. G is a linear layer to maps of 3x3 to 7x7, then transposed convolutions that double
    the size while the number of channels halves, down to `width`, then tanh: (B, latent) -> (B, C, S, S). D mirrors
    it without batch norm, with which the minimax loss degrades as D saturates: (B, C, S, S) -> (B, 1).

    It differs from the paper's networks: kernels are 4x4 (there 5x5, its published code for torch 4x4), widths follow
    the size of the image (there 1024 to 128 for 64x64, here 512 to 64 unless `width: 128`), the latent is normal with
    64 numbers (there uniform, 100), D has no batch norm (`norm_d: batch` puts it into all but the first layer), and
    the weights start as torch's layers do (`init: paper`: N(0, 0.02), the gains of batch norm N(1, 0.02), biases 0).

    `spectral_norm` (`none`, `d`, `both`) divides the weights by their largest singular values. `conditional: true`:
    conditional batch norm in G, a projection in D (or, with `class_head`, the extra "class_logits"). `features` returns
    what D's last layer gets as an extra.
    """

    width: int = 64
    latent: int = 64
    slope: float = 0.2
    init: str = "torch"
    norm_d: str = "none"
    spectral_norm: str = "none"
    conditional: bool = False
    class_head: bool = False
    features: bool = False

    version = "1"
    reference = RADFORD

    def __post_init__(self) -> None:
        if min(self.width, self.latent) < 1:
            raise ValueError("width and latent must be >= 1")
        for name, choices in (("init", INITS), ("norm_d", NORMS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}")
        check_players(self.spectral_norm)
        check_heads(self.conditional, self.class_head)

    @property
    def extras(self) -> tuple[str, ...]:
        """What D returns beside its logits."""
        return extras_of(self.class_head, self.features)

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return unsupported(
            shape,
            lambda side: side >= 8 and LEAST <= _smallest(side)[0] <= MOST,
            f"square images of 8 pixels and more whose side halves to {LEAST} to {MOST}, such as 16, 28, 32, 48 or 64",
        )

    def _widths(self, shape: tuple[int, ...]) -> list[int]:
        """Channels from the image to the smallest maps: width, 2 width, 4 width, ..."""
        return [self.width * 2**i for i in range(_smallest(shape[1])[1])]

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        widths, side = self._widths(shape)[::-1], _smallest(shape[1])[0]
        layers: list[nn.Module] = [
            nn.Linear(self.latent, widths[0] * side**2),
            nn.Unflatten(1, (widths[0], side, side)),
            batch_norm(widths[0], classes),
            nn.ReLU(),
        ]
        for a, b in pairwise(widths):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), batch_norm(b, classes), nn.ReLU()]
        made = Chain(*layers, nn.ConvTranspose2d(widths[-1], shape[0], 4, 2, 1), nn.Tanh())
        return self._finished(made, self.spectral_norm == "both")

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        channels = [shape[0], *self._widths(shape)]
        layers: list[nn.Module] = []
        for a, b in pairwise(channels):
            layers.append(nn.Conv2d(a, b, 4, 2, 1))
            if self.norm_d == "batch" and len(layers) > 1:
                layers.append(nn.BatchNorm2d(b))
            layers.append(nn.LeakyReLU(self.slope))
        body = nn.Sequential(*layers, nn.Flatten())
        made = Discriminator(body, channels[-1] * _smallest(shape[1])[0] ** 2, classes, self.class_head, self.features)
        return self._finished(made, self.spectral_norm != "none")

    def _finished(self, module: nn.Module, spectral: bool) -> nn.Module:
        """The module with its initialization and spectral normalization."""
        if self.init == "paper":
            initialize_normal(module)
        if spectral:
            normalize_layers(module)
        return module


def _smallest(side: int) -> tuple[int, int]:
    """The side of the smallest maps, and how often the image is halved to get there."""
    halvings = 0
    while side % 2 == 0 and side // 2 >= LEAST:
        side, halvings = side // 2, halvings + 1
    return side, halvings
