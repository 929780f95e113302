"""Compiles a function of tensors: traced to a flat graph, then compiled by torch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from ganbench.engine.program_store import kept
from ganbench.engine.tensor_cache import key
from ganbench.errors import GanbenchError

Program = Callable[[Sequence[Tensor]], Sequence[Tensor]]
"""A compiled function from the leaves of the arguments to the leaves of the result."""

Compiler = Callable[..., Program]
"""`compiled`, or `traced`."""

PROGRAMS: dict[str, Program] = {}
"""Programs compiled in this process, by a hash of their graph: cells of the same shape share a program."""

MAX_NARROW_COLUMNS = 4
"""Products with at most this many columns are computed transposed: BLAS kernels are slow on a thin right side."""
MAX_INLINED = 30
"""Operations that a program may compute anew for each of their uses; the compiler's own limit."""
MAX_INLINED_BITS = 6
"""The same for random numbers. Every round uses its input twice, so that with more the program grows exponentially."""


class CannotCompileError(GanbenchError):
    """A function cannot be compiled; the message says why."""


def compiled(
    function: Callable[..., object], example: tuple[object, ...], fixed: int = 0, inlined: int = MAX_INLINED
) -> Program:
    """Compile a pure function of trees of tensors into a program on their leaves.

    The shapes of the example are part of the program: leaves of other shapes give wrong results, not
    slow ones. The first `fixed` leaves are the same tensors in every call, so the example's are not copied. `inlined`
    is the number of operations that are computed anew for each of their uses. Raises `CannotCompileError` if the
    function uses random numbers, and passes on whatever the function or the compiler raises (if the function reads
    values on the host, for example).
    """
    graph, leaves = _graph(function, example, fixed)
    name = _name(graph, leaves, inlined)
    if name not in PROGRAMS:
        PROGRAMS[name] = _program(graph, leaves, inlined)
    return PROGRAMS[name]


def traced(
    function: Callable[..., object], example: tuple[object, ...], fixed: int = 0, inlined: int = MAX_INLINED
) -> Program:
    """The program of `compiled` without torch's compiler, which is slow: the graph as traced, one operation at a time.

    It shows whether a function can be compiled as far as that depends on the function. Raises as `compiled` does.
    """
    graph, _ = _graph(function, example, fixed)

    def run(leaves: Sequence[Tensor]) -> Sequence[Tensor]:
        with torch.no_grad():
            return graph(*leaves)  # type: ignore[no-any-return]

    return run


def _graph(
    function: Callable[..., object], example: tuple[object, ...], fixed: int
) -> tuple[fx.GraphModule, list[Tensor]]:
    """A function as a flat graph on the leaves of its arguments, and the leaves that it was traced with."""
    leaves, form = tree_flatten(example)
    leaves = [leaf if i < fixed else leaf.clone() for i, leaf in enumerate(leaves)]  # one given twice is traced as one

    def flat(*leaves: Tensor) -> list[Tensor]:
        return tree_leaves(function(*tree_unflatten(list(leaves), form)))

    graph = make_fx(flat)(*leaves)
    if any(_is_random(node.target) for node in graph.graph.nodes):
        raise CannotCompileError("a network or the loss uses random numbers")
    return graph, leaves


def _is_random(target: object) -> bool:
    return torch.Tag.nondeterministic_seeded in getattr(target, "tags", ())


def _name(graph: fx.GraphModule, leaves: list[Tensor], inlined: int) -> str:
    """A hash of the graph's code, its input shapes, its constants, and the settings that choose kernels."""
    shapes = [(tuple(leaf.shape), leaf.stride(), leaf.dtype, leaf.device) for leaf in leaves]
    constants = [getattr(graph, str(node.target)) for node in graph.graph.nodes if node.op == "get_attr"]
    settings = (
        inlined, torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision(),
        torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic,
    )  # fmt: skip
    return key(graph.code, str(shapes), str(settings), *constants)


def _program(graph: fx.GraphModule, leaves: list[Tensor], inlined: int) -> Program:
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # warns if there is no GPU
    _swap_narrow_products(graph)
    device = leaves[0].device

    def compile_it() -> Callable[..., Any]:
        with torch.no_grad(), torch._inductor.config.patch(_options(inlined)):
            call = torch._inductor.standalone_compile(graph, [*leaves], dynamic_shapes="from_example_inputs")
            if device.type == "cpu":
                call(*leaves)  # a damaged program ends the process here, where the store notices it
            return call

    call = kept(_name(graph, leaves, inlined), str(device), compile_it)

    def run(leaves: Sequence[Tensor]) -> Sequence[Tensor]:
        with torch.no_grad():
            return call(*leaves)  # type: ignore[no-any-return]

    return run


def _options(inlined: int) -> dict[str, object]:
    """The compiler's options. Where algorithms must be deterministic, it may not choose kernels by timing them.

    Two kernels that add in different orders differ in the last bits. Older versions of torch lack some of the options.
    """
    options: dict[str, object] = {"realize_opcount_threshold": inlined}
    if torch.are_deterministic_algorithms_enabled():
        untimed = {"deterministic": True, "max_autotune": False, "coordinate_descent_tuning": False}
        options |= {name: value for name, value in untimed.items() if hasattr(torch._inductor.config, name)}
    return options


def _swap_narrow_products(graph: fx.GraphModule) -> None:
    """Compute (m, k) @ (k, n) with few columns n as the transpose of (n, k) @ (k, m): up to five times faster."""
    aten = torch.ops.aten
    for node in list(graph.graph.nodes):
        if node.target not in (aten.mm.default, aten.bmm.default):
            continue
        rows, columns = node.meta["tensor_meta"].shape[-2:]
        if columns > MAX_NARROW_COLUMNS or rows <= columns:
            continue
        with graph.graph.inserting_before(node):
            swapped = [graph.graph.call_function(aten.transpose.int, (x, -2, -1)) for x in node.args[::-1]]
            product = graph.graph.call_function(node.target, tuple(swapped))
            back = graph.graph.call_function(aten.transpose.int, (product, -2, -1))
            back = graph.graph.call_function(aten.clone.default, (back,), {"memory_format": torch.contiguous_format})
        node.replace_all_uses_with(back)
        graph.graph.erase_node(node)
    graph.recompile()
