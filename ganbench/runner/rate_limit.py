"""Limits how often a worker reports progress; no recorded row is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ganbench.runner.events import JobProgress, WorkerMessage

MIN_INTERVAL_S = 0.3
"""Seconds between two progress messages of a worker."""


class RateLimiter:
    """Sends progress at most once every `MIN_INTERVAL_S` seconds, merged with what was held back; all else at once."""

    def __init__(self, send: Callable[[WorkerMessage], None]) -> None:
        self.send, self.last = send, 0.0
        self.held: JobProgress | None = None

    def __call__(self, message: WorkerMessage) -> None:
        if not isinstance(message, JobProgress):
            self._flush()
            self.send(message)
            return
        if self.held is not None:
            message = replace(message, progress=message.progress.after(self.held.progress))
        self.held = message
        if time.monotonic() - self.last > MIN_INTERVAL_S:
            self._flush()

    def _flush(self) -> None:
        if self.held is not None:
            held, self.held = self.held, None
            self.last = time.monotonic()
            self.send(held)
