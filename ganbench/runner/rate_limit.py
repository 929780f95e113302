"""A worker's progress on its way to the runner: not too often, and no recorded row is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PULSE = 0.3
"""Seconds between two progress messages of a worker."""


class Pulse:
    """Hands progress to `send` at most once every `PULSE` seconds; the next one has the rows of those left out."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self.send, self.last, self.kept = send, 0.0, None

    def __call__(self, news: Any) -> None:
        self.kept = news if self.kept is None else news.after(self.kept)
        if time.monotonic() - self.last > PULSE:
            self.flush()

    def flush(self) -> None:
        """Send what was kept back, as before a record or a failure."""
        if self.kept is not None:
            kept, self.kept = self.kept, None
            self.last = time.monotonic()
            self.send(kept)
