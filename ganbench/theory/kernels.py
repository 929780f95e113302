"""A known density and a sampled one, brought to the same resolution in the plane.

D* = p_r / (p_r + p_g) needs both densities at the same resolution. p_g is known only by samples, so it is
estimated with a Gaussian kernel of standard deviation h; the result estimates p_g convolved with the
kernel. The exact p_r is therefore convolved with the same kernel: for p_g = p_r the estimate is then 1/2
everywhere, as it must be, and does not show the modes of p_r. The convolution needs only `log_density`: it
is a mean over normal shifts of x, computed by Gauss-Hermite quadrature. h is a quarter of the width of the
data's modes, which widens a normal mode by 3 %; the width is that of a normal density with the same Fisher
information, sqrt(2 / E |grad log p_r|^2).
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ganbench.errors import ContractError, describe_error

NODES = 5
"""Quadrature nodes per dimension."""
Function = Callable[[Tensor], Tensor]


class KnownDensity(Protocol):
    """A dataset whose density is known."""

    def log_density(self, x: Tensor) -> Tensor:
        """The natural logarithm of the density at x (N, 2), (N,)."""


def mode_width(dataset: KnownDensity, real: Tensor) -> float:
    """The standard deviation of the 2-D normal with the same mean squared score as p_r at `real` (N, 2).

    Raises `ContractError` if `log_density` cannot be differentiated.
    """
    x = real.clone().requires_grad_()
    try:
        (score,) = torch.autograd.grad(dataset.log_density(x).sum(), x)
    except RuntimeError as error:
        raise ContractError(
            f"`log_density` of the dataset cannot be differentiated: {describe_error(error)}"
        ) from error
    return sqrt(2 / float(score.square().sum(dim=1).mean()))


def smoothed(log_density: Function, x: Tensor, h: float) -> Tensor:
    """A density convolved with a Gaussian kernel of standard deviation h, at x (N, 2)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    total = torch.zeros(len(x))
    for a, wa in zip(nodes, weights, strict=True):
        for b, wb in zip(nodes, weights, strict=True):
            total += wa * wb / (2 * pi) * log_density(x + h * torch.tensor([a, b], dtype=x.dtype)).exp()
    return total


def kernel_grid(points: Tensor, across: Tensor, up: Tensor, h: float) -> Tensor:
    """The kernel estimate of a density from points (N, 2) on a grid, (up, across); the kernel is separable."""
    total = torch.zeros(len(up), len(across))
    for part in torch.split(points, 10_000):
        x, y = (torch.exp(-(axis[:, None] - part[:, i]).square() / (2 * h**2)) for i, axis in enumerate((across, up)))
        total += y @ x.T
    return total / (len(points) * 2 * pi * h**2)


def kernel_at(points: Tensor, x: Tensor, h: float) -> Tensor:
    """The same estimate at x (M, 2)."""
    direct = "donot_use_mm_for_euclid_dist"  # the default is not accurate enough for distances of order h
    squares = (torch.cdist(part, points, compute_mode=direct).square() for part in torch.split(x, 100))
    return torch.cat([torch.exp(-part / (2 * h**2)).sum(dim=1) for part in squares]) / (len(points) * 2 * pi * h**2)
