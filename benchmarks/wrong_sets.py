"""Ways in which samples can be wrong, each in doses from honest to wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganbench_datasets.mixtures import Mixture

Base = TypeVar("Base")


@dataclass(frozen=True)
class Way(Generic[Base]):
    """One way to be wrong: `make(base, dose, generator)` gives samples.

    `doses` go from honest to wrong. From the dose `named` on, the verdict must be one of `due`.
    """

    title: str
    due: tuple[str, ...]
    doses: tuple[float, ...]
    named: float
    make: Callable[[Base, float, torch.Generator], Tensor]

    def wrong(self, dose: float) -> bool:
        """Whether the dose must be named."""
        return self.doses.index(dose) >= self.doses.index(self.named)


@dataclass(frozen=True)
class Points:
    """What sets of points are made from: the mixture, and how many points."""

    data: Mixture
    count: int

    def modes(self, g: torch.Generator, weights: Tensor | None = None) -> Tensor:
        """A mode for each point, (count,)."""
        weights = torch.ones(self.data.components) if weights is None else weights
        return torch.multinomial(weights, self.count, replacement=True, generator=g)

    def drawn(self, g: torch.Generator, weights: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Honest points: their modes, the modes' centers, and the deviations in standard deviations, (count, 2)."""
        modes = self.modes(g, weights)
        return modes, self.data.centres[modes], torch.randn(self.count, 2, generator=g)

    def at(self, centres: Tensor, deviations: Tensor) -> Tensor:
        return centres + self.data.std * deviations

    @property
    def reach(self) -> float:
        return self.data.centres.abs().max().item()

    def some(self, share: float, g: torch.Generator) -> Tensor:
        """A random share of the points, as a mask."""
        return torch.rand(self.count, generator=g) < share


def _all_narrower(base: Points, dose: float, g: torch.Generator) -> Tensor:
    _, centres, z = base.drawn(g)
    return base.at(centres, dose * z)


def _one_narrower(base: Points, dose: float, g: torch.Generator) -> Tensor:
    modes, centres, z = base.drawn(g)
    return base.at(centres, torch.where(modes[:, None] == 0, dose * z, z))


def _few_points(base: Points, dose: float, g: torch.Generator) -> Tensor:
    modes, centres, z = base.drawn(g)
    if dose:
        kept = torch.randn(base.data.components, int(dose), 2, generator=g)
        kept = kept / kept.norm(dim=2, keepdim=True).clamp(min=1) * kept.norm(dim=2, keepdim=True).clamp(max=2.5)
        z = kept[modes, torch.randint(int(dose), (base.count,), generator=g)]
    return base.at(centres, z)


def _point_mass(base: Points, dose: float, g: torch.Generator) -> Tensor:
    _, centres, z = base.drawn(g)
    return base.at(centres, torch.where(base.some(dose, g)[:, None], 0.0, z))


def _split(base: Points, dose: float, g: torch.Generator) -> Tensor:
    modes, centres, z = base.drawn(g)
    side = torch.where(base.some(0.5, g), dose, -dose)[:, None] * torch.tensor([[1.0, 0.0]])
    return base.at(centres, torch.where(modes[:, None] == 0, (1 - dose**2) ** 0.5 * z + side, z))


def _shifted(base: Points, dose: float, g: torch.Generator) -> Tensor:
    modes, centres, z = base.drawn(g)
    return base.at(centres, z + (modes == 0)[:, None] * dose * torch.tensor([[1.0, 0.0]]))


def _scaled(base: Points, dose: float, g: torch.Generator) -> Tensor:
    _, centres, z = base.drawn(g)
    return base.at((1 + dose) * centres, z)


def _between(base: Points, dose: float, g: torch.Generator) -> Tensor:
    _, centres, z = base.drawn(g)
    noise = base.reach * (2 * torch.rand(base.count, 2, generator=g) - 1)
    return torch.where(base.some(dose, g)[:, None], noise, base.at(centres, z))


def _on_lines(base: Points, dose: float, g: torch.Generator) -> Tensor:
    _, centres, z = base.drawn(g)
    line = torch.lerp(centres, base.data.centres[base.modes(g)], torch.rand(base.count, 1, generator=g))
    return torch.where(base.some(dose, g)[:, None], line, base.at(centres, z))


def _weighted(base: Points, weights: Tensor, g: torch.Generator) -> Tensor:
    _, centres, z = base.drawn(g, weights)
    return base.at(centres, z)


def _one_starved(base: Points, dose: float, g: torch.Generator) -> Tensor:
    weights = torch.ones(base.data.components)
    weights[0] = dose
    return _weighted(base, weights, g)


def _half_starved(base: Points, dose: float, g: torch.Generator) -> Tensor:
    weights = torch.ones(base.data.components)
    weights[: base.data.components // 2] = dose
    return _weighted(base, weights, g)


def _missing(base: Points, dose: float, g: torch.Generator) -> Tensor:
    """`dose` is the share of the modes that are missing; at least one is there."""
    weights = torch.ones(base.data.components)
    weights[: min(round(dose * len(weights)), len(weights) - 1)] = 0
    return _weighted(base, weights, g)


def _blob(base: Points, dose: float, g: torch.Generator) -> Tensor:
    _, centres, z = base.drawn(g)
    blob = base.data.centres.std(dim=0) * torch.randn(base.count, 2, generator=g)
    return torch.where(base.some(dose, g)[:, None], blob, base.at(centres, z))


def _repeated(base: Points, dose: float, g: torch.Generator) -> Tensor:
    """Honest points of which only 1 in `dose` is new."""
    _, centres, z = base.drawn(g)
    return base.at(centres, z)[torch.arange(base.count) % max(1, round(base.count / dose))]


SHAPE = ("too narrow", "distorted")
POINTS: tuple[Way[Points], ...] = (
    Way("every mode narrower, times", ("too narrow",), (1, 0.95, 0.9, 0.8, 0.7, 0.5, 0.2), 0.8, _all_narrower),
    Way("one mode narrower, times", ("too narrow",), (1, 0.9, 0.8, 0.7, 0.5, 0.2, 0), 0.7, _one_narrower),
    Way("every mode wider, times", ("too wide", "low quality"), (1, 1.1, 1.2, 1.3, 1.5, 2, 3), 1.5, _all_narrower),
    Way("one mode wider, times", ("too wide",), (1, 1.2, 1.3, 1.5, 1.7, 2), 1.5, _one_narrower),
    Way("points in each mode (0: no limit)", SHAPE, (0, 256, 64, 16, 4, 2, 1), 16, _few_points),
    Way("share of a point in each mode's center", SHAPE, (0, 0.1, 0.2, 0.3, 0.5, 1), 0.3, _point_mass),
    Way("one mode split, centers apart by 2 x", SHAPE, (0, 0.7, 0.9, 0.95, 0.99, 1), 0.99, _split),
    Way("one mode's center off, std", ("distorted",), (0, 0.1, 0.2, 0.4, 0.7, 1), 0.7, _shifted),
    Way("radius too large by", ("distorted", "low quality"), (0, 0.001, 0.002, 0.005, 0.01, 0.02), 0.005, _scaled),
    Way("uniform noise", ("low quality",), (0, 0.03, 0.06, 0.09, 0.15, 0.3, 0.45, 1), 0.15, _between),
    Way("samples on lines between modes", ("low quality",), (0, 0.03, 0.06, 0.09, 0.15, 0.3, 0.45), 0.15, _on_lines),
    Way("Gaussian blob", ("low quality",), (0, 0.03, 0.06, 0.09, 0.15, 0.45, 1), 0.15, _blob),
    Way("one mode's share", ("imbalanced", "partial"), (1, 0.8, 0.6, 0.5, 0.33, 0.2, 0.1), 0.5, _one_starved),
    Way("half of the modes' share", ("imbalanced",), (1, 0.8, 0.6, 0.5, 0.33, 0.2), 0.5, _half_starved),
    Way("half of the modes starved tenfold", ("imbalanced", "partial"), (1, 0.1), 0.1, _half_starved),
    Way("one mode too full, times", ("imbalanced",), (1, 1.5, 2, 3, 5), 5, _one_starved),
    Way("modes missing", ("partial",), (0, 0.125, 0.5, 0.75), 0.125, _missing),
    Way("all modes but one missing", ("collapsed",), (0, 1), 1, _missing),
    Way("each sample repeated, times", (*SHAPE, "imbalanced", "partial"), (1, 5, 20, 100, 500), 100, _repeated),
)


@dataclass(frozen=True)
class Images:
    """What sets of images are made from: fresh images with their classes, and the training images."""

    fresh: Tensor
    labels: Tensor
    train: Tensor

    def some(self, share: float, g: torch.Generator) -> Tensor:
        """A random share of the images, exactly, as a mask."""
        order = torch.randperm(len(self.fresh), generator=g)
        return (order < round(share * len(self.fresh)))[:, None, None, None]

    def others(self, g: torch.Generator) -> Tensor:
        """The fresh images in a random order."""
        return self.fresh[torch.randperm(len(self.fresh), generator=g)]

    def mixed(self, share: float, wrong: Tensor, g: torch.Generator) -> Tensor:
        return torch.where(self.some(share, g), wrong, self.fresh)


def _copies(base: Images, dose: float, g: torch.Generator) -> Tensor:
    return base.mixed(dose, base.train[torch.randperm(len(base.train), generator=g)[: len(base.fresh)]], g)


def _noisy_copies(base: Images, dose: float, g: torch.Generator) -> Tensor:
    rows = torch.randperm(len(base.train), generator=g)[: len(base.fresh)]
    noisy = base.train[rows] + 0.05 * torch.randn(base.fresh.shape, generator=g)
    return base.mixed(dose, noisy.clamp(-1, 1), g)


def _uniform(base: Images, dose: float, g: torch.Generator) -> Tensor:
    return base.mixed(dose, 2 * torch.rand(base.fresh.shape, generator=g) - 1, g)


def _pixel_noise(base: Images, dose: float, g: torch.Generator) -> Tensor:
    return (base.fresh + dose * torch.randn(base.fresh.shape, generator=g)).clamp(-1, 1)


def _pairs(base: Images, dose: float, g: torch.Generator) -> Tensor:
    return base.mixed(dose, (base.fresh + base.others(g)) / 2, g)


def _moved(base: Images, dose: float, g: torch.Generator) -> Tensor:
    return base.mixed(dose, torch.roll(base.fresh, 1, dims=3), g)


def _blurred(base: Images, dose: float, g: torch.Generator) -> Tensor:
    return torch.lerp(base.fresh, avg_pool2d(base.fresh, 3, stride=1, padding=1, count_include_pad=False), dose)


def _contrast(base: Images, dose: float, g: torch.Generator) -> Tensor:
    return dose * (base.fresh + 1) - 1


def _halves(base: Images, dose: float, g: torch.Generator) -> Tensor:
    width = base.fresh.shape[3] // 2
    return base.mixed(dose, torch.cat([base.fresh[..., :width], base.others(g)[..., width:]], dim=3), g)


def _gaussian(base: Images, dose: float, g: torch.Generator) -> Tensor:
    flat = base.train.flatten(1).double()
    values, vectors = torch.linalg.eigh(torch.cov(flat.T))
    noise = torch.randn(len(base.fresh), flat.shape[1], generator=g, dtype=torch.float64)
    drawn = flat.mean(dim=0) + noise * values.clamp(min=0).sqrt() @ vectors.T
    return base.mixed(dose, drawn.float().reshape(base.fresh.shape), g)


def _black(base: Images, dose: float, g: torch.Generator) -> Tensor:
    return base.mixed(dose, torch.full_like(base.fresh, -1.0), g)


def _kept(base: Images, keep: Tensor, g: torch.Generator) -> Tensor:
    """As many images, those that are not kept replaced by other kept ones."""
    rows = torch.arange(len(base.fresh))[keep]
    filled = torch.cat([rows, rows[torch.randint(len(rows), (len(keep) - len(rows),), generator=g)]])
    return base.fresh[filled[torch.randperm(len(filled), generator=g)]]


def _one_class(base: Images, dose: float, g: torch.Generator) -> Tensor:
    return _kept(base, (base.labels != 3) | (torch.rand(len(base.labels), generator=g) < dose), g)


def _half_classes(base: Images, dose: float, g: torch.Generator) -> Tensor:
    return _kept(base, (base.labels < 5) | (torch.rand(len(base.labels), generator=g) < dose), g)


def _classes(base: Images, dose: float, g: torch.Generator) -> Tensor:
    return _kept(base, base.labels < dose, g)


def _few_images(base: Images, dose: float, g: torch.Generator) -> Tensor:
    """Only the first `dose` images of each class, repeated; all of them if it is 0."""
    if not dose:
        return base.fresh
    found = base.fresh.clone()
    for label in sorted(set(base.labels.tolist())):
        rows = (base.labels == label).nonzero()[:, 0]
        found[rows] = base.fresh[rows[torch.arange(len(rows)) % int(dose)]]
    return found


def _to_mean(base: Images, dose: float, g: torch.Generator) -> Tensor:
    found = base.fresh.clone()
    for label in sorted(set(base.labels.tolist())):
        rows = base.labels == label
        found[rows] = torch.lerp(base.fresh[rows], base.fresh[rows].mean(dim=0), dose)
    return found


SHARES = (0, 0.02, 0.05, 0.1, 0.2, 0.45, 1)
LOW = ("low quality",)
FLAT = ("low quality", "too narrow")
IMAGES: tuple[Way[Images], ...] = (
    Way("training images", ("memorising",), SHARES, 0.2, _copies),
    Way("training images, noise of std 0.05", ("memorising",), SHARES, 0.2, _noisy_copies),
    Way("uniform noise", LOW, SHARES, 0.2, _uniform),
    Way("noise of std x on every image", LOW, (0, 0.1, 0.2, 0.3, 0.5), 0.5, _pixel_noise),
    Way("averages of two images", LOW, SHARES, 0.45, _pairs),
    Way("moved by one pixel", LOW, SHARES, 1, _moved),
    Way("blurred", FLAT, (0, 0.25, 0.5, 1), 1, _blurred),
    Way("contrast, times", FLAT, (1, 0.9, 0.8, 0.7, 0.5), 0.5, _contrast),
    Way("halves of two images", LOW, SHARES, 0.45, _halves),
    Way("pixel Gaussian", LOW, SHARES, 0.45, _gaussian),
    Way("black images", ("low quality", "imbalanced"), SHARES[:-1], 0.2, _black),
    Way("all images black", ("collapsed",), (0, 1), 1, _black),
    Way("one class's share", ("imbalanced", "partial"), (1, 0.7, 0.5, 0.33, 0.2, 0.1, 0), 0.1, _one_class),
    Way("half of the classes' share", ("imbalanced", "partial"), (1, 0.7, 0.5, 0.33, 0.2, 0.1), 0.33, _half_classes),
    Way("classes left", ("partial",), (10, 9, 8, 5, 2), 9, _classes),
    Way("one class left", ("collapsed",), (10, 1), 1, _classes),
    Way("images of each class (0: no limit)", ("too narrow",), (0, 40, 20, 10, 5, 2, 1), 10, _few_images),
    Way("moved to the class's mean by", ("too narrow",), (0, 0.1, 0.2, 0.3, 0.5, 1), 0.5, _to_mean),
)
