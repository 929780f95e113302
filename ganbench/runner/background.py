"""A display on a thread of its own, so that nothing it does can fail or hold up a run."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from ganbench.errors import GanbenchError, describe_error, raised_at
from ganbench.results.records import AnyRecord
from ganbench.runner.jobs import Display, Job

KEPT = 10_000
"""Events that wait for a slow display; what comes when so many wait is left out."""
IDLE = 1.0
"""Seconds without an event after which `idle` is called."""
PATIENCE = 10.0
"""Seconds that a display has to come to its end."""


class Observer(Display, Protocol):
    """A display that may be slow, wrong or stuck. `idle` is called when nothing has happened for a second."""

    def idle(self) -> None: ...


class Aside:
    """Passes events to an observer on a daemon thread.

    What the observer raises is said once on stderr and switches it off; one that hangs loses events
    and is left behind at the end.
    """

    def __init__(self, name: str, observer: Observer, patience: float = PATIENCE) -> None:
        self.name, self.observer, self.patience = name, observer, patience
        self.events: queue.Queue[tuple[str, tuple[Any, ...]]] = queue.Queue(KEPT)
        self.off, self.behind = threading.Event(), False
        self.thread = threading.Thread(target=self._work, name=f"ganbench: {name}", daemon=True)

    def begin(self, weights: list[tuple[Job, float]]) -> None:
        self.thread.start()
        self._pass("begin", weights)

    def started(self, job: Job) -> None:
        self._pass("started", job)

    def advanced(self, job: Job, progress: Any) -> None:
        self._pass("advanced", job, progress)

    def recorded(self, job: Job, record: AnyRecord) -> None:
        self._pass("recorded", job, record)

    def ended(self, job: Job, statuses: Sequence[str], reason: str) -> None:
        self._pass("ended", job, list(statuses), reason)

    def close(self) -> None:
        with suppress(queue.Full):
            self.events.put_nowait(("close", ()))
        self.thread.join(self.patience)
        if self.thread.is_alive():
            self.off.set()
            self._say(f"did not end within {self.patience:g} s and is left behind")

    def _pass(self, event: str, *content: Any) -> None:
        if self.off.is_set():
            return
        try:
            self.events.put_nowait((event, content))
        except queue.Full:
            if not self.behind:
                self.behind = True
                self._say("falls behind; some of what happens is kept from it")

    def _work(self) -> None:
        event = ""
        while event != "close" and not self.off.is_set():
            try:
                event, content = self.events.get(timeout=IDLE)
            except queue.Empty:
                event, content = "idle", ()
            try:
                getattr(self.observer, event)(*content)
            except (Exception, SystemExit) as error:  # a stranger's tracker may raise anything
                self.off.set()
                self._say(f"{_reason(error)}; it is switched off, the run goes on")
                if event != "close":
                    with suppress(Exception, SystemExit):
                        self.observer.close()

    def _say(self, text: str) -> None:
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)


def _reason(error: BaseException) -> str:
    if isinstance(error, GanbenchError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the system'}: {error.strerror}"
    return f"{describe_error(error)}{raised_at(error)}"
