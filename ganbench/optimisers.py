"""The optimisers as pure functions on one flat parameter vector.

Every operation below is a single correctly rounded IEEE operation (no fused multiply-add, no
`addcmul`), so a parameter's update does not depend on where it lies in a tensor: seeds that are
trained together get the same bits as seeds that are trained alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Moments: TypeAlias = "tuple[Tensor, Tensor]"
Rule: TypeAlias = "Callable[[Tensor, Tensor, Moments, int, float, tuple[float, float]], tuple[Tensor, Moments]]"

EPSILON = 1e-8


def adam(
    params: Tensor, grad: Tensor, moments: Moments, t: int, lr: float, betas: tuple[float, float]
) -> tuple[Tensor, Moments]:
    """Adam with bias correction (Kingma & Ba 2015, algorithm 1); `t` counts from 1."""
    beta1, beta2 = betas
    first = grad if beta1 == 0 else moments[0] * beta1 + grad * (1 - beta1)
    second = moments[1] * beta2 + grad * grad * (1 - beta2)
    root = second.sqrt() * (1 - beta2**t) ** -0.5 + EPSILON
    return params - first / root * (lr / (1 - beta1**t)), (first, second)


def sgd(
    params: Tensor, grad: Tensor, moments: Moments, t: int, lr: float, betas: tuple[float, float]
) -> tuple[Tensor, Moments]:
    """Stochastic gradient descent with heavy-ball momentum `betas[0]`; `betas[1]` is not used."""
    momentum = grad if betas[0] == 0 else moments[0] * betas[0] + grad
    return params - momentum * lr, (momentum, moments[1])


OPTIMISERS: dict[str, Rule] = {"adam": adam, "sgd": sgd}
