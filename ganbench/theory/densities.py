"""Densities in closed form, and for a pair of them D* and the Jensen-Shannon divergence."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, log, pi, sin, sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.engine import threefry


@dataclass(frozen=True)
class Density:
    """A mixture of equal isotropic normals: centers (K, D) and one standard deviation."""

    centres: tuple[tuple[float, ...], ...]
    std: float

    @property
    def dims(self) -> int:
        return len(self.centres[0])

    def log(self, x: Tensor) -> Tensor:
        """The natural logarithm of the density at x (N, D), as float64 (N,)."""
        squares = (x.double()[:, None] - torch.tensor(self.centres, dtype=torch.float64)).square().sum(dim=2)
        scale = log(len(self.centres)) + self.dims * log(self.std * sqrt(2 * pi))
        return torch.logsumexp(-squares / (2 * self.std**2), dim=1) - scale

    def push(self, latent: Tensor) -> Tensor:
        """Samples (B, D) from standard normal latents (B, D + 1); the last one selects the component."""
        count = len(self.centres)
        component = (torch.special.ndtr(latent[:, -1]) * count).long().clamp(max=count - 1)
        return torch.tensor(self.centres)[component] + self.std * latent[:, :-1]

    def sample(self, n: int, seed: int, name: str) -> Tensor:
        """Samples (n, D) of one stream of a seed."""
        return self.push(threefry.once(threefry.normal, seed, name, (n, self.dims + 1)))


class Pair(NamedTuple):
    """Two densities that D must tell apart."""

    name: str
    real: Density
    fake: Density


NORMAL, BROAD, MODES = Density(((0.0,),), 1.0), Density(((0.0,),), 2.0), Density(((-2.0,), (2.0,)), 0.5)
RING = Density(tuple((2 * cos(2 * pi * i / 8), 2 * sin(2 * pi * i / 8)) for i in range(8)), 0.3)
PAIRS = (
    Pair("N(0, 1) - N(1, 1)", NORMAL, Density(((1.0,),), 1.0)),
    Pair("N(0, 1) - itself", NORMAL, NORMAL),
    Pair("N(0, 1) - N(0, 2²)", NORMAL, BROAD),
    Pair("two modes - N(0, 2²)", MODES, BROAD),
    Pair("two modes - one of them", MODES, Density(((2.0,),), 0.5)),
    Pair("N(0, 1) - N(6, 1)", NORMAL, Density(((6.0,),), 1.0)),
    Pair("ring of 8 - N(0, 2I)", RING, Density(((0.0, 0.0),), sqrt(2))),
)
CONTROL = Pair("two modes, linear D", MODES, BROAD)
"""A linear D cannot tell these apart, so the check must fail on them."""


def best(pair: Pair, x: Tensor) -> Tensor:
    """D*(x) = p_r / (p_r + p_g) at x (N, D), as float64 (N,)."""
    return torch.sigmoid(pair.real.log(x) - pair.fake.log(x))


def jensen_shannon(pair: Pair) -> float:
    """JS(p_r || p_g) in nats by the trapezoidal rule, exact to about 1e-9 for these densities."""
    sides = (pair.real, pair.fake)
    reach = max(abs(c) + 10 * side.std for side in sides for centre in side.centres for c in centre)
    axis = torch.linspace(-reach, reach, 20_001 if pair.real.dims == 1 else 401, dtype=torch.float64)
    grid = torch.cartesian_prod(*[axis] * pair.real.dims).reshape(-1, pair.real.dims)
    p, q = (side.log(grid) for side in sides)
    middle = torch.logaddexp(p, q) - log(2)
    density = (p.exp() * (p - middle) + q.exp() * (q - middle)) / 2
    return float(density.sum() * (axis[1] - axis[0]) ** pair.real.dims)
