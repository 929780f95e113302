"""Parts that read what D returns beside its logits, and discriminators that return it."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, softplus

from ganbench import Critic, hookimpl, uniform


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
    """The contrastive part of ContraD: views of a real image find each other, fakes find fakes (Jeong and Shin 2021).

    Two views of every real image (SimCLR's loss), and a view of every fake, which all other fakes resemble and no view
    of a real image does (the supervised contrastive loss), by D's features. A view is flipped, and has another
    brightness and contrast.
    """

    weight: float = 1.0
    temperature: float = 0.1

    game = False
    needs = ("features",)
    noise = {"first": uniform(3), "second": uniform(3), "fake": uniform(3)}
    reference = "arXiv:2103.09742"

    def d_loss(self, critic: Critic) -> Tensor:
        views = [view(critic.real_samples, critic.noise[name]) for name in ("first", "second")]
        real = torch.cat([self._directions(critic.extras(one, like="real")) for one in views])
        fake = self._directions(critic.extras(view(critic.fake_samples, critic.noise["fake"]), like="fake"))
        return self.weight * (self._pairs(real) + self._class(fake, real))

    @staticmethod
    def _directions(extras: Mapping[str, Tensor]) -> Tensor:
        return normalize(extras["features"], dim=1)

    def _pairs(self, real: Tensor) -> Tensor:
        """The cross-entropy of finding the other view (2 B, K) of the same image among all others."""
        count = len(real)
        itself = torch.eye(count, dtype=torch.bool, device=real.device)
        scores = (real @ real.T / self.temperature).masked_fill(itself, -torch.inf)
        return cross_entropy(scores, (torch.arange(count, device=real.device) + count // 2) % count)

    def _class(self, fake: Tensor, real: Tensor) -> Tensor:
        """The mean cross-entropy of finding another fake (B, K) among the other fakes and all views of real images."""
        count = len(fake)
        itself = torch.eye(count, count + len(real), dtype=torch.bool, device=real.device)
        scores = (fake @ torch.cat([fake, real]).T / self.temperature).masked_fill(itself, -torch.inf)
        chances = scores.log_softmax(dim=1).masked_fill(itself, 0.0)[:, :count]
        return -chances.sum() / (count * (count - 1))


def view(x: Tensor, numbers: Tensor) -> Tensor:
    """The images (B, C, H, W), changed by uniform numbers (B, 3): mirrored or not, contrast, brightness."""
    mirror, contrast, brightness = (number[:, None, None, None] for number in numbers.unbind(1))
    return torch.where(mirror < 0.5, x.flip(-1), x) * (0.5 + contrast) + brightness - 0.5


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
        }
        return self.logit(flat), extras

    def _deep(self, x: Tensor) -> Tensor:
        deep: Tensor = self.deep(self.down(x)).flatten(1)
        return deep


@dataclass(frozen=True)
class Rich:
    """A small convolutional pair whose D returns features, local ones, rotations and pixels."""

    width: int = 8
    latent: int = 16

    extras = ("features", "local", "rotation", "pixels")

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
