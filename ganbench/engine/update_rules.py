"""Update rules of a player's flat parameter vector, as pure functions.

Every operation on a vector below is a single correctly rounded IEEE operation (no fused multiply-add, no `addcmul`,
no reduction whose order depends on the shape), so a parameter's update does not depend on its position in a tensor:
seeds trained together get the same bits as seeds trained alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from ganbench.suite.train_spec import PlayerSpec

Slots: TypeAlias = tuple[Tensor, ...]
"""What a rule remembers of one player between two moves: vectors (P,)."""
Root: TypeAlias = Callable[[Tensor], Tensor]

EPSILON = 1e-8
CLIP_EPSILON = 1e-6
"""What `torch.nn.utils.clip_grad_norm_` adds to the norm."""


class PlayerNumbers(NamedTuple):
    """A player's numbers at one step, schedules evaluated."""

    lr: float
    beta1: float
    beta2: float


class UpdateRule(NamedTuple):
    """How a player moves along its gradient.

    `start(params (P,))` returns the slots (P,) before the first move; some rules have none. `factors(move, numbers)` is
    what changes from move to move, computed on the host in double precision; `move` counts from 1, and K is fixed for a
    rule. `move(params (P,), gradient (P,), slots, factors (K,))` returns the next parameters and slots; the factors
    have the vectors' dtype.
    """

    start: Callable[[Tensor], Slots]
    factors: Callable[[int, PlayerNumbers], tuple[float, ...]]
    move: Callable[[Tensor, Tensor, Slots, Tensor], tuple[Tensor, Slots]]


def update_rule(player: PlayerSpec, differentiable: bool = False) -> UpdateRule:
    """A player's rule. A constant beta1 of 0, a clip of 0 and what belongs to other rules cost nothing.

    The differentiable form computes the same bits, and its gradients are finite where a second moment or the norm of
    the gradient is 0, as in the padding of a vector. Raises `KeyError` for a name that is not in `RULES`.
    """
    rule = RULES[player.optimizer](player, safe_root if differentiable else torch.sqrt)
    return _clipping(rule, player.clip, differentiable) if player.clip else rule


def safe_root(square: Tensor) -> Tensor:
    """The square root, with the derivative 0 instead of infinity at 0."""
    zero = square == 0
    return torch.where(zero, 0.0, torch.where(zero, 1.0, square).sqrt())


def _zeros(count: int) -> Callable[[Tensor], Slots]:
    return lambda params: tuple(torch.zeros_like(params) for _ in range(count))


def _moments(grad: Tensor, slots: Slots, decays: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Decaying averages of the gradient and of its square; without a slot for the first, beta1 is 0.

    `slots` are ([first,] second), `decays` beta1, 1 - beta1, beta2 and 1 - beta2.
    """
    beta1, rest1, beta2, rest2 = decays
    first = slots[0] * beta1 + grad * rest1 if len(slots) == 2 else grad
    return first, slots[-1] * beta2 + grad * grad * rest2


def _decays(now: PlayerNumbers) -> tuple[float, float, float, float]:
    return now.beta1, 1 - now.beta1, now.beta2, 1 - now.beta2


def adam(player: PlayerSpec, root: Root) -> UpdateRule:
    """Adam with bias correction (Kingma & Ba 2015, algorithm 1); a scheduled beta is corrected by its present value.

    Slots: the first moment, unless beta1 is 0 throughout, and the second.
    """

    def factors(move: int, now: PlayerNumbers) -> tuple[float, ...]:
        """Step size and scale of the root, both with bias correction, and the decays."""
        return now.lr / (1 - now.beta1**move), (1 - now.beta2**move) ** -0.5, *_decays(now)

    def move(params: Tensor, grad: Tensor, slots: Slots, factors: Tensor) -> tuple[Tensor, Slots]:
        size, scale, *decays = factors.unbind()
        first, second = _moments(grad, slots, decays)
        ratio = first / (root(second) * scale + EPSILON)
        return params - ratio * size, (first, second)[-len(slots) :]

    return UpdateRule(_zeros(2 if player.betas[0] != 0 else 1), factors, move)


def adamw(player: PlayerSpec, root: Root) -> UpdateRule:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).

    As in torch, parameters shrink by lr * `weight_decay` before Adam moves them.
    """
    inner = adam(player, root)

    def factors(move: int, now: PlayerNumbers) -> tuple[float, ...]:
        return 1 - now.lr * player.weight_decay, *inner.factors(move, now)

    def move(params: Tensor, grad: Tensor, slots: Slots, factors: Tensor) -> tuple[Tensor, Slots]:
        return inner.move(params * factors[0], grad, slots, factors[1:])

    return UpdateRule(inner.start, factors, move)


def optimistic_adam(player: PlayerSpec, root: Root) -> UpdateRule:
    """Optimistic Adam (Daskalakis et al. 2018, algorithm 1).

    With r(t) = m(t) / (sqrt(v(t)) + epsilon) of the corrected moments: w(t) = w(t-1) - 2 lr r(t) + lr r(t-1), where
    r(0) = 0. Slots: Adam's, and r(t-1).
    """

    def factors(move: int, now: PlayerNumbers) -> tuple[float, ...]:
        """The learning rate, both bias corrections, and the decays."""
        return now.lr, 1 / (1 - now.beta1**move), (1 - now.beta2**move) ** -0.5, *_decays(now)

    def move(params: Tensor, grad: Tensor, slots: Slots, factors: Tensor) -> tuple[Tensor, Slots]:
        *moments, previous = slots
        lr, correction, scale, *decays = factors.unbind()
        first, second = _moments(grad, tuple(moments), decays)
        ratio = first / (root(second) * scale + EPSILON) * correction
        return params - (ratio + ratio - previous) * lr, (*(first, second)[-len(moments) :], ratio)

    return UpdateRule(_zeros(3 if player.betas[0] != 0 else 2), factors, move)


def lookahead(player: PlayerSpec, root: Root) -> UpdateRule:
    """Lookahead around Adam (Zhang et al. 2019, algorithm 1; for games Chavdarova et al. 2021, algorithm 1).

    After every k-th move, the slow weights go the share alpha of the way to the parameters, and the parameters
    continue from there; Adam's moments stay. k counts the player's own moves: with `n_dis: 5`, D's k is five times
    G's if both are to return together. Slots: the slow weights, which start as the parameters, and Adam's.
    """
    every, share = player.lookahead
    inner = adam(player, root)

    def factors(move: int, now: PlayerNumbers) -> tuple[float, ...]:
        """Whether this move is a k-th one (1 or 0), and Adam's factors."""
        return float(move % every == 0), *inner.factors(move, now)

    def move(params: Tensor, grad: Tensor, slots: Slots, factors: Tensor) -> tuple[Tensor, Slots]:
        slow, *moments = slots
        fast, after = inner.move(params, grad, tuple(moments), factors[1:])
        back, towards = factors[0] != 0, slow + (fast - slow) * share
        return torch.where(back, towards, fast), (torch.where(back, towards, slow), *after)

    return UpdateRule(lambda params: (params.clone(), *inner.start(params)), factors, move)


def rmsprop(player: PlayerSpec, root: Root) -> UpdateRule:
    """RMSprop with heavy-ball momentum (Tieleman & Hinton 2012, lecture 6.5; as `torch.optim.RMSprop`, not centered).

    The momentum is `betas[0]`, the decay of the squared gradient `betas[1]`. Slots: the velocity, unless the momentum
    is 0 throughout, and the decaying average.
    """

    def factors(move: int, now: PlayerNumbers) -> tuple[float, ...]:
        return now.lr, now.beta1, now.beta2, 1 - now.beta2

    def move(params: Tensor, grad: Tensor, slots: Slots, factors: Tensor) -> tuple[Tensor, Slots]:
        lr, momentum, decay, rest = factors.unbind()
        second = slots[-1] * decay + grad * grad * rest
        ratio = grad / (root(second) + EPSILON)
        velocity = slots[0] * momentum + ratio if len(slots) == 2 else ratio
        return params - velocity * lr, (velocity, second)[-len(slots) :]

    return UpdateRule(_zeros(2 if player.betas[0] != 0 else 1), factors, move)


def sgd(player: PlayerSpec, root: Root) -> UpdateRule:
    """Stochastic gradient descent with heavy-ball momentum `betas[0]` (Polyak 1964, as `torch.optim.SGD`).

    v(t) = momentum v(t-1) + gradient; w(t) = w(t-1) - lr v(t). `betas[1]` is unused. Slots: the velocity v, unless the
    momentum is 0 throughout.
    """

    def factors(move: int, now: PlayerNumbers) -> tuple[float, ...]:
        return now.lr, now.beta1

    def move(params: Tensor, grad: Tensor, slots: Slots, factors: Tensor) -> tuple[Tensor, Slots]:
        velocity = tuple(slot * factors[1] + grad for slot in slots)
        return params - (velocity[0] if velocity else grad) * factors[0], velocity

    return UpdateRule(_zeros(1 if player.betas[0] != 0 else 0), factors, move)


def _clipping(rule: UpdateRule, limit: float, differentiable: bool) -> UpdateRule:
    """The rule behind a gradient of norm <= `limit`, scaled as `torch.nn.utils.clip_grad_norm_` does."""
    root = safe_root if differentiable else torch.sqrt

    def move(params: Tensor, grad: Tensor, slots: Slots, factors: Tensor) -> tuple[Tensor, Slots]:
        norm = root(_pairwise_sum(grad * grad))
        scale = (limit / (norm + CLIP_EPSILON)).clamp(max=1.0)
        return rule.move(params, grad * scale, slots, factors)

    return rule._replace(move=move)


def _pairwise_sum(vector: Tensor) -> Tensor:
    """The sum () of a vector (P,), halves added to halves: the order of the additions is the same in every stack."""
    while len(vector) > 1:
        half = (len(vector) + 1) // 2
        rest = torch.nn.functional.pad(vector[half:], (0, len(vector) % 2))
        vector = vector[:half] + rest
    return vector.sum()


RULES: dict[str, Callable[[PlayerSpec, Root], UpdateRule]] = {
    "adam": adam,
    "adamw": adamw,
    "rmsprop": rmsprop,
    "sgd": sgd,
    "optimistic-adam": optimistic_adam,
    "lookahead": lookahead,
}
"""The closed table of rules, by their names in a suite: equal bits rest on how they are written."""
