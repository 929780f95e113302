"""What this machine computes with, and whether the engine works there: tried in a process of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ganbench.engine.trial import Trial
from ganbench.runner.places import Place, place
from ganbench.runner.worker_process import worker_environment

TRIAL_TIMEOUT_S = 300.0
QUERY_TIMEOUT_S = 10.0
DRIVER_FILE = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class CardFacts:
    """A GPU: its name here, its model, bytes of memory, driver, CUDA of torch, compute capability. Unknown is None."""

    device: str
    name: str
    memory: int
    free: int | None
    driver: str | None
    cuda: str | None
    capability: str

    @property
    def text(self) -> str:
        """One line."""
        free = "" if self.free is None else f", {self.free / 2**30:.1f} GiB free"
        driver = f"driver {self.driver or 'unknown'}, CUDA {self.cuda or 'unknown'}"
        memory = f"{self.memory / 2**30:.1f} GiB{free}"
        return f"{self.device} {self.name}: {memory}, {driver}, compute capability {self.capability}"


def cards() -> list[CardFacts]:
    """Every GPU that torch sees. Raises whatever torch raises for a driver that does not work."""
    import torch

    if not torch.cuda.is_available():
        return []
    driver, found = driver_version(), []
    for index in range(torch.cuda.device_count()):
        known = torch.cuda.get_device_properties(index)
        try:
            free: int | None = torch.cuda.mem_get_info(index)[0]
        except RuntimeError:  # another process may use all of it
            free = None
        found.append(
            CardFacts(
                f"cuda:{index}", known.name, int(known.total_memory), free, driver, torch.version.cuda,
                f"{known.major}.{known.minor}",
            )
        )  # fmt: skip
    return found


def driver_version() -> str | None:
    """The version of NVIDIA's driver, as nvidia-smi or the kernel says it; None if neither does."""
    command = shutil.which("nvidia-smi")
    if command is not None:
        query = [command, "--query-gpu=driver_version", "--format=csv,noheader"]
        try:
            done = subprocess.run(query, capture_output=True, text=True, timeout=QUERY_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired):
            done = None
        if done is not None and done.returncode == 0 and done.stdout.strip():
            return done.stdout.split()[0]
    try:
        found = re.search(r"Kernel Module.*?\s(\d+\.[\d.]+)\s", DRIVER_FILE.read_text())
    except OSError:
        return None
    return found[1] if found else None


def trials(device: str, timeout: float = TRIAL_TIMEOUT_S) -> list[Trial]:
    """Ten steps on a device, as short cells run and compiled, in a worker's environment; a crash is a failure too."""
    where: Place = place(device)
    command = [sys.executable, "-m", "ganbench.engine.trial", where.device]
    try:
        done = subprocess.run(
            command, env=worker_environment(where), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return [Trial("auto", failure=f"ten steps took longer than {timeout:g} s")]
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it printed nothing"]
        return [Trial("auto", failure=f"its process ended with exit code {done.returncode}: {last[0]}")]
    return [Trial(**one) for one in json.loads(done.stdout.splitlines()[-1])]
