"""Lines about slow work on Python's log `ganbench.progress`, which the command line shows on stderr."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
INTERVAL_S = 5.0
LOG = logging.getLogger("ganbench.progress")


def progress(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """The items one by one, with a line every five seconds, such as `reading pictures: 3,000 of 60,000`.

    For what a plugin does before anything trains, in `prepare` or `fingerprint`. The lines are of level INFO on the log
    `ganbench.progress`: the command line prints them on stderr, and a program that uses ganbench sees them if it
    asks for them. Work of less than five seconds says nothing.
    """
    last = time.monotonic()
    for done, item in enumerate(items):
        if time.monotonic() - last >= INTERVAL_S:
            last = time.monotonic()
            LOG.info("%s: %s of %s", what, f"{done:,}", f"{total:,}")
        yield item
