"""A network as a pure function of one flat parameter vector."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganbench import rng
from ganbench.errors import ContractError

Buffers = dict[str, Tensor]


class Network:
    """`(params (P,), buffers, x) -> (output, buffers)`: a module without any state of its own.

    The flat vector keeps the optimiser, the average of G and the gradient norms free of any
    knowledge of layers; a leading seed dimension turns `(P,)` into `(S, P)`.

    Raises `ContractError` where the module has parameters that are not float32.
    """

    def __init__(self, module: nn.Module, training: bool = True) -> None:
        self.module = module.requires_grad_(False).train(training)
        self.shapes = {name: p.shape for name, p in module.named_parameters()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        for name, p in module.named_parameters():
            if p.dtype != torch.float32:
                raise ContractError(f"parameter {name!r} is {p.dtype}; ganbench trains float32 parameters")

    def __call__(self, params: Tensor, buffers: Buffers, x: Tensor) -> tuple[Tensor, Buffers]:
        """Apply the network; the buffers that come back are new tensors, those given are not touched."""
        pieces = torch.split(params, self.sizes)
        named = {name: piece.view(shape) for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)}
        fresh = {name: buffer.clone() for name, buffer in buffers.items()}
        output: Tensor = functional_call(self.module, (named, fresh), (x,))
        return output, fresh


def initial(build: Callable[[], nn.Module], seed: int, purpose: str) -> tuple[nn.Module, Tensor, Buffers]:
    """Build a module under the seed's own stream: the module, its flat parameters, its buffers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(rng.number(seed, purpose))
        module = build()
    params = [p.detach().reshape(-1) for p in module.parameters()]
    flat = torch.cat(params) if params else torch.zeros(0)
    return module, flat.clone(), {name: b.detach().clone() for name, b in module.named_buffers()}


def check_stateless(build: Callable[[], nn.Module], x: Tensor, what: str) -> None:
    """That a network is a function of its parameters and buffers, and of nothing that it drew besides.

    Raises `ContractError` where the modules of two seeds differ though given the same parameters
    and buffers: such a tensor would be another one in training than in sampling.
    """
    module, params, buffers = initial(build, 0, "stateless")
    other, _, _ = initial(build, 1, "stateless")
    outputs = []
    for one in (module, other):
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            outputs.append(Network(one, training=False)(params, buffers, x)[0])
    if not torch.equal(*outputs):
        raise ContractError(
            f"{what} keeps a random tensor that is neither parameter nor buffer; "
            "use self.register_buffer(name, tensor), so that every seed has its own"
        )
