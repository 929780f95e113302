"""Points along curves in the plane, with normal noise: their density is an integral along the curve."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import asinh, ceil, log, pi, sqrt

import numpy as np
import torch
from torch import Tensor

from ganbench_datasets.densities import REACH, Components, fine_enough
from ganbench_transforms.limits import above, at_least

ROWS = 2048
"""Points whose density is computed at a time."""
NODES = 2.0
"""Nodes of the quadrature for each standard deviation of the noise along a part, more than enough for 12 digits."""
PANEL = 40
"""Standard deviations of the noise along a panel of the quadrature."""
LONGEST = 5_000
"""Length of all curves together, in standard deviations of the noise: ten thousand nodes for each point."""
STEPS = 8
"""Newton's steps for the inverse of an arc length, twice as many as 15 digits need."""


class Curves(Components):
    """Curves of equal length, each in `parts` equal parts, which are the modes; points lie evenly along them.

    A subclass gives `arms` (how many curves), `parts`, `std` (the noise in both directions), `length` (of one curve)
    and `along`.
    """

    shape = (2,)
    parts: int
    std: float

    @property
    @abstractmethod
    def arms(self) -> int: ...

    @property
    @abstractmethod
    def length(self) -> float: ...

    @abstractmethod
    def along(self, arm: Tensor, share: Tensor) -> Tensor:
        """The points (N, 2) at shares of the length (N,), 0 to 1, of curves (N,), float64."""

    @property
    def modes(self) -> int:
        return self.arms * self.parts

    def check_size(self) -> None:
        """Raise `ValueError` if the density would take too long: its integral has a node for half of each `std`."""
        size = self.arms * self.length / self.std
        if not size <= LONGEST:
            raise ValueError(
                f"the curves are {size:,.0f} std long; at most {LONGEST:,} can be integrated: take a larger std or "
                "shorter curves"
            )

    def draw(self, component: Tensor, generator: torch.Generator) -> Tensor:
        place = torch.rand(len(component), generator=generator).double()
        share = (component % self.parts + place) / self.parts
        points = self.along(component // self.parts, share).float()
        return points + self.std * torch.randn(len(component), 2, generator=generator)

    def log_components(self, x: Tensor) -> Tensor:
        nodes, log_weights = (one.to(x.device) for one in self._nodes)
        scale, flat = 2 * self.std**2, nodes.flatten(0, 1)
        constants = (log_weights.repeat(self.modes) - flat.square().sum(dim=1) / scale)[None]
        found = []
        for part in torch.split(x.double(), ROWS):
            each = torch.addmm(constants, part, flat.T, alpha=2 / scale).reshape(-1, self.modes, len(log_weights))
            found.append(each.logsumexp(dim=2) - part.square().sum(dim=1, keepdim=True) / scale)
        return (torch.cat(found) - log(self.modes * pi * scale)).to(x.dtype)

    @cached_property
    def _nodes(self) -> tuple[Tensor, Tensor]:
        """Gauss-Legendre nodes (K, Q, 2) on every part and the logarithms of their weights (Q,), which add up to 1.

        A long part is integrated panel by panel.
        """
        panels = ceil(self.length / self.parts / self.std / PANEL)
        one, weight = np.polynomial.legendre.leggauss(ceil(NODES * self.length / self.parts / self.std / panels) + 8)
        at = ((one + 1) / panels + 2 * np.arange(panels)[:, None] / panels - 1).ravel()
        weights = np.tile(weight / panels, panels)
        component = torch.arange(self.modes)[:, None].expand(-1, len(at))
        share = (component % self.parts + (torch.from_numpy(at) + 1) / 2) / self.parts
        nodes = self.along((component // self.parts).flatten(), share.flatten())
        return nodes.reshape(self.modes, len(at), 2), torch.from_numpy(weights / 2).log()

    @property
    def least(self) -> Tensor:
        """The density three standard deviations from a curve, were it straight."""
        value = -log(self.arms * self.length) - log(sqrt(2 * pi) * self.std) - REACH**2 / 2
        return torch.full((self.modes,), value, dtype=torch.float64)


@dataclass(frozen=True)
class TwoMoons(Curves):
    """Two interleaving half circles, with noise.

    The moons of scikit-learn's `make_moons`, centered and scaled: `scale` is their radius, `std` the standard deviation
    of the noise, both in the units that the networks see. The modes are `parts` equal parts of each moon.
    """

    scale: float = 1.0
    std: float = 0.05
    parts: int = 4

    def __post_init__(self) -> None:
        above(0, scale=self.scale)
        fine_enough(self.scale, std=self.std)
        at_least(1, parts=self.parts)
        self.check_size()

    @property
    def arms(self) -> int:
        return 2

    @property
    def length(self) -> float:
        return pi * self.scale

    def along(self, arm: Tensor, share: Tensor) -> Tensor:
        angle = pi * share.double()
        side = 1 - 2 * arm.double()
        return self.scale * torch.stack([side * (angle.cos() - 0.5), side * (angle.sin() - 0.25)], dim=1)


@dataclass(frozen=True)
class Spiral(Curves):
    """Archimedean spirals that wind around one another, with noise.

    `arms` spirals start at the radius `inner` and end at `scale` after `turns` turns; `std` is the standard deviation
    of the noise, in the units that the networks see. The modes are `parts` equal parts of each arm.
    """

    arms: int = 2
    turns: float = 1.5
    scale: float = 2.0
    inner: float = 0.4
    std: float = 0.04
    parts: int = 4

    def __post_init__(self) -> None:
        at_least(1, arms=self.arms, parts=self.parts)
        above(0, turns=self.turns, scale=self.scale, inner=self.inner)
        fine_enough(self.scale, std=self.std)
        if self.inner >= self.scale:
            raise ValueError(f"inner must be below scale ({self.scale}), got {self.inner}")
        self.check_size()

    @property
    def _growth(self) -> float:
        """How much the radius grows with an angle of 1."""
        return (self.scale - self.inner) / (2 * pi * self.turns)

    def _arc(self, radius: float) -> float:
        """The length of a spiral from the center to a radius."""
        return (
            radius * sqrt(radius**2 + self._growth**2) / self._growth + self._growth * asinh(radius / self._growth)
        ) / 2

    @property
    def length(self) -> float:
        return self._arc(self.scale) - self._arc(self.inner)

    def along(self, arm: Tensor, share: Tensor) -> Tensor:
        growth, start = self._growth, self._arc(self.inner)
        wanted = start + self.length * share.double()
        radius = torch.lerp(
            torch.tensor(self.inner**2).double(), torch.tensor(self.scale**2).double(), share.double()
        ).sqrt()
        for _ in range(STEPS):
            slope = (radius**2 + growth**2).sqrt() / growth
            radius = radius - ((radius * slope + growth * (radius / growth).asinh()) / 2 - wanted) / slope
        angle = (radius - self.inner) / growth + 2 * pi * arm.double() / self.arms
        return radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
