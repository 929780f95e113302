"""Watches what a plugin calls of torch, and knows the calls that its contract forbids."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ganbench.conformance.findings import Finding, Level
from ganbench.engine.watch import FIXES, plain

TORCH = str(Path(torch.__file__).parent)
FUNCTORCH = str(Path(torch.__file__).parent / "_functorch")
"""What torch.func itself does while it differentiates or maps is no plugin's call."""
OURS = str(Path(__file__).parent)

VALUES = {"item", "tolist", "__bool__", "__float__", "__int__", "__index__"}
RANDOM = {
    "rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm", "bernoulli", "bernoulli_",
    "normal", "normal_", "uniform_", "random_", "exponential_", "geometric_", "cauchy_", "log_normal_", "multinomial",
    "poisson", "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "rrelu",
    "gumbel_softmax", "manual_seed",
}  # fmt: skip
FACTORIES = {"zeros", "ones", "full", "empty", "arange", "linspace", "logspace", "eye", "tensor", "as_tensor"}
"""Calls that make a tensor on the CPU unless they are given a device."""
IN_PLACE = {f"__{name}__" for name in ("iadd", "isub", "imul", "itruediv", "ipow", "iand", "ior", "ixor", "setitem")}
MOVES = {"cpu", "cuda"}
NUMPY = {"numpy", "__array__", "from_numpy"}
HOW = {
    "autograd": "use critic.gradient(x); the step itself differentiates what a method returns",
    "reads-a-value": "keep it a tensor: torch.where(condition, a, b) chooses, .clamp() bounds",
    "undeclared-noise": FIXES["undeclared-noise"],
    "numpy": "compute with torch",
    "device": "make it like another tensor, torch.zeros_like(x) or torch.zeros(..., device=x.device), and move nothing",
    "in-place": FIXES["in-place"],
}
SLOW = (
    "it can be neither mapped over seeds nor compiled then, so that the seeds of a cell run one after the other "
    "(looped), about five times slower"
)


class Watch(TorchFunctionMode):
    """Records the forbidden calls that plugin code makes while it is active.

    A call counts if the nearest frame that is not torch's is not ours either, so that what the kit computes for the
    plugin is no sin of it. A call that would raise an error in the step is replaced by a harmless one, so that those
    behind it are seen too.
    """

    BLOCKING = ("autograd", "numpy", "in-place", "device")
    """Rules whose breach explains an exception."""

    def __init__(self, given: Sequence[Tensor] = ()) -> None:
        super().__init__()
        self.findings: list[Finding] = []
        self.given = given

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        frame = _caller()
        if frame is None:
            return func(*args, **kwargs)
        rule = self._rule(func, args, kwargs, frame)
        if rule == "autograd":
            return _instead_of_gradients(_name(func), args)
        if rule == "in-place":
            return func(args[0].clone(), *args[1:], **kwargs)
        if rule == "numpy" and isinstance(args[0], Tensor):
            return np.zeros(tuple(args[0].shape), dtype=np.float32)
        result = func(*args, **kwargs)
        factory = _name(func) in FACTORIES and "device" not in kwargs and not any(isinstance(x, Tensor) for x in args)
        if factory and isinstance(result, Tensor) and result.dim():
            self._add("device", f"{_where(frame)} makes a tensor on the CPU with torch.{_name(func)}")
        return result

    def _rule(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], frame: FrameType
    ) -> str:
        """The rule that a call breaks, which is recorded; empty if it breaks none."""
        name, where = _name(func), _where(frame)
        if name in ("backward", "requires_grad_") or (name == "grad" and _module(func).startswith("torch.autograd")):
            return self._add("autograd", f"{where} calls {'torch.autograd.grad' if name == 'grad' else f'.{name}()'}")
        if func == Tensor.requires_grad.__set__:  # type: ignore[attr-defined]
            return self._add("autograd", f"{where} sets requires_grad")
        if name in NUMPY:
            return self._add("numpy", f"{where} converts {'from' if name == 'from_numpy' else 'to'} numpy")
        if name in VALUES:
            called = "decides by the value of a tensor" if name == "__bool__" else f"reads a tensor's value with {name}"
            return self._add("reads-a-value", f"{where} {called}: {SLOW}", "slow")
        if name in RANDOM:
            return self._add("undeclared-noise", f"{where} draws random numbers with {name}")
        if name in MOVES or (name == "to" and _names_a_device(args, kwargs)):
            return self._add("device", f"{where} moves a tensor between devices with .{name}()")
        if _in_place(name) and args and any(_same(args[0], one) for one in self.given):
            return self._add("in-place", f"{where} changes what it was given, with {name}")
        return ""

    def _add(self, rule: str, seen: str, level: Level = "fault") -> str:
        finding = Finding(rule, seen, HOW[rule], level)
        if finding not in self.findings:
            self.findings.append(finding)
        return rule


def _instead_of_gradients(name: str, args: tuple[Any, ...]) -> Any:
    """A result of the form that a call of the autograd engine has."""
    if name != "grad":
        return args[0] if name == "requires_grad_" else None
    inputs = args[1] if len(args) > 1 else ()
    return tuple(torch.zeros_like(x) for x in ((inputs,) if isinstance(inputs, Tensor) else inputs))


def _name(func: Callable[..., Any]) -> str:
    return str(getattr(func, "__name__", ""))


def _module(func: Callable[..., Any]) -> str:
    return str(getattr(func, "__module__", ""))


def _names_a_device(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    return "device" in kwargs or any(isinstance(one, str | torch.device | int) for one in args[1:])


def _in_place(name: str) -> bool:
    return name in IN_PLACE or (name.endswith("_") and not name.endswith("__"))


def _same(changed: object, given: Tensor) -> bool:
    """Whether a tensor is one that was given, or shares its memory."""
    if changed is given or not isinstance(changed, Tensor):
        return changed is given
    first, second = plain(changed), plain(given)
    return bool(first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr())


def _caller() -> FrameType | None:
    """The plugin's frame that made the current call; None if the kit made it."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith((OURS, FUNCTORCH)):
            return None
        if not file.startswith((TORCH, "<")):
            return frame
        frame = frame.f_back
    return None


def _where(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
