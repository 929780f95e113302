"""Where scores are computed: on the run's device for metrics that can, in float64, and on the CPU for all others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import torch
from torch import Tensor

from ganbench.engine.memory import free_bytes
from ganbench.registry.contracts import Metric, View

CPU = torch.device("cpu")
SHARE = 4
"""The features of one side may take this part of the free memory of a device: one in `SHARE`."""


@cache
def arithmetic_device(device: torch.device) -> torch.device:
    """The device itself, or the CPU if the device has no float64, such as Apple's GPUs."""
    try:
        torch.zeros((), dtype=torch.float64, device=device)
    except (TypeError, RuntimeError):
        return CPU
    return device


def fits(size: int, device: torch.device) -> bool:
    """Whether tensors of `size` bytes leave a device enough memory to compute with them."""
    return device.type == "cpu" or SHARE * size <= free_bytes(device)


def kept_where(device: torch.device, *tensors: Tensor | None) -> torch.device:
    """Where tensors of one side are kept: on the device if they fit, else on the CPU."""
    size = sum(one.nbytes for one in tensors if one is not None)
    return device if fits(size, device) else CPU


def name_of(device: torch.device) -> tuple[str, ...]:
    """What distinguishes results of a device in the cache from those of a CPU: nothing, or the model of the GPU."""
    if device.type == "cpu":
        return ()
    return (torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,)


@contextmanager
def full_precision() -> Iterator[None]:
    """Inside, float32 products are not rounded to TF32, whatever the training allows: all runs are measured alike."""
    flags: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [flag.allow_tf32 for flag in flags]
    try:
        for flag in flags:
            flag.allow_tf32 = False
        yield
    finally:
        for flag, value in zip(flags, before, strict=True):
            flag.allow_tf32 = value


def moved(view: View, device: torch.device) -> View:
    """A view with its tensors, those of its other split included, on a device; the samples stay where they are."""
    if view.features.device == device:
        return view
    there = {
        name: None if tensor is None else tensor.to(device)
        for name, tensor in (
            ("features", view.features), ("logits", view.logits), ("modes", view.modes), ("labels", view.labels),
        )
    }  # fmt: skip
    other = view.other
    return view._replace(**there, other=None if other is None else lambda: moved(other(), device))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Side:
    """One side of a comparison where its features are and, for metrics that compute there, on the CPU."""

    view: View

    @cached_property
    def on_cpu(self) -> View:
        return moved(self.view, CPU)

    def at(self, device: torch.device) -> View:
        """The side on the CPU, or on the device that it is on."""
        return self.on_cpu if device.type == "cpu" else self.view


def place_of(metric: Metric, *sides: Side) -> torch.device:
    """Where a metric gets the sides: on their device if it computes there and all of them are there."""
    devices = {side.view.features.device for side in sides}
    return devices.pop() if len(devices) == 1 and getattr(metric, "on_device", False) else CPU
