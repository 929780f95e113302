"""Two generators of another kind: one steered by styles, one made of attention alone."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganbench import hookimpl


class Styled(nn.Module):
    """A convolution whose normalized maps are scaled and moved by a style (AdaIN)."""

    def __init__(self, inputs: int, outputs: int, style: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(inputs, outputs, 3, 1, 1), nn.InstanceNorm2d(outputs)
        self.affine = nn.Linear(style, 2 * outputs)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, move = self.affine(style)[:, :, None, None].chunk(2, dim=1)
        styled: Tensor = (self.norm(self.conv(x)) * (1 + scale) + move).relu()
        return styled


class StyleGenerator(nn.Module):
    """A mapping network, a learned constant, styled convolutions; with `psi` < 1, styles are drawn to their average."""

    average: Tensor

    def __init__(self, latent: int, width: int, shape: tuple[int, ...], psi: float) -> None:
        super().__init__()
        self.mapping = nn.Sequential(nn.Linear(latent, width), nn.LeakyReLU(0.2), nn.Linear(width, width))
        self.constant = nn.Parameter(torch.ones(1, width, shape[1] // 4, shape[2] // 4))
        self.blocks = nn.ModuleList(Styled(width, width, width) for _ in range(3))
        self.image, self.psi = nn.Conv2d(width, shape[0], 1), psi
        self.register_buffer("average", torch.zeros(width))

    def forward(self, latent: Tensor) -> Tensor:
        style = self.mapping(latent / (latent.square().mean(dim=1, keepdim=True) + 1e-8).sqrt())
        if self.training:
            self.average = self.average + 0.005 * (style.detach().mean(dim=0) - self.average)
        style = self.average + self.psi * (style - self.average)
        x = self.constant.expand(len(latent), -1, -1, -1)
        for block in self.blocks:
            x = block(x, style)
            if block is not self.blocks[-1]:
                x = interpolate(x, scale_factor=2.0, mode="nearest")
        made: Tensor = self.image(x).tanh()
        return made


class Attention(nn.Module):
    """A transformer block: attention and a small network, each after layer normalization."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend = nn.MultiheadAttention(width, heads, batch_first=True)
        self.net = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        seen = self.before(x)
        x = x + self.attend(seen, seen, seen, need_weights=False)[0]
        result: Tensor = x + self.net(self.between(x))
        return result


class PatchGenerator(nn.Module):
    """Latents to tokens with places, attention, a patch of pixels from each token."""

    def __init__(self, latent: int, width: int, shape: tuple[int, ...], patch: int) -> None:
        super().__init__()
        self.shape, self.patch = shape, patch
        self.tokens = (shape[1] // patch) * (shape[2] // patch)
        self.start, self.places = nn.Linear(latent, width), nn.Parameter(0.1 * torch.randn(self.tokens, width))
        self.blocks = nn.Sequential(Attention(width, 2), Attention(width, 2))
        self.pixels = nn.Linear(width, shape[0] * patch**2)

    def forward(self, latent: Tensor) -> Tensor:
        tokens = self.pixels(self.blocks(self.start(latent)[:, None] + self.places))
        made: Tensor = nn.functional.fold(tokens.transpose(1, 2), self.shape[1:], self.patch, stride=self.patch)
        return made.tanh()


class PatchDiscriminator(nn.Module):
    """Patches to tokens with places, attention, the mean token to a logit."""

    def __init__(self, width: int, shape: tuple[int, ...], patch: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(shape[0], width, patch, patch)
        self.places = nn.Parameter(0.1 * torch.randn((shape[1] // patch) * (shape[2] // patch), width))
        self.blocks, self.logit = nn.Sequential(Attention(width, 2), Attention(width, 2)), nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2) + self.places
        logits: Tensor = self.logit(self.blocks(tokens).mean(dim=1))
        return logits


def _in_patches(shape: tuple[int, ...], patch: int) -> str | None:
    fits = len(shape) == 3 and shape[1] % patch == 0 and shape[2] % patch == 0
    return None if fits else f"it needs images whose sides are multiples of {patch}"


@dataclass(frozen=True)
class StyleGan:
    """StyleGAN's generator in small: mapping, AdaIN, average style (Karras et al. 2019), with a convolutional D.

    `psi` is the truncation of styles during training too; leave it at 1 and use `evaluation.truncation`.
    """

    width: int = 16
    latent: int = 16
    psi: float = 1.0

    reference = "arXiv:1812.04948"

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return _in_patches(shape, 4)

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        return StyleGenerator(self.latent, self.width, shape, self.psi)

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(shape[0], self.width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(self.width, self.width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(self.width * shape[1] * shape[2] // 16, 1),
        )


@dataclass(frozen=True)
class TransGan:
    """TransGAN in small: both networks are made of attention on patches (Jiang et al. 2021)."""

    width: int = 32
    latent: int = 16
    patch: int = 4

    reference = "arXiv:2102.07074"

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return _in_patches(shape, self.patch)

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        return PatchGenerator(self.latent, self.width, shape, self.patch)

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return PatchDiscriminator(self.width, shape, self.patch)


@hookimpl
def register_architectures() -> dict[str, type]:
    return {"stylegan": StyleGan, "transgan": TransGan}
