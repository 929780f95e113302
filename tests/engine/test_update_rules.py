"""Update rules: torch's own optimizers, the papers' loops in numpy, equal bits in stacks, differentiable moves."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench.engine.compile import compiled
from ganbench.engine.update_rules import RULES, PlayerNumbers, Slots, UpdateRule, update_rule
from ganbench.registry.schedules import Schedule, number_at
from ganbench.suite.train_spec import OPTIMIZERS, PlayerSpec

STEPS = 60


_player = partial(PlayerSpec, lr=0.02, betas=(0.5, 0.9))
Gradient = Callable[[Tensor], Tensor]


def _numbers(player: PlayerSpec, step: int = 0) -> PlayerNumbers:
    return PlayerNumbers(*(number_at(number, step, STEPS) for number in (player.lr, *player.betas)))


def _factors(rule: UpdateRule, player: PlayerSpec, step: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(rule.factors(step + 1, _numbers(player, step)), dtype=dtype)


def _ours(player: PlayerSpec, start: Tensor, gradient: Gradient, steps: int = STEPS) -> list[Tensor]:
    rule, params = update_rule(player), start
    slots, path = rule.start(params), []
    for step in range(steps):
        params, slots = rule.move(params, gradient(params), slots, _factors(rule, player, step, params.dtype))
        path.append(params)
    return path


def _torchs(optimizer: Any, start: Tensor, gradient: Gradient, clip: float = 0.0) -> list[Tensor]:
    params = torch.nn.Parameter(start.clone())
    rule, path = optimizer([params]), []
    for _ in range(STEPS):
        params.grad = gradient(params.detach()).clone()
        if clip:
            torch.nn.utils.clip_grad_norm_([params], clip)
        rule.step()
        path.append(params.detach().clone())
    return path


def _valley(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Gradient]:
    """A start and the gradient of a curved function of 32 parameters, one of which never has a gradient."""
    generator = torch.Generator().manual_seed(3)
    start, center = torch.randn(2, 32, generator=generator).to(dtype)
    scale = torch.logspace(-2, 1, 32).to(dtype)
    scale[7] = 0.0
    return start, lambda x: scale * (x - center).tanh() + 0.3 * scale * (3 * x).sin()


optim = torch.optim
TORCH: dict[str, tuple[PlayerSpec, Any]] = {
    "adam": (_player(), lambda p: optim.Adam(p, lr=0.02, betas=(0.5, 0.9))),
    "adam, beta1 0": (_player(betas=(0.0, 0.99)), lambda p: optim.Adam(p, lr=0.02, betas=(0.0, 0.99))),
    "adamw": (
        _player("adamw", weight_decay=0.3),
        lambda p: optim.AdamW(p, lr=0.02, betas=(0.5, 0.9), weight_decay=0.3),
    ),
    "rmsprop": (_player("rmsprop"), lambda p: optim.RMSprop(p, lr=0.02, alpha=0.9, momentum=0.5)),
    "rmsprop, plain": (_player("rmsprop", betas=(0.0, 0.99)), lambda p: optim.RMSprop(p, lr=0.02, alpha=0.99)),
    "sgd": (_player("sgd"), lambda p: optim.SGD(p, lr=0.02, momentum=0.5)),
    "sgd, plain": (_player("sgd", betas=(0.0, 0.9)), lambda p: optim.SGD(p, lr=0.02)),
}


@pytest.mark.parametrize("name", TORCH)
def test_a_rule_goes_the_way_of_torchs_optimizer(name: str) -> None:
    player, optimizer = TORCH[name]
    start, gradient = _valley()
    for ours, torchs in zip(_ours(player, start, gradient), _torchs(optimizer, start, gradient), strict=True):
        torch.testing.assert_close(ours, torchs, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("clip", [0.5, 1e6])
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_a_gradient_is_clipped_as_torch_clips_it(name: str, clip: float) -> None:
    player, optimizer = TORCH[name]
    start, gradient = _valley()
    ours = _ours(_player(player.optimizer, clip=clip), start, gradient)
    torch.testing.assert_close(ours[-1], _torchs(optimizer, start, gradient, clip)[-1], rtol=1e-10, atol=1e-12)
    unclipped = _ours(player, start, gradient)[-1]
    assert torch.allclose(ours[-1], unclipped) == (clip == 1e6)


def test_scheduled_betas_are_corrected_by_their_present_values() -> None:
    player = _player(betas=(Schedule(0.9, 0.0), Schedule(0.9, 0.999, shape="cosine")))
    start, gradient = _valley()
    params = torch.nn.Parameter(start.clone())
    torchs = torch.optim.Adam([params], lr=0.02)
    for step, ours in enumerate(_ours(player, start, gradient)):
        torchs.param_groups[0]["betas"] = _numbers(player, step)[1:]
        params.grad = gradient(params.detach())
        torchs.step()
        torch.testing.assert_close(ours, params.detach(), rtol=1e-11, atol=1e-13)


def _daskalakis(w: np.ndarray[Any, Any], gradient: Gradient, player: PlayerSpec) -> np.ndarray[Any, Any]:
    """Daskalakis et al. 2018, algorithm 1, line by line."""
    lr, beta1, beta2 = _numbers(player)
    m, v, previous = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t in range(1, STEPS + 1):
        grad = gradient(torch.from_numpy(w)).numpy()
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        now = m_hat / (np.sqrt(v_hat) + 1e-8)
        w = w - 2 * lr * now + lr * previous
        previous = now
    return w


@pytest.mark.parametrize("betas", [(0.5, 0.9), (0.0, 0.99)])
def test_optimistic_adam_is_the_papers_loop(betas: tuple[float, float]) -> None:
    player = _player("optimistic-adam", lr=0.002, betas=betas)
    start, gradient = _valley()
    expected = _daskalakis(start.numpy(), gradient, player)
    np.testing.assert_allclose(_ours(player, start, gradient)[-1].numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("every", "share"), [(5, 0.5), (3, 0.8)])
def test_lookahead_is_the_papers_loop(every: int, share: float) -> None:
    """Zhang et al. 2019, algorithm 1: two nested loops; the inner rule is torch's Adam, which keeps its moments."""
    start, gradient = _valley()
    fast = torch.nn.Parameter(start.clone())
    adam = torch.optim.Adam([fast], lr=0.02, betas=(0.5, 0.9))
    slow, expected = start.numpy().copy(), []
    for _ in range(STEPS // every):
        for _ in range(every):
            fast.grad = gradient(fast.detach())
            adam.step()
            expected.append(fast.detach().numpy().copy())
        slow += share * (expected[-1] - slow)
        expected[-1] = slow.copy()
        fast.data = torch.from_numpy(slow.copy())
    ours = _ours(_player("lookahead", lookahead=(every, share)), start, gradient)
    np.testing.assert_allclose(torch.stack(ours).numpy(), np.stack(expected), rtol=1e-10, atol=1e-12)


def _bilinear(player: PlayerSpec, steps: int = 3000) -> list[float]:
    """The distance from the solution of min over x, max over y of x y, in simultaneous moves from (1, 1)."""
    path = _ours(player, torch.ones(2, dtype=torch.float64), lambda at: torch.stack([at[1], -at[0]]), steps)
    return [float(point.norm()) for point in path]


def test_descent_and_ascent_spiral_out_of_a_bilinear_game() -> None:
    """Each move multiplies the distance by sqrt(1 + lr^2)."""
    distance = _bilinear(_player("sgd", lr=0.1, betas=(0.0, 0.9)), 400)
    assert distance[-1] == pytest.approx(math.sqrt(2) * (1 + 0.1**2) ** 200)


@pytest.mark.parametrize("name", ["optimistic-adam", "lookahead"])
def test_rules_made_for_games_converge_where_adam_does_not(name: str) -> None:
    adam = _bilinear(_player("adam", lr=0.03, betas=(0.0, 0.999)))
    made = _bilinear(_player(name, lr=0.03, betas=(0.0, 0.999)))
    assert min(adam[-500:]) > 1.5
    assert max(made[-500:]) < 0.01


PLAYERS = {name: _player(name, weight_decay=0.1) for name in RULES}
PLAYERS["clipped"] = _player("adam", clip=0.7)
PLAYERS["no momentum"] = _player("sgd", betas=(0.0, 0.9), clip=0.3)
PLAYERS["no first moment"] = _player("optimistic-adam", betas=(0.0, 0.9))
Moved = tuple[Tensor, Slots]


def _stack(size: int) -> tuple[Tensor, Tensor]:
    params, grads = torch.randn(2, 5, size, generator=torch.Generator().manual_seed(size))
    grads[:, ::7] = 0.0
    return params, grads * torch.logspace(-4, 1, size)


@pytest.mark.parametrize("size", [16, 1008, 4816])
@pytest.mark.parametrize("name", PLAYERS)
def test_a_seed_has_the_same_bits_alone_and_in_a_stack(name: str, size: int) -> None:
    player = PLAYERS[name]
    rule = update_rule(player)
    params, grads = _stack(size)
    together: Moved = (params, tuple(torch.stack(parts) for parts in zip(*map(rule.start, params), strict=True)))
    alone: list[Moved] = [(one, rule.start(one)) for one in params]
    for step in range(11):
        factors = _factors(rule, player, step, torch.float32)

        def move(p: Tensor, g: Tensor, s: Slots, factors: Tensor = factors) -> Moved:
            return rule.move(p, g, s, factors)

        together = torch.vmap(move)(together[0], grads, together[1])
        alone = [move(p, g, s) for (p, s), g in zip(alone, grads, strict=True)]
    for i, (expected, slots) in enumerate(alone):
        assert torch.equal(together[0][i], expected)
        assert all(torch.equal(ours[i], theirs) for ours, theirs in zip(together[1], slots, strict=True))


@pytest.mark.parametrize(
    "name", ["adam", pytest.param("lookahead", marks=pytest.mark.slow), pytest.param("clipped", marks=pytest.mark.slow)]
)
def test_in_a_program_a_seed_has_the_same_bits_in_every_lane(name: str) -> None:
    player = PLAYERS[name]
    rule = update_rule(player)
    params, grads = _stack(1008)
    slots = tuple(torch.stack(parts) for parts in zip(*map(rule.start, params), strict=True))
    factors = _factors(rule, player, 4, torch.float32)

    def moves(p: Tensor, g: Tensor, s: Slots, factors: Tensor) -> Moved:
        result: Moved = torch.vmap(lambda p, g, s: rule.move(p, g, s, factors))(p, g, s)
        return result

    program = compiled(moves, (params, grads, slots, factors))
    order = torch.tensor([3, 0, 4, 2, 1])
    there = program([params, grads, *slots, factors])
    here = program([params[order], grads[order], *(slot[order] for slot in slots), factors])
    uncompiled, after = moves(params, grads, slots, factors)
    for one, two, plain in zip(there, here, (uncompiled, *after), strict=True):
        assert torch.equal(one[order], two)
        torch.testing.assert_close(one, plain, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", PLAYERS)
def test_the_differentiable_form_computes_the_same_bits(name: str) -> None:
    player = PLAYERS[name]
    plain, smooth = update_rule(player), update_rule(player, differentiable=True)
    params, grads = (part[0] for part in _stack(1008))
    one = two = (params, plain.start(params))
    for step in range(6):
        factors = _factors(plain, player, step, torch.float32)
        one, two = plain.move(one[0], grads, one[1], factors), smooth.move(two[0], grads, two[1], factors)
    assert torch.equal(one[0], two[0])


def _unrolled(player: PlayerSpec, theta: Tensor) -> Tensor:
    """A function of theta through three moves of a second player, whose last parameter never has a gradient."""
    rule = update_rule(player, differentiable=True)
    params = torch.tensor([0.3, -0.8, 1.1, 0.0], dtype=theta.dtype)
    mask, slots = torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=theta.dtype), rule.start(params)
    for step in range(3):
        grad = mask * ((params * theta).sin() + params * theta.square())
        params, slots = rule.move(params, grad, slots, _factors(rule, player, step))
    return (params * theta.cos()).sum()


@pytest.mark.parametrize("name", PLAYERS)
def test_the_gradient_through_three_moves_is_the_finite_difference(name: str) -> None:
    player = PLAYERS[name]
    theta = torch.tensor([0.7, 1.3, -0.4, 0.9], dtype=torch.float64)
    slope = torch.func.grad(lambda at: _unrolled(player, at))(theta)
    step = 1e-6
    for i, ours in enumerate(slope.tolist()):
        off = step * torch.eye(4, dtype=torch.float64)[i]
        difference = float(_unrolled(player, theta + off) - _unrolled(player, theta - off)) / (2 * step)
        assert ours == pytest.approx(difference, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", PLAYERS)
def test_a_gradient_of_nothing_gives_a_finite_derivative(name: str) -> None:
    """Where a player's whole gradient is 0, the derivative of its move is finite, and so is that of the next."""
    player = PLAYERS[name]
    rule = update_rule(player, differentiable=True)

    def after(scale: Tensor) -> Tensor:
        params = torch.ones(16, dtype=torch.float64)
        slots = rule.start(params)
        for step in range(2):
            params, slots = rule.move(params, params * scale, slots, _factors(rule, player, step))
        return params.sum()

    assert torch.func.grad(after)(torch.zeros((), dtype=torch.float64)).isfinite()


def test_every_rule_of_a_suite_is_in_the_table() -> None:
    assert tuple(RULES) == OPTIMIZERS


def test_what_is_constantly_zero_takes_no_vector() -> None:
    params = torch.ones(16)
    counts = {
        name: [len(update_rule(_player(name, betas=(beta1, 0.9))).start(params)) for beta1 in (0.5, 0.0)]
        for name in RULES
    }
    assert counts == {
        "adam": [2, 1], "adamw": [2, 1], "rmsprop": [2, 1],
        "sgd": [1, 0], "optimistic-adam": [3, 2], "lookahead": [3, 2]
    }  # fmt: skip
    assert len(update_rule(_player("sgd", betas=(Schedule(0.0, 0.5), 0.9))).start(params)) == 1
