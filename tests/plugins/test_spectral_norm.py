"""Spectral normalization equals torch's and works under torch.func's transforms, alone and nested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils.parametrizations import spectral_norm

from ganbench.engine.networks import Network, check_stateless, initial
from ganbench_architectures.spectral import normalize_layers

LAYERS = {
    "linear": (lambda: nn.Linear(6, 5), (6,)),
    "convolution": (lambda: nn.Conv2d(3, 5, 3), (3, 7, 7)),
    "transposed": (lambda: nn.ConvTranspose2d(3, 5, 4, 2, 1), (3, 4, 4)),
}


def _pair(build: Callable[[], nn.Module]) -> tuple[Any, Any]:
    """The same layer with our normalization and with torch's, from the same vectors u and v."""
    torch.manual_seed(0)
    ours: Any = build()
    theirs: Any = build()
    theirs.load_state_dict(ours.state_dict())
    normalize_layers(ours)
    spectral_norm(theirs)
    mine, other = (layer.parametrizations["weight"][0] for layer in (ours, theirs))
    other._u.copy_(mine.u)
    other._v.copy_(mine.v)
    return ours, theirs


@pytest.mark.parametrize("name", LAYERS)
def test_it_equals_torchs_in_training_and_evaluation(name: str) -> None:
    build, shape = LAYERS[name]
    ours, theirs = _pair(build)
    x = torch.randn(4, *shape)
    for _ in range(3):
        torch.testing.assert_close(ours(x), theirs(x))
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize("name", LAYERS)
def test_after_many_calls_the_largest_singular_value_is_1(name: str) -> None:
    build, shape = LAYERS[name]
    ours, _ = _pair(build)
    for _ in range(200):
        ours(torch.randn(1, *shape))
    weight = ours.weight.transpose(0, 1) if name == "transposed" else ours.weight
    assert torch.linalg.svdvals(weight.flatten(1))[0].item() == pytest.approx(1, abs=1e-4)


def _network() -> nn.Module:
    made = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
    normalize_layers(made)
    return made


def _penalty(network: Network, params: Tensor, buffers: dict[str, Tensor], x: Tensor) -> Tensor:
    """The mean squared slope of D's logits: its gradient differentiates twice through the normalization."""
    named = network.named(params)
    slopes: Tensor = grad(lambda at: network(named, buffers, at)[0].sum())(x)
    return slopes.square().sum(dim=1).mean()


def test_the_gradient_of_a_gradient_penalty_is_that_of_autograd_through_torchs() -> None:
    module, params, buffers = initial(_network, 0, "d")
    network, x = Network(module), torch.randn(5, 6)
    ours = network.named(grad(lambda p: _penalty(network, p, buffers, x))(params))

    torch.manual_seed(0)
    theirs: Any = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
    for i in (0, 2):
        layer, prefix = theirs[i], f"{i}."
        with torch.no_grad():
            layer.weight.copy_(network.named(params)[f"{prefix}parametrizations.weight.original"])
            layer.bias.copy_(network.named(params)[f"{prefix}bias"])
        spectral_norm(layer)
        layer.parametrizations.weight[0]._u.copy_(buffers[f"{prefix}parametrizations.weight.0.u"])
        layer.parametrizations.weight[0]._v.copy_(buffers[f"{prefix}parametrizations.weight.0.v"])
    at = x.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(theirs(at).sum(), at, create_graph=True)
    names, parameters = zip(*theirs.named_parameters(), strict=True)
    expected = torch.autograd.grad(slopes.square().sum(dim=1).mean(), parameters, allow_unused=True)
    for name, slope in zip(names, expected, strict=True):
        torch.testing.assert_close(ours[name], torch.zeros_like(ours[name]) if slope is None else slope)


def test_a_stack_of_seeds_gives_each_its_own_vectors() -> None:
    made = [initial(_network, seed, "d") for seed in range(3)]
    network = Network(made[0][0])
    params = torch.stack([one[1] for one in made])
    buffers = {name: torch.stack([one[2][name] for one in made]) for name in made[0][2]}
    x = torch.randn(3, 5, 6)

    def move(p: Tensor, b: dict[str, Tensor], at: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return grad(lambda q: _penalty(network, q, b, at))(p), network(network.named(p), b, at)[1]

    slopes, moved = torch.vmap(move)(params, buffers, x)
    for seed in range(3):
        alone, own = move(params[seed], {name: b[seed] for name, b in buffers.items()}, x[seed])
        torch.testing.assert_close(slopes[seed], alone)
        for name, vector in own.items():
            torch.testing.assert_close(moved[name][seed], vector)
            if name.startswith("0."):
                assert not torch.equal(vector, buffers[name][seed])


def test_it_is_traced_with_its_vectors() -> None:
    module, params, buffers = initial(_network, 0, "d")
    network, x = Network(module), torch.randn(5, 6)

    def move(p: Tensor, b: dict[str, Tensor], at: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return grad(lambda q: _penalty(network, q, b, at))(p), network(network.named(p), b, at)[1]

    graph = make_fx(move)(params, buffers, x)
    other = {name: -b for name, b in buffers.items()}
    slopes, moved = graph(params, other, x)
    expected, vectors = move(params, other, x)
    torch.testing.assert_close(slopes, expected)
    for name, vector in vectors.items():
        torch.testing.assert_close(moved[name], vector)


def test_it_holds_no_tensor_of_its_own() -> None:
    check_stateless(_network, (torch.randn(2, 6),), "D")


def test_the_given_buffers_stay_as_they_are() -> None:
    module, params, buffers = initial(_network, 0, "d")
    before = {name: b.clone() for name, b in buffers.items()}
    network = Network(module)
    network(network.named(params), buffers, torch.randn(5, 6))
    functional_call(module, (network.named(params), {n: b.clone() for n, b in buffers.items()}), (torch.randn(5, 6),))
    assert all(torch.equal(before[name], b) for name, b in buffers.items())
