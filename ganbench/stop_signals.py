"""The signals by which a system or a batch queue asks a process to save its state and leave, and who handles them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

NAMES = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
"""SIGTERM: Slurm, a shutdown; SIGHUP: a terminal that was closed; SIGUSR1 and SIGUSR2: `sbatch --signal`, LSF and SGE
before a limit; SIGXCPU: the soft limit on processor time."""
STOP_SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))


def handle_stop_signals(handler: Callable[[int, FrameType | None], object]) -> None:
    """Let a function handle all of them, but not those that are ignored, as SIGHUP is under `nohup`."""
    for number in STOP_SIGNALS:
        if number == signal.SIGTERM or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)
