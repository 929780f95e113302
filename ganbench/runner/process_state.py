"""The state of a worker process that a plugin could change for other cells: how it is set, and what changed."""

from __future__ import annotations

import builtins
import inspect
import math
import os
import random
import signal
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ganbench.errors import well_formed
from ganbench.runner.process_flags import FLAGS, modes, seed

MODULES = (
    torch, torch.nn, torch.nn.functional, torch.nn.init, torch.special, torch.linalg, torch.fft, torch.func,
    torch.autograd, torch.optim, torch.random, np, np.random, np.linalg, math, random, builtins,
)  # fmt: skip
LIBRARIES = ("TORCHINDUCTOR_", "_TORCHINDUCTOR_", "TRITON_", "KMP_")
"""What the environment variables begin with that torch's compiler and OpenMP's users set when first used."""
TORCH = str(Path(torch.__file__).parent)
COMPILER = str(Path(TORCH) / "_dynamo")
SHOWN = 3

Members = Mapping[str, object]


@dataclass(frozen=True)
class _Namespace:
    """The functions and classes that a module or class had, and how to read those that it has."""

    name: str
    read: Callable[[], Members]
    before: Members

    def replaced(self) -> Iterator[str]:
        now = self.read()
        for name, value in self.before.items():
            if now.get(name) is not value and not _wrapped_by_torch(now.get(name), value):
                yield f"{self.name}.{name}"


class ProcessState:
    """What a worker was like before any plugin was loaded, with the current settings as those of every job.

    Watched are the functions of torch, numpy and ganbench, also those of their classes, torch's settings,
    the environment, the import path, the current folder and the handler of SIGTERM.
    """

    def __init__(self) -> None:
        own = [module for name, module in sys.modules.items() if name.partition(".")[0] == "ganbench"]
        self._namespaces = list(_namespaces([*MODULES, *own]))
        self._flags = [flag.read() for flag in FLAGS]
        self._filters = list(warnings.filters)
        self._place = _place()

    def begin(self) -> None:
        """Set the state in which every job starts. Called after plugins are loaded, whatever they set."""
        for flag, value in zip(FLAGS, self._flags, strict=True):
            if flag.read() != value:
                flag.write(value)
        warnings.filters[:] = self._filters  # type: ignore[index]
        seed()
        self._place = _place()

    def changes(self) -> list[str]:
        """What is not as it was: functions since before plugins were loaded, the rest since the job began."""
        found = [name for namespace in self._namespaces for name in namespace.replaced()]
        pairs = zip(FLAGS, self._flags, strict=True)
        found += [flag.name for flag, value in pairs if not flag.ours and flag.read() != value]
        found += modes()
        now = _place()
        return [*found, *(name for name in self._place | now if self._place.get(name) != now.get(name))]


def sentence(changes: list[str]) -> str:
    """The first changes in one line."""
    more = f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
    return well_formed(", ".join(changes[:SHOWN]) + more)


def _wrapped_by_torch(now: object, before: object) -> bool:
    """Whether torch itself wrapped one of its functions, as its compiler does when it is first used."""
    file = str(getattr(getattr(now, "__code__", None), "co_filename", ""))
    return file.startswith(COMPILER) or (getattr(now, "__wrapped__", None) is before and file.startswith(TORCH))


def _namespaces(modules: list[object]) -> Iterator[_Namespace]:
    """The members of modules and of the classes in them, and everything that a tensor inherits."""
    classes: dict[type, str] = {}
    for module in modules:
        name = str(getattr(module, "__name__", ""))
        yield _namespace(name, lambda module=module: vars(module))  # type: ignore[misc]
        for own, value in vars(module).items():
            if inspect.isclass(value) and value.__module__.partition(".")[0] in ("torch", "ganbench"):
                classes.setdefault(value, f"{name}.{own}")
    for one, name in classes.items():
        yield _namespace(name, lambda one=one: vars(one))  # type: ignore[misc]
    yield _namespace("torch.Tensor", _of_tensor)


def _namespace(name: str, read: Callable[[], Members]) -> _Namespace:
    before = {own: value for own, value in read().items() if callable(value) or isinstance(value, property)}
    return _Namespace(name, read, before)


def _of_tensor() -> Members:
    """A tensor's members by name, with inherited ones, which a method that is set on the class itself hides."""
    return {name: value for one in reversed(torch.Tensor.__mro__) for name, value in vars(one).items()}


def _inside_a_library(entry: str) -> bool:
    """Whether a folder on the import path is part of an installed library, which adds it when first imported."""
    roots = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    return any(Path(root) in Path(entry).parents for root in roots)


def _place() -> dict[str, object]:
    """What surrounds the code of a job."""
    variables = {f"the environment variable {name}": value for name, value in os.environ.items()}
    try:
        folder: Path | None = Path.cwd()
    except OSError:  # it is gone
        folder = None
    return {
        **{name: value for name, value in variables.items() if not name.split()[-1].startswith(LIBRARIES)},
        "sys.path": [entry for entry in sys.path if not _inside_a_library(entry)],
        "the current folder": folder,
        "the handler of SIGTERM": signal.getsignal(signal.SIGTERM),
    }
