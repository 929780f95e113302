"""A row of the table of `make torture`: what was tried, how often, and what went wrong."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field
from typing import ClassVar

STEPS = 20
"""Lines that say how far a row is, where there is no terminal."""


@dataclass
class Row:
    """What was tried, how often, and what went wrong; `notes` say where. Threads may share it.

    `total` is how often it is to be tried, `seconds` how long it took.
    """

    what: str
    total: int
    tries: int = 0
    lost: int = 0
    accepted: int = 0
    hanging: int = 0
    tracebacks: int = 0
    seconds: int = 0
    part: str = ""
    notes: list[str] = field(default_factory=list)
    _lock: ClassVar[threading.Lock] = threading.Lock()

    @property
    def faults(self) -> int:
        """How much went wrong."""
        return self.lost + self.accepted + self.hanging + self.tracebacks

    def begin(self) -> None:
        """Say that it begins."""
        print(f"{self.what}: begins", file=sys.stderr, flush=True)

    def tried(self) -> int:
        """Count one more try, and say how far it is. Returns how many there are now."""
        with self._lock:
            self.tries += 1
            said = f"{self.what}: {self.tries} of {self.total}, {self.faults} faults"
            if sys.stderr.isatty():
                print(f"\r{said}", end="\n" if self.tries == self.total else "", file=sys.stderr, flush=True)
            elif self.tries * STEPS // self.total > (self.tries - 1) * STEPS // self.total:
                print(said, file=sys.stderr, flush=True)
            return self.tries

    def lose(self, text: str) -> None:
        """A result is gone, or is another one."""
        self._count("lost", text)

    def accept(self, text: str) -> None:
        """Something damaged was used without a word."""
        self._count("accepted", text)

    def hang(self, text: str) -> None:
        """Something did not end."""
        self._count("hanging", text)

    def read(self, stderr: str) -> None:
        """Look for a traceback."""
        if "Traceback (most recent call last)" in stderr:
            self._count("tracebacks", stderr[-1500:])

    def _count(self, kind: str, text: str) -> None:
        with self._lock:
            setattr(self, kind, getattr(self, kind) + 1)
            self.notes.append(f"{kind}: {text}")
            print(f"{self.what}: {kind}: {text}", file=sys.stderr, flush=True)
