"""Parts that contrast classes, and a pair by class whose D names and embeds them."""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ganbench import Critic, hookimpl


@dataclass(frozen=True)
class Contrasting:
    """A part that contrasts the embeddings of samples by their labels: D learns with real samples, G with fakes."""

    weight: float = 1.0
    temperature: float = 1.0

    game = False
    needs = ("embedding", "proxy", "labels")

    def d_loss(self, critic: Critic) -> Tensor:
        extras = critic.real_extras
        return self.weight * self._contrast(extras["embedding"], extras["proxy"], critic.real_labels)

    def g_loss(self, critic: Critic) -> Tensor:
        extras = critic.fake_extras
        return self.weight * self._contrast(extras["embedding"], extras["proxy"], critic.fake_labels)

    def _contrast(self, embedding: Tensor, proxy: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of embeddings (B, K) beside the vectors (B, K) of their classes."""
        raise NotImplementedError


class ClassContrast(Contrasting):
    """ContraGAN's 2C loss: embeddings approach their class and its other samples (Kang and Park 2020)."""

    reference = "arXiv:2006.12681"

    def _contrast(self, embedding: Tensor, proxy: Tensor, labels: Tensor) -> Tensor:
        rows = normalize(embedding, dim=1)
        own = ((rows * normalize(proxy, dim=1)).sum(dim=1) / self.temperature).exp()
        pairs = (rows @ rows.T / self.temperature).exp() * (1 - torch.eye(len(rows), device=rows.device))
        same = (labels[:, None] == labels).to(rows.dtype)
        return -((own + (pairs * same).sum(dim=1)) / (own + pairs.sum(dim=1))).log().mean()


@dataclass(frozen=True)
class DataToData(Contrasting):
    """ReACGAN's data-to-data cross-entropy with margins (Kang et al. 2021)."""

    temperature: float = 0.5
    margin: float = 0.98

    reference = "arXiv:2111.01118"

    def _contrast(self, embedding: Tensor, proxy: Tensor, labels: Tensor) -> Tensor:
        rows = normalize(embedding, dim=1)
        own = ((rows * normalize(proxy, dim=1)).sum(dim=1) - self.margin).clamp(max=0) / self.temperature
        pairs = ((rows @ rows.T + self.margin - 1).clamp(min=0) / self.temperature).exp()
        others = (pairs * (labels[:, None] != labels)).sum(dim=1)
        return (torch.log(own.exp() + others) - own).mean()


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Labels (B,) as rows (B, classes) of one 1.

    torch's `one_hot` reads the labels on the host, so that seeds would run one by one.
    """
    return (labels[:, None] == torch.arange(classes, device=labels.device)).float()


class ByClass(nn.Module):
    """G of a latent and a label, as one vector."""

    def __init__(self, latent: int, classes: int, width: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.classes = classes
        self.net = nn.Sequential(nn.Linear(latent + classes, width), nn.ReLU(), nn.Linear(width, prod(shape)))
        self.end = nn.Sequential(nn.Unflatten(1, shape), nn.Tanh() if len(shape) > 1 else nn.Identity())

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        labels = torch.zeros(len(latent), dtype=torch.int64, device=latent.device) if labels is None else labels
        given = torch.cat([latent, one_hot(labels, self.classes)], dim=1)
        made: Tensor = self.end(self.net(given))
        return made


class ClassHeads(nn.Module):
    """D that names classes, and embeds samples and classes in one space."""

    def __init__(self, inputs: int, classes: int, width: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(inputs, width), nn.LeakyReLU(0.2))
        self.logit, self.named, self.embedding = (nn.Linear(width, to) for to in (1, classes, 16))
        self.proxies = nn.Linear(classes, 16, bias=False)
        self.count = classes

    def forward(self, x: Tensor, labels: Tensor | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        labels = torch.zeros(len(x), dtype=torch.int64, device=x.device) if labels is None else labels
        hidden = self.trunk(x)
        proxy = self.proxies(one_hot(labels, self.count))
        extras = {"class_logits": self.named(hidden), "embedding": self.embedding(hidden), "proxy": proxy}
        return self.logit(hidden), extras


@dataclass(frozen=True)
class WithClasses:
    """A fully connected pair by class, whose D names classes and embeds them.

    Without `conditional`, there is one class.
    """

    width: int = 32
    latent: int = 8
    conditional: bool = False

    extras = ("class_logits", "embedding", "proxy")

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None

    def generator(self, shape: tuple[int, ...], classes: int = 1) -> nn.Module:
        return ByClass(self.latent, classes, self.width, shape)

    def discriminator(self, shape: tuple[int, ...], classes: int = 1) -> nn.Module:
        return ClassHeads(prod(shape), classes, self.width)


@hookimpl
def register_losses() -> dict[str, type]:
    return {"class-contrast": ClassContrast, "data-to-data": DataToData}


@hookimpl
def register_architectures() -> dict[str, type]:
    return {"with-classes": WithClasses}
