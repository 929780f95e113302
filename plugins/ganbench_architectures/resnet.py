"""SNGAN's residual generator and discriminator for small square images."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn

from ganbench_architectures.images import unsupported
from ganbench_architectures.initialization import initialize_xavier
from ganbench_architectures.labels import Chain, Discriminator, batch_norm, check_heads, extras_of
from ganbench_architectures.papers import PROJECTION, ZHANG
from ganbench_architectures.resnet_blocks import DiscriminatorBlock, GeneratorBlock, SelfAttention, convolution
from ganbench_architectures.spectral import check_players, normalize_layers
from ganbench_losses.papers import GULRAJANI, MIYATO

UPSAMPLES = ("nearest", "bilinear")
POOLS = ("sum", "mean")


class Plan(NamedTuple):
    """The widths of both networks as multiples of `width`, and how many of D's blocks halve the size."""

    generator: tuple[int, ...]
    discriminator: tuple[int, ...]
    halvings: int


PLANS = {
    16: Plan((4, 4, 4), (2, 2, 2), 2),
    32: Plan((4, 4, 4, 4), (2, 2, 2, 2), 2),
    48: Plan((8, 4, 2, 1), (1, 2, 4, 8, 16), 4),
    64: Plan((16, 8, 4, 2, 1), (1, 2, 4, 8, 16), 5),
}
"""By the side of the image. 32 and 48 are the tables of Miyato et al. 2018, 64 is that of mimicry; 16 is 32 with one
block less in each player."""


@dataclass(frozen=True)
class Resnet:
    """Residual pair of SNGAN: batch norm in G, spectral norm in D.

    After Miyato et al. 2018, tables 4 and 5. G (B, latent) -> (B, C, S, S): linear to maps of 4x4 (6x6 for 48), blocks
    that double the size, batch norm, ReLU, a 3x3 convolution, tanh. D (B, C, S, S) -> (B, 1): blocks of which the
    first ones halve the size, ReLU, the sum over all places (`pool: mean`: their mean), linear. Widths follow the size:
    with `width: 64` G has 256 and D 128 channels for 32x32, G 512 to 64 and D 64 to 1024 for 48x48. Weights start as
    Xavier's, with the gain sqrt(2) in residual branches.

    `spectral_norm` (`none`, `d`, `both`): WGAN-GP's residual pair is `none` with `pool: mean` (without the layer norm
    of Gulrajani et al. 2017, which reproductions leave out). `upsample`: `nearest` or `bilinear`. `attention: true`
    adds self-attention where maps have half the size of the image (Zhang et al. 2019). `conditional: true`:
    conditional batch norm in G's blocks and a projection in D (Miyato and Koyama 2018), or the extra "class_logits"
    with `class_head`. `features` returns the pooled features as an extra.
    """

    width: int = 64
    latent: int = 128
    spectral_norm: str = "d"
    pool: str = "sum"
    upsample: str = "nearest"
    attention: bool = False
    conditional: bool = False
    class_head: bool = False
    features: bool = False

    version = "1"
    reference = (MIYATO, PROJECTION, GULRAJANI, ZHANG)

    def __post_init__(self) -> None:
        if min(self.width, self.latent) < 1:
            raise ValueError("width and latent must be >= 1")
        for name, choices in (("pool", POOLS), ("upsample", UPSAMPLES)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}")
        check_players(self.spectral_norm)
        check_heads(self.conditional, self.class_head)

    @property
    def extras(self) -> tuple[str, ...]:
        """What D returns beside its logits."""
        return extras_of(self.class_head, self.features)

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return unsupported(shape, lambda side: side in PLANS, "images of 16x16, 32x32, 48x48 and 64x64")

    def generator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        widths = [self.width * factor for factor in PLANS[shape[1]].generator]
        side = shape[1] >> (len(widths) - 1)
        start = nn.Linear(self.latent, widths[0] * side**2)
        initialize_xavier(start)
        blocks: list[nn.Module] = [GeneratorBlock(a, b, self.upsample, classes) for a, b in pairwise(widths)]
        if self.attention:
            blocks.insert(-1, SelfAttention(widths[-2]))
        made = Chain(
            start,
            nn.Unflatten(1, (widths[0], side, side)),
            *blocks,
            batch_norm(widths[-1], None),
            nn.ReLU(),
            convolution(widths[-1], shape[0], 3),
            nn.Tanh(),
        )
        if self.spectral_norm == "both":
            normalize_layers(made)
        return made

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
        plan = PLANS[shape[1]]
        widths = [shape[0], *(self.width * factor for factor in plan.discriminator)]
        blocks: list[nn.Module] = [
            DiscriminatorBlock(a, b, down=i < plan.halvings, first=i == 0) for i, (a, b) in enumerate(pairwise(widths))
        ]
        if self.attention:
            blocks.insert(1, SelfAttention(widths[1]))
        body = nn.Sequential(*blocks, nn.ReLU(), Pool(self.pool == "mean"))
        made = Discriminator(body, widths[-1], classes, self.class_head, self.features)
        initialize_xavier(made.output)
        if made.projection is not None:
            nn.init.xavier_uniform_(made.projection.weight)
        if self.spectral_norm != "none":
            normalize_layers(made)
        return made


class Pool(nn.Module):
    """The sum or the mean over all places: (B, C, H, W) -> (B, C)."""

    def __init__(self, mean: bool) -> None:
        super().__init__()
        self.mean = mean

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)) if self.mean else x.sum(dim=(2, 3))
