"""Networks as pure functions of one flat parameter vector."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_leaves, tree_map

from ganbench import seeding
from ganbench.errors import ContractError

ALIGNMENT = 16
"""A seed's vector is padded with zeros to a multiple of 16 floats (64 bytes). Matrix kernels are chosen
by alignment; padding gives every seed of a stack the same alignment as the first."""

Named = dict[str, Tensor]
Buffers = dict[str, Tensor]


class Network:
    """A module without state: `(parameters by name, buffers, x) -> (output, buffers)`.

    `named` splits one flat vector (P,) into parameters by name. The optimizer, the average of G and the
    gradient norms work on the flat vector and know nothing of layers; a leading seed dimension turns
    `(P,)` into `(S, P)`.

    Raises `ContractError` if the module has parameters that are not float32.
    """

    def __init__(self, module: nn.Module, training: bool = True, precision: str = "fp32") -> None:
        self.module = module.requires_grad_(False).train(training)
        self.shapes = {name: p.shape for name, p in module.named_parameters()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        self.padding = -sum(self.sizes) % ALIGNMENT
        self.half = precision == "bf16"
        for name, p in module.named_parameters():
            if p.dtype != torch.float32:
                raise ContractError(f"parameter {name!r} is {p.dtype}; ganbench trains float32 parameters")

    def named(self, params: Tensor) -> Named:
        """The parameters (P,) by name, as views; to take gradients, call it once and reuse the result."""
        pieces = torch.split(params, [*self.sizes, self.padding])[:-1]
        return {name: _view(piece, shape) for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)}

    def vector(self, named: Named) -> Tensor:
        """The parameters by name as one vector (P,): the reverse of `named`."""
        laid = [
            named[name].permute(0, 2, 3, 1) if len(shape) == 4 else named[name] for name, shape in self.shapes.items()
        ]
        return torch.nn.functional.pad(torch.cat([p.reshape(-1) for p in laid]), (0, self.padding))

    def __call__(self, named: Named, buffers: Buffers, *inputs: Tensor) -> tuple[Any, Buffers]:
        """Apply the network to x, and to labels if it is conditional: its output, a tensor or a tensor with extras,
        and new buffers; the given ones stay unchanged.
        """
        fresh = {name: buffer.clone() for name, buffer in buffers.items()}
        if not self.half:
            return functional_call(self.module, (named, fresh), inputs), fresh
        with torch.autocast(inputs[0].device.type, torch.bfloat16, cache_enabled=False):
            output = functional_call(self.module, (named, fresh), inputs)
        return tree_map(lambda part: part.float(), output), fresh


def flat(parameters: Iterable[Tensor]) -> Tensor:
    """Concatenate parameters into one new vector (P,), in order; convolution kernels channels-last."""
    laid = (p.detach().permute(0, 2, 3, 1) if p.dim() == 4 else p.detach() for p in parameters)
    vector = torch.cat([torch.zeros(0), *(p.reshape(-1) for p in laid)])
    return torch.nn.functional.pad(vector, (0, -len(vector) % ALIGNMENT))


def _view(piece: Tensor, shape: torch.Size) -> Tensor:
    """A parameter as a view of its part of the vector; convolution kernels in the channels-last layout."""
    if len(shape) != 4:
        return piece.view(shape)
    first, second, height, width = shape
    return piece.view(first, height, width, second).permute(0, 3, 1, 2)


def initial(build: Callable[[], nn.Module], seed: int, purpose: str) -> tuple[nn.Module, Tensor, Buffers]:
    """Build a module under the seed's random stream: the module, its flat parameters (P,), its buffers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.number(seed, purpose))
        module = build()
    return module, flat(module.parameters()), {name: b.detach().clone() for name, b in module.named_buffers()}


def check_stateless(build: Callable[[], nn.Module], inputs: tuple[Tensor, ...], what: str) -> None:
    """Check that a network depends only on its parameters, its buffers and its input.

    Raises `ContractError` if a module gives other values when it is called again, or if the modules built for two seeds
    differ when given the same parameters and buffers: a hidden random tensor would have one value in training and
    another in sampling.
    """
    module, params, buffers = initial(build, 0, "stateless")
    other, _, _ = initial(build, 1, "stateless")
    outputs = []
    for one in (module, module, other):
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = Network(one, training=False)
            outputs.append(tree_leaves(network(network.named(params), buffers, *inputs)[0]))
    first, again, others = outputs
    if not all(map(torch.equal, first, again)):
        raise ContractError(
            f"{what} gives other values when it is called again with the same input; keep state in registered buffers, "
            "draw random numbers with torch, use no numpy and no clock"
        )
    if not all(map(torch.equal, first, others)):
        raise ContractError(
            f"{what} holds a random tensor that is neither a parameter nor a buffer; "
            "register it with self.register_buffer(name, tensor), so that each seed has its own"
        )
