"""Whether a GPU computes the same bits in every run: torch's settings for it, while a cell is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from ganbench.suite.train_spec import TrainSpec


class _Setting(NamedTuple):
    read: Callable[[], Any]
    write: Callable[[Any], object]


def _attribute(owner: object, name: str) -> _Setting:
    return _Setting(lambda: getattr(owner, name), lambda value: setattr(owner, name, value))


def _write_algorithms(mode: int) -> None:
    torch.set_deterministic_debug_mode(mode)


WARN = 1
"""Torch's mode in which operations without a deterministic algorithm warn."""
SETTINGS = {
    "algorithms": _Setting(torch.get_deterministic_debug_mode, _write_algorithms),
    "fill": _attribute(torch.utils.deterministic, "fill_uninitialized_memory"),
    "cudnn": _attribute(torch.backends.cudnn, "deterministic"),
    "benchmark": _attribute(torch.backends.cudnn, "benchmark"),
    "tf32 products": _attribute(torch.backends.cuda.matmul, "allow_tf32"),
    "tf32 convolutions": _attribute(torch.backends.cudnn, "allow_tf32"),
}


def wanted(spec: TrainSpec, device: torch.device) -> dict[str, Any]:
    """The value of each setting for a training; a CPU has none of them."""
    if device.type != "cuda":
        return {}
    exact, rounded = spec.deterministic, spec.precision == "tf32"
    return {
        "algorithms": WARN if exact else 0,
        "fill": False,  # it only makes errors of torch visible, and costs a launch for every result
        "cudnn": exact,
        "benchmark": False,
        "tf32 products": rounded,
        "tf32 convolutions": rounded,
    }


@contextmanager
def arithmetic(spec: TrainSpec, device: torch.device) -> Iterator[None]:
    """Inside, a GPU computes as the spec says. What something else changes inside stays, so that it can be found."""
    chosen = wanted(spec, device)
    before = {name: SETTINGS[name].read() for name in chosen}
    for name, value in chosen.items():
        SETTINGS[name].write(value)
    try:
        yield
    finally:
        for name, value in chosen.items():
            if SETTINGS[name].read() == value:
                SETTINGS[name].write(before[name])
