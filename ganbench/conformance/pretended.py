"""A pretended device: tensors that lie elsewhere than on the CPU, as on a GPU, on a machine that has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

KIND = "meta"
"""A type of device that every torch knows. Its own tensors hold nothing; those here hold numbers, in CPU memory."""
HERE = torch.device("cpu")
_COPIES = {"aten::copy_", "aten::_to_copy", "aten::index.Tensor", "aten::index_put_"}
"""What may combine tensors of two devices on a real one too: copies, and rows by indices on the CPU."""
_TEXTS = (torch.Tensor.tolist, torch.Tensor.__repr__)
_ARRAYS = (torch.Tensor.numpy, torch.Tensor.__array__)


class MixedError(RuntimeError):
    """An operator was given tensors on the device and others on the CPU."""


class Held(Tensor):
    """A tensor on the pretended device, and the CPU tensor that it stands for."""

    inside: Tensor

    @staticmethod
    def __new__(cls, inside: Tensor) -> Held:
        made: Held = torch.Tensor._make_wrapper_subclass(
            cls, inside.shape, strides=inside.stride(), dtype=inside.dtype, device=torch.device(KIND)
        )
        made.inside = inside
        return made

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in _ARRAYS:
            raise TypeError("a tensor that is not on the CPU cannot become a numpy array; call .cpu() first")
        if func in _TEXTS:
            return func(args[0].cpu(), *args[1:], **(kwargs or {}))
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        raise RuntimeError(f"{func} outside of the pretended device")


class Elsewhere(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While it is entered, torch has one more device, whose tensors mix with no others.

    `largest` is the size in bytes of the largest tensor that was made there, `fetched` how many bytes were copied to
    the CPU, single numbers left out.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.device = torch.device(KIND)
        self.largest = self.fetched = 0
        self._maker = _Maker()

    def __enter__(self) -> Elsewhere:
        self._maker.__enter__()  # type: ignore[no-untyped-call]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._maker.__exit__(*error)  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        given = [one for one in tree_flatten((args, named))[0] if isinstance(one, Tensor)]
        there = [one for one in given if isinstance(one, Held)]
        copies = func.name() in _COPIES
        if there and not copies and any(one.dim() and not isinstance(one, Held) for one in given):
            raise MixedError(f"some tensors of {func} are on another device, and some on the CPU")
        to = named.get("device")
        stays = isinstance(args[0], Held) if copies else bool(there)
        lands = to.type if to is not None else (KIND if stays else HERE.type)
        if to is not None and to.type == KIND:
            named["device"] = HERE
        out = func(*tree_map(_inside, args), **tree_map(_inside, named))
        if lands == KIND:
            return tree_map(lambda one: self._placed(one, there), out)
        if there and isinstance(out, Tensor):
            self.fetched += out.nbytes
        return out

    def _placed(self, made: Any, given: Sequence[Held]) -> Any:
        """A result on the device: a number, what was changed in place, or a new tensor."""
        if not isinstance(made, Tensor):
            return made
        same = next((one for one in given if one.inside is made), None)
        if same is not None:
            return same
        if made._base is None:
            self.largest = max(self.largest, made.nbytes)
        return Held(made)


def _inside(given: Any) -> Any:
    return given.inside if isinstance(given, Held) else given


class _Maker(TorchFunctionMode):
    """Lets `torch.tensor` make tensors on the pretended device, which it does without an operator."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        if func in (torch.tensor, torch.as_tensor) and str(named.get("device", "")).startswith(KIND):
            to = named.pop("device")
            return func(*args, **named).to(to)
        return func(*args, **named)
