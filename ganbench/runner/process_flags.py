"""The settings of torch and numpy that hold for a whole process, and how each is read and set."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.modules import module as module_hooks


@dataclass(frozen=True)
class Flag:
    """One setting. `ours` says that a job itself sets it, so that a change is no plugin's."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]
    ours: bool = False


def flushes_denormals() -> bool:
    """Whether numbers too small for a full mantissa become zero; torch has no function that tells it."""
    return not bool((torch.full((1,), 1e-30, dtype=torch.float32, device="cpu") * 1e-10).item())


def _attribute(name: str, owner: object, attribute: str, ours: bool = False) -> Flag:
    return Flag(name, lambda: getattr(owner, attribute), lambda value: setattr(owner, attribute, value), ours)


def _autocast(device: str) -> Flag:
    return Flag(
        f"autocast on {device}",
        lambda: torch.is_autocast_enabled(device),
        lambda value: torch.set_autocast_enabled(device, value),
    )


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


FLAGS = (
    Flag("the default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Flag("the default device", torch.get_default_device, _set_device),
    Flag("the number of threads", torch.get_num_threads, torch.set_num_threads),
    Flag("the flushing of denormal numbers", flushes_denormals, torch.set_flush_denormal),
    Flag(
        "deterministic algorithms", torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode,
    ),
    _attribute("the filling of new memory", torch.utils.deterministic, "fill_uninitialized_memory"),
    Flag("gradient mode", torch.is_grad_enabled, torch._C._set_grad_enabled),
    Flag("anomaly detection", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    _autocast("cpu"),
    _autocast("cuda"),
    _autocast("mps"),
    Flag(
        "the precision of matrix products", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision,
        ours=True,
    ),
    _attribute("TF32 in matrix products", torch.backends.cuda.matmul, "allow_tf32", ours=True),
    _attribute("TF32 in convolutions", torch.backends.cudnn, "allow_tf32", ours=True),
    _attribute("reduced FP16 sums", torch.backends.cuda.matmul, "allow_fp16_reduced_precision_reduction"),
    _attribute("reduced BF16 sums", torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction"),
    _attribute("cuDNN", torch.backends.cudnn, "enabled"),
    _attribute("cuDNN's choice of algorithms", torch.backends.cudnn, "benchmark"),
    _attribute("cuDNN's determinism", torch.backends.cudnn, "deterministic"),
    _attribute("oneDNN", torch.backends.mkldnn, "enabled"),
    Flag("numpy's handling of errors", np.geterr, lambda value: np.seterr(**value)),
)  # fmt: skip
_HOOKS = [name for name in vars(module_hooks) if name.startswith("_global_") and name.endswith("_hooks")]


def modes() -> list[str]:
    """What is switched on for all later work of the process and can only be ended by the code that began it."""
    found = {
        "a mode that overrides torch functions": torch._C._len_torch_function_stack(),
        "a mode that overrides torch operators": torch._C._len_torch_dispatch_stack(),
        "inference mode": torch.is_inference_mode_enabled(),
        "hooks of all modules": any(getattr(module_hooks, name) for name in _HOOKS),
    }
    return [name for name, there in found.items() if there]


def seed() -> None:
    """The global random states, which nothing may use, at the same start for every job."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
