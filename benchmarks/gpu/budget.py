"""The time that a part of the benchmark may take; what does not fit is reported as not measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

T = TypeVar("T")
Row = dict[str, Any]


class Budget:
    """`seconds` from now; `left_out` says what was not measured and why."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.clock, self.began = seconds, clock, clock()
        self.left_out: dict[str, str] = {}

    @property
    def spent(self) -> float:
        return self.clock() - self.began

    @property
    def left(self) -> float:
        return self.seconds - self.spent

    def measure(self, what: str, needs: float, measured: Callable[[], T]) -> T | None:
        """The measurement, or None if fewer than `needs` seconds are left or it fails; `left_out` has the reason."""
        if self.left < needs:
            self.left_out[what] = f"not measured: it needs about {needs:.0f} s, and {max(self.left, 0):.0f} s were left"
            return None
        began = self.clock()
        try:
            found = measured()
        except Exception as error:  # a driver, the compiler or a subprocess may raise anything; the rest is measured
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            self.left_out[what] = f"not measured: {type(error).__name__}: {reason}"
            click.echo(f"{what}: {self.left_out[what]}", err=True)
            return None
        click.echo(f"{what}: {self.clock() - began:.1f} s", err=True)
        return found
