"""Whether training goes on: a count of what has been done, by which a process that hangs is told from a slow one."""

from __future__ import annotations


class _Pulse:
    beats = 0


def beat() -> None:
    """A step was taken, or a state saved."""
    _Pulse.beats += 1


def beats() -> int:
    """How often `beat` was called in this process."""
    return _Pulse.beats
