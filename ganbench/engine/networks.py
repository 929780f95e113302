"""A network as a pure function of one flat parameter vector."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganbench import seeding
from ganbench.errors import ContractError

ALIGNED = 16
"""A seed's vector is padded with zeros to a multiple of so many floats (64 bytes): matrix kernels
choose by alignment, and so every seed of a stack lies as the first does."""

Named = dict[str, Tensor]
Buffers = dict[str, Tensor]


class Network:
    """`(parameters by name, buffers, x) -> (output, buffers)`: a module without any state of its own.

    `named` gives the parameters by name out of one flat vector, which keeps the optimiser, the
    average of G and the gradient norms free of any knowledge of layers; a leading seed dimension
    turns `(P,)` into `(S, P)`.

    Raises `ContractError` where the module has parameters that are not float32.
    """

    def __init__(self, module: nn.Module, training: bool = True, precision: str = "fp32") -> None:
        self.module = module.requires_grad_(False).train(training)
        self.shapes = {name: p.shape for name, p in module.named_parameters()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        self.padding = -sum(self.sizes) % ALIGNED
        self.half = precision == "bf16"
        for name, p in module.named_parameters():
            if p.dtype != torch.float32:
                raise ContractError(f"parameter {name!r} is {p.dtype}; ganbench trains float32 parameters")

    def named(self, params: Tensor) -> Named:
        """The parameters (P,) by name, as views; call it once where gradients are to be taken."""
        pieces = torch.split(params, [*self.sizes, self.padding])[:-1]
        return {name: _view(piece, shape) for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)}

    def __call__(self, named: Named, buffers: Buffers, x: Tensor) -> tuple[Tensor, Buffers]:
        """Apply the network; the buffers that come back are new tensors, those given are not touched."""
        fresh = {name: buffer.clone() for name, buffer in buffers.items()}
        if not self.half:
            output: Tensor = functional_call(self.module, (named, fresh), (x,))
            return output, fresh
        with torch.autocast(x.device.type, torch.bfloat16, cache_enabled=False):
            output = functional_call(self.module, (named, fresh), (x,))
        return output.float(), fresh


def flat(parameters: Iterable[Tensor]) -> Tensor:
    """Parameters as one new vector, in their order; convolution kernels with their channels last."""
    laid = (p.detach().permute(0, 2, 3, 1) if p.dim() == 4 else p.detach() for p in parameters)
    vector = torch.cat([torch.zeros(0), *(p.reshape(-1) for p in laid)])
    return torch.nn.functional.pad(vector, (0, -len(vector) % ALIGNED))


def _view(piece: Tensor, shape: torch.Size) -> Tensor:
    """A parameter out of its piece of the vector; kernels lie as convolutions on a CPU want them."""
    if len(shape) != 4:
        return piece.view(shape)
    first, second, height, width = shape
    return piece.view(first, height, width, second).permute(0, 3, 1, 2)


def initial(build: Callable[[], nn.Module], seed: int, purpose: str) -> tuple[nn.Module, Tensor, Buffers]:
    """Build a module under the seed's own stream: the module, its flat parameters, its buffers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.number(seed, purpose))
        module = build()
    return module, flat(module.parameters()), {name: b.detach().clone() for name, b in module.named_buffers()}


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
            network = Network(one, training=False)
            outputs.append(network(network.named(params), buffers, x)[0])
    if not torch.equal(*outputs):
        raise ContractError(
            f"{what} keeps a random tensor that is neither parameter nor buffer; "
            "use self.register_buffer(name, tensor), so that every seed has its own"
        )
