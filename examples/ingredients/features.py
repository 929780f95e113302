"""Parts that read what D returns beside its logits, and discriminators that return it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, softplus

from ganbench import Critic, hookimpl


@dataclass(frozen=True)
class InfoMax:
    """InfoMax-GAN: features of an image predict its own local features among those of others (Lee et al. 2021).

    D learns with real images, G with its own.
    """

    weight: float = 0.2

    game = False
    needs = ("features", "local")
    reference = "arXiv:2007.04589"

    def d_loss(self, critic: Critic) -> Tensor:
        return self.weight * self._contrast(critic.real_extras["features"], critic.real_extras["local"])

    def g_loss(self, critic: Critic) -> Tensor:
        return self.weight * self._contrast(critic.fake_extras["features"], critic.fake_extras["local"])

    @staticmethod
    def _contrast(whole: Tensor, local: Tensor) -> Tensor:
        """The cross-entropy of finding the own image, from features (B, K) and local ones (B, K, P)."""
        scores = torch.einsum("ik,jkp->ijp", whole, local)
        own = torch.arange(len(whole), device=whole.device)[:, None].expand(-1, scores.shape[2])
        return cross_entropy(scores, own)


@dataclass(frozen=True)
class Rotations:
    """The self-supervised part of SSGAN: D tells by how many quarters an image is turned (Chen et al. 2019).

    D learns with real images, G with its own.
    """

    d_weight: float = 1.0
    g_weight: float = 0.2

    game = False
    needs = ("rotation",)
    reference = "arXiv:1811.11212"

    def d_loss(self, critic: Critic) -> Tensor:
        return self.d_weight * self._error(critic.real_extras["rotation"])

    def g_loss(self, critic: Critic) -> Tensor:
        return self.g_weight * self._error(critic.fake_extras["rotation"])

    @staticmethod
    def _error(logits: Tensor) -> Tensor:
        """The cross-entropy of logits (B, 4 turns times 4 answers)."""
        right = torch.arange(4, device=logits.device).repeat(len(logits))
        return cross_entropy(logits.reshape(-1, 4), right)


class PixelwiseLogits:
    """The part of a U-Net D that tells real from fake pixel by pixel (Schoenfeld et al. 2020)."""

    game = False
    needs = ("pixels",)
    reference = "arXiv:2002.12655"

    def d_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.real_extras["pixels"]).mean() + softplus(critic.fake_extras["pixels"]).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.fake_extras["pixels"]).mean()


@dataclass(frozen=True)
class Contrast:
    """The contrastive part of ContraD: two views of a real image find each other (Jeong and Shin 2021).

    D returns `view` and `other`, the features of an image and of its mirror image; with the transform `diffaugment`
    both are of an augmented one.
    """

    weight: float = 1.0
    temperature: float = 0.1

    game = False
    needs = ("view", "other")
    reference = "arXiv:2103.09742"

    def d_loss(self, critic: Critic) -> Tensor:
        ours, theirs = (normalize(critic.real_extras[name], dim=1) for name in ("view", "other"))
        scores = ours @ theirs.T / self.temperature
        own = torch.arange(len(scores), device=scores.device)
        return self.weight * (cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2


class Branches(nn.Module):
    """A small convolutional D for images with every extra that the parts above read."""

    def __init__(self, channels: int, side: int, width: int) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2))
        self.deep = nn.Sequential(nn.Conv2d(width, 2 * width, 4, 2, 1), nn.LeakyReLU(0.2))
        self.up = nn.ConvTranspose2d(2 * width, width, 4, 2, 1)
        self.pixels = nn.ConvTranspose2d(2 * width, 1, 4, 2, 1)
        size = 2 * width * (side // 4) ** 2
        self.logit, self.rotation = nn.Linear(size, 1), nn.Linear(size, 4)
        self.features, self.local = nn.Linear(size, 16), nn.Conv2d(width, 16, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        early = self.down(x)
        late = self.deep(early)
        flat = late.flatten(1)
        turned = [self._deep(torch.rot90(x, quarters, (-2, -1))) for quarters in (1, 2, 3)]
        extras = {
            "features": self.features(flat),
            "local": self.local(early).flatten(2),
            "rotation": torch.cat([self.rotation(one) for one in (flat, *turned)], dim=1),
            "pixels": self.pixels(torch.cat([self.up(late).relu(), early], dim=1))[:, 0],
            "view": self.features(flat),
            "other": self.features(self._deep(x.flip(-1))),
        }
        return self.logit(flat), extras

    def _deep(self, x: Tensor) -> Tensor:
        deep: Tensor = self.deep(self.down(x)).flatten(1)
        return deep


@dataclass(frozen=True)
class Rich:
    """A small convolutional pair whose D returns features, local ones, rotations, pixels and two views."""

    width: int = 8
    latent: int = 16

    extras = ("features", "local", "rotation", "pixels", "view", "other")

    def supports(self, shape: tuple[int, ...]) -> str | None:
        fits = len(shape) == 3 and shape[1] == shape[2] and shape[1] % 4 == 0
        return None if fits else "it needs square images whose side is a multiple of 4"

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        side, width = shape[1] // 4, 2 * self.width
        return nn.Sequential(
            nn.Linear(self.latent, width * side**2),
            nn.Unflatten(1, (width, side, side)),
            nn.ReLU(),
            nn.ConvTranspose2d(width, self.width, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(self.width, shape[0], 4, 2, 1),
            nn.Tanh(),
        )

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return Branches(shape[0], shape[1], self.width)


@hookimpl
def register_losses() -> dict[str, type]:
    return {
        "infomax": InfoMax,
        "rotations": Rotations,
        "pixelwise": PixelwiseLogits,
        "contrast": Contrast,
    }


@hookimpl
def register_architectures() -> dict[str, type]:
    return {"rich": Rich}
