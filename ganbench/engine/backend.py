"""What a kind of device can do with a step. The rule of execution paths reads this, and nothing else of a machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import torch

from ganbench.engine.devices import missing_compiler
from ganbench.engine.recorder import CudaGraphs, Recorder
from ganbench.suite.train_spec import COMPILE_CONVOLUTIONS_FROM, COMPILE_FROM

MAX_LANE_PARAMETERS = 32_768
"""Several seeds share a program on a CPU up to this many parameters of both players; with larger matrices one seed
fills a core."""
LEAST_CAPABILITY = (7, 0)
"""The compute capability of a GPU for which torch's compiler makes kernels."""


@dataclass(frozen=True)
class Backend:
    """How steps can be run on a device.

    `uncompilable` says why programs are not compiled, None if they are. `recorder` records steps, None if each is
    launched by the host. Networks of up to `lane_parameters` (both players together) are stacked, `lanes` seeds to a
    program. Compiling pays from `compile_from` steps, with convolutions from `compile_convolutions_from`.
    """

    name: str
    uncompilable: str | None = None
    recorder: Callable[[], Recorder] | None = None
    lanes: int = 4
    lane_parameters: int = MAX_LANE_PARAMETERS
    small: str = "small networks fill a core four at a time"
    large: str = "one seed fills a core"
    compile_from: int = COMPILE_FROM
    compile_convolutions_from: int = COMPILE_CONVOLUTIONS_FROM

    def compiling_pays(self, steps: int, convolutions: bool) -> bool:
        """Whether so many steps justify the compiler's time."""
        return steps >= (self.compile_convolutions_from if convolutions else self.compile_from)


def backend_of(device: torch.device) -> Backend:
    """What this machine can do on a device."""
    if device.type == "cuda":
        return cuda_backend(device, torch.cuda.get_device_capability(device), find_spec("triton") is not None)
    if device.type == "cpu":
        return Backend("cpu", missing_compiler())
    return Backend(device.type, f"programs are not compiled for {device.type}")


def cuda_backend(device: torch.device, capability: tuple[int, int], triton: bool) -> Backend:
    """What can be done on a GPU of a compute capability, with or without the compiler of its kernels.

    A program is ready after 5 to 26 s and saves .2 ms a step of a small network and .5 to 3 ms of one that convolves,
    compared with the recorded step that is not compiled (H100, torch 2.11). The number of steps from which it pays
    follows from these; neither it nor `lane_parameters` was measured by itself.
    """
    limit = missing_compiler()
    if not triton:
        limit = "triton, which makes a GPU's programs, is not installed"
    if capability < LEAST_CAPABILITY:
        limit = f"programs are not compiled for GPUs of compute capability {capability[0]}.{capability[1]}"
    return Backend(
        "cuda", limit, lambda: CudaGraphs(device), lanes=16, lane_parameters=1_048_576,
        small="small networks are stacked 16 at a time", large="one seed of large networks at a time",
        compile_from=20_000, compile_convolutions_from=10_000,
    )  # fmt: skip
