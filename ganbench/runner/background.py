"""Runs an observer on a background thread so that it cannot fail or block the run."""

from __future__ import annotations

import queue
import sys
import threading
import time
from contextlib import suppress

from ganbench.errors import GanbenchError, describe_error, raised_at
from ganbench.runner.events import Event, Observer, SuiteFinished

MAX_WAITING_EVENTS = 10_000
"""Events that wait for a slow observer; further ones are dropped."""
SHUTDOWN_TIMEOUT_S = 10.0


class BackgroundObserver:
    """Passes events to another observer on a daemon thread.

    If the observer raises, this is reported once on stderr and the observer is switched off. If it
    hangs, events are dropped and it is abandoned at the end.
    """

    def __init__(self, name: str, observer: Observer, shutdown_timeout: float = SHUTDOWN_TIMEOUT_S) -> None:
        self.name, self.observer, self.shutdown_timeout = name, observer, shutdown_timeout
        self.events: queue.Queue[Event] = queue.Queue(MAX_WAITING_EVENTS)
        self.off, self.dropping = threading.Event(), False
        self.thread = threading.Thread(target=self._work, name=f"ganbench: {name}", daemon=True)

    def __call__(self, event: Event) -> None:
        if self.thread.ident is None:
            self.thread.start()
        if isinstance(event, SuiteFinished):
            deadline = time.monotonic() + self.shutdown_timeout
            with suppress(queue.Full):  # the last event waits for room: without it the observer could not close
                self.events.put(event, timeout=0 if self.off.is_set() else self.shutdown_timeout)
            self.thread.join(max(0.0, deadline - time.monotonic()))
            if self.thread.is_alive():
                self.off.set()
                self._report(f"did not shut down within {self.shutdown_timeout:g} s; abandoned")
        elif not self.off.is_set():
            self._enqueue(event)

    def _enqueue(self, event: Event) -> None:
        try:
            self.events.put_nowait(event)
        except queue.Full:
            if not self.dropping:
                self.dropping = True
                self._report("cannot keep up; events are being dropped")

    def _work(self) -> None:
        finished = False
        while not finished and not self.off.is_set():
            event = self.events.get()
            finished = isinstance(event, SuiteFinished)
            try:
                self.observer(event)
            except (Exception, SystemExit) as error:  # a third-party tracker may raise anything
                self.off.set()
                self._report(f"{_reason(error)}; switched off, the run continues")
                if not finished:
                    with suppress(Exception, SystemExit):
                        self.observer(SuiteFinished())

    def _report(self, text: str) -> None:
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)


def _reason(error: BaseException) -> str:
    if isinstance(error, GanbenchError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the system'}: {error.strerror}"
    return f"{describe_error(error)}{raised_at(error)}"
