"""Optimizers as pure functions of one flat parameter vector.

Every operation below is a single correctly rounded IEEE operation (no fused multiply-add, no
`addcmul`), so a parameter's update does not depend on its position in a tensor: seeds trained
together get the same bits as seeds trained alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Moments: TypeAlias = "tuple[Tensor, Tensor]"
Betas: TypeAlias = tuple[float, float]

EPSILON = 1e-8


class Optimizer(NamedTuple):
    """An update rule. `factors` is the part that changes from move to move, computed on the host in
    double precision; `move` is the rest: (params, gradient, moments, factors (2,), betas) -> (params, moments).
    """

    factors: Callable[[int, float, Betas], tuple[float, float]]
    move: Callable[[Tensor, Tensor, Moments, Tensor, Betas], tuple[Tensor, Moments]]


def adam_factors(move: int, lr: float, betas: Betas) -> tuple[float, float]:
    """Step size and scale of the root, both with bias correction; `move` counts from 1."""
    return lr / (1 - betas[0] ** move), (1 - betas[1] ** move) ** -0.5


def adam(params: Tensor, grad: Tensor, moments: Moments, factors: Tensor, betas: Betas) -> tuple[Tensor, Moments]:
    """Adam with bias correction (Kingma & Ba 2015, algorithm 1)."""
    beta1, beta2 = betas
    first = grad if beta1 == 0 else moments[0] * beta1 + grad * (1 - beta1)
    second = moments[1] * beta2 + grad * grad * (1 - beta2)
    root = second.sqrt() * factors[1] + EPSILON
    return params - first / root * factors[0], (first, second)


def sgd_factors(move: int, lr: float, betas: Betas) -> tuple[float, float]:
    return lr, 0.0


def sgd(params: Tensor, grad: Tensor, moments: Moments, factors: Tensor, betas: Betas) -> tuple[Tensor, Moments]:
    """Stochastic gradient descent with heavy-ball momentum `betas[0]`; `betas[1]` is unused."""
    momentum = grad if betas[0] == 0 else moments[0] * betas[0] + grad
    return params - momentum * factors[0], (momentum, moments[1])


OPTIMIZERS = {"adam": Optimizer(adam_factors, adam), "sgd": Optimizer(sgd_factors, sgd)}
"""The update rules by their names in a suite, `ganbench.suite.specs.OPTIMIZERS`."""
