"""Points of components whose densities are known: Gaussians of any shape and dimension, and a checkerboard."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import astuple, dataclass
from functools import cached_property
from math import exp, isfinite, log, pi
from typing import ClassVar

import torch
from scipy.stats import chi2, norm
from torch import Tensor

from ganbench_datasets.mixtures import SIZES, Mixture, Points
from ganbench_transforms.limits import above, at_least

REACH = 3.0
"""Standard deviations of noise within which a point belongs to its component."""
FINEST, WIDEST = 1e-5, 1e3
"""Standard deviations relative to the whole: float32 resolves no finer ones, and wider ones leave no shape."""
INSIDE = 1 - exp(-(REACH**2) / 2)
"""The share of a normal distribution in the plane within `REACH` standard deviations, 0.989; used in any dimension."""


class Components(Points):
    """K equally likely components, each with its exact density: what extractor `components` reads.

    A subclass gives `shape`, `modes` (K), `draw`, `log_components` and `least`.
    """

    version = "1"
    extractor = "components"
    metrics: ClassVar[tuple[str, ...]] = (*Mixture.metrics, "known-density")

    shape: tuple[int, ...]

    @property
    @abstractmethod
    def modes(self) -> int: ...

    @abstractmethod
    def draw(self, component: Tensor, generator: torch.Generator) -> Tensor:
        """A new point (N, D) of each component (N,)."""

    @abstractmethod
    def log_components(self, x: Tensor) -> Tensor:
        """The logarithm (N, K) of each component's share of the density at x (N, D); the shares add up to it."""

    @property
    @abstractmethod
    def least(self) -> Tensor:
        """The lowest log density (K,) at which a point belongs to each component."""

    def log_density(self, x: Tensor) -> Tensor:
        """The natural logarithm of the density at x (N, D), (N,)."""
        return self.log_components(x).logsumexp(dim=1)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n new points (n, D)."""
        return self.draw(torch.randint(self.modes, (n,), generator=generator), generator)

    def fingerprint(self) -> str:
        """A hash of everything that `load` computes from; the samples themselves are not computed."""
        parameters = tuple(float(value) for value in astuple(self))  # type: ignore[call-overload]
        return hashlib.sha256(repr((type(self).__name__, self.version, parameters, SIZES)).encode()).hexdigest()[:16]


class Gaussians(Components):
    """Normal distributions whose standard deviations lie along axes of their own.

    Component k is `centers[k] + turns[k] (scales[k] * z)` of standard normal z; without `turns` the axes are those of
    the space.
    """

    turns: Tensor | None = None
    """The axes of each component as columns (K, D, D), float64."""

    @property
    @abstractmethod
    def centers(self) -> Tensor:
        """The means (K, D), float64."""

    @property
    @abstractmethod
    def scales(self) -> Tensor:
        """The standard deviations (K, D) along the axes, float64."""

    def draw(self, component: Tensor, generator: torch.Generator) -> Tensor:
        z = torch.randn(len(component), self.centers.shape[1], generator=generator)
        z = z * self.scales.float()[component]
        if self.turns is not None:
            z = torch.einsum("nde,ne->nd", self.turns.float()[component], z)
        return self.centers.float()[component] + z

    def log_components(self, x: Tensor) -> Tensor:
        parts = [self._log_component(k, x.double()) for k in range(self.modes)]
        return torch.stack(parts, dim=1).to(x.dtype)

    def _log_component(self, k: int, x: Tensor) -> Tensor:
        away = x - self.centers[k].to(x.device)
        if self.turns is not None:
            away = away @ self.turns[k].to(x.device)
        return self._peaks[k].to(x.device) - (away / self.scales[k].to(x.device)).square().sum(dim=1) / 2

    @property
    def least(self) -> Tensor:
        return self._peaks - float(chi2.ppf(INSIDE, self.centers.shape[1])) / 2

    @cached_property
    def _peaks(self) -> Tensor:
        """The log density (K,) at each center."""
        count, dims = self.centers.shape
        return -log(count) - dims / 2 * log(2 * pi) - self.scales.log().sum(dim=1)


@dataclass(frozen=True)
class AnisotropicMixture(Gaussians):
    """Long and narrow Gaussians on a circle, each at an angle to its radius: a pinwheel.

    `scale` is the radius of the circle, `long` and `short` are the standard deviations along both axes of a Gaussian,
    all in the units that the networks see; `turn` is the angle between its long axis and the radius, in degrees.
    """

    components: int = 8
    scale: float = 2.0
    long: float = 0.3
    short: float = 0.03
    turn: float = 45.0

    shape = (2,)

    def __post_init__(self) -> None:
        at_least(2, components=self.components)
        above(0, scale=self.scale)
        fine_enough(self.scale, long=self.long, short=self.short)
        if not isfinite(self.turn):
            raise ValueError(f"turn must be a number of degrees, got {self.turn!r}")

    @property
    def modes(self) -> int:
        return self.components

    @property
    def _angles(self) -> Tensor:
        return 2 * pi * torch.arange(self.components, dtype=torch.float64) / self.components

    @cached_property
    def centers(self) -> Tensor:
        return self.scale * torch.stack([self._angles.cos(), self._angles.sin()], dim=1)

    @cached_property
    def scales(self) -> Tensor:
        return torch.tensor([self.long, self.short], dtype=torch.float64).expand(self.components, 2)

    @cached_property
    def turns(self) -> Tensor:  # type: ignore[override]
        angle = self._angles + self.turn * pi / 180
        along = torch.stack([angle.cos(), angle.sin()], dim=1)
        return torch.stack([along, torch.stack([-angle.sin(), angle.cos()], dim=1)], dim=2)


@dataclass(frozen=True)
class HighDimensionalMixture(Gaussians):
    """Round Gaussians on the axes of a space of `dims` dimensions, the first ones at `scale`, then those at -`scale`.

    `scale` is the distance of the centers from the origin, `std` the standard deviation in each direction, both in the
    units that the networks see. A point belongs to a mode if it is within the radius that holds as large a share of it
    as three standard deviations hold in the plane (98.9 %).
    """

    dims: int = 32
    components: int = 10
    scale: float = 2.0
    std: float = 0.1

    def __post_init__(self) -> None:
        at_least(2, dims=self.dims, components=self.components)
        above(0, scale=self.scale)
        fine_enough(self.scale, std=self.std)
        if self.components > 2 * self.dims:
            raise ValueError(f"{self.dims} axes have room for {2 * self.dims} components, got {self.components}")

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return (self.dims,)

    @property
    def modes(self) -> int:
        return self.components

    @cached_property
    def centers(self) -> Tensor:
        axes = torch.eye(self.dims, dtype=torch.float64)
        return self.scale * torch.cat([axes, -axes])[: self.components]

    @cached_property
    def scales(self) -> Tensor:
        return torch.full((self.components, self.dims), self.std, dtype=torch.float64)


@dataclass(frozen=True)
class Checkerboard(Components):
    """Points spread evenly over every other square of a board, with a little noise.

    `squares` is how many squares a side of the board has, `scale` is half of that side and `std` the standard deviation
    of the noise, both in the units that the networks see. Each square that is filled is a mode.
    """

    squares: int = 4
    scale: float = 2.0
    std: float = 0.02

    shape = (2,)

    def __post_init__(self) -> None:
        at_least(2, squares=self.squares)
        above(0, scale=self.scale)
        fine_enough(self.scale, std=self.std)

    @property
    def modes(self) -> int:
        return len(self._filled)

    @property
    def side(self) -> float:
        """The side of a square."""
        return 2 * self.scale / self.squares

    @cached_property
    def _filled(self) -> Tensor:
        """Column and row (K, 2) of each square that is filled."""
        every = torch.cartesian_prod(torch.arange(self.squares), torch.arange(self.squares))
        return every[every.sum(dim=1) % 2 == 0]

    def draw(self, component: Tensor, generator: torch.Generator) -> Tensor:
        place = torch.rand(len(component), 2, generator=generator)
        noise = self.std * torch.randn(len(component), 2, generator=generator)
        return (self._filled[component] + place) * self.side - self.scale + noise

    def log_components(self, x: Tensor) -> Tensor:
        column, row = self._strips(x.double()).unbind(dim=1)
        filled = self._filled.to(x.device)
        return (column[:, filled[:, 0]] + row[:, filled[:, 1]] - log(self.modes)).to(x.dtype)

    def _strips(self, x: Tensor) -> Tensor:
        """The log density of each of the strips of the board at coordinates x (N, 2), (N, 2, squares).

        It is that of a uniform plus a normal variable: the difference of two normal probabilities, over the width.
        """
        left = self.side * torch.arange(self.squares, dtype=torch.float64, device=x.device) - self.scale
        low, high = (left - x[:, :, None]) / self.std, (left + self.side - x[:, :, None]) / self.std
        right = low + high > 0  # the smaller tails, where the difference keeps its digits
        low, high = torch.where(right, -high, low), torch.where(right, -low, high)
        more, less = torch.special.log_ndtr(high), torch.special.log_ndtr(low)
        density: Tensor = more + torch.log1p(-torch.exp(less - more)) - log(self.side)
        return density

    @property
    def least(self) -> Tensor:
        """The density three standard deviations beyond an edge."""
        value = log(norm.cdf(-REACH)) - log(self.modes) - 2 * log(self.side)
        return torch.full((self.modes,), value, dtype=torch.float64)


def fine_enough(scale: float, **widths: float) -> None:
    """Raise `ValueError` with the first width, by its name, that is too fine for float32 at points of this size.

    Numbers around `scale` are 6e-8 of it apart; a width of fewer than 64 such steps is no longer a density.
    """
    for name, value in widths.items():
        if not isfinite(value) or not isfinite(scale) or not FINEST <= value / scale <= WIDEST:
            raise ValueError(f"{name} must be {FINEST * scale:.2g} to {WIDEST * scale:.2g} here, got {value!r}")
