"""A recorder that does on a CPU what a CUDA graph does: it repeats operations in the memory where they were recorded.

Python code runs while it is recorded and never again. So whatever a step would take from the host, or would keep in
Python objects, is missing or old when the tape is played.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Work = Callable[[], None]


class _Taped(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes every operation with its arguments and results; reading a value on the host raises, as CUDA does."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[tuple[Any, Any, Any, list[Tensor]]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing")
        results = function(*args, **(kwargs or {}))
        given = {one.untyped_storage().data_ptr() for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)}
        new = [one for one in tree_leaves(results) if isinstance(one, Tensor)]
        own = [one if one.untyped_storage().data_ptr() not in given else None for one in new]
        if not function.is_view:
            self.calls.append((function, args, kwargs or {}, own))  # type: ignore[arg-type]
        return results

    def play(self) -> None:
        for function, args, kwargs, own in self.calls:
            again = [one for one in tree_leaves(function(*args, **kwargs)) if isinstance(one, Tensor)]
            for there, value in zip(own, again, strict=True):
                if there is not None and there.numel():
                    there.copy_(value)


class Tape:
    """Records once, after warming up, and plays; `recorded` counts, and bodies are forked in reverse order."""

    def __init__(self) -> None:
        self.recorded = self.played = 0

    def record(self, body: Work) -> Work:
        body()  # the warm-up changes the fixed tensors
        tape = _Taped()
        with tape:
            body()
        self.recorded += 1

        def play() -> None:
            self.played += 1
            tape.play()

        return play

    def fork(self, bodies: Sequence[Work]) -> Work:
        def all_bodies() -> None:
            for body in reversed(bodies):
                body()

        return all_bodies
