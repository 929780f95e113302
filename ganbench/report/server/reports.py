"""Reports of the suites in a results folder, rebuilt when the results change."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from ganbench.errors import GanbenchError, UsageError
from ganbench.formatting import counted, suggestion
from ganbench.report.html.pages import templates
from ganbench.results import live
from ganbench.results.store import RECORD, Store
from ganbench.suite.plan_file import load_plan

MAX_CACHED = 256
"""The most rendered pages and files cached for one state of a report."""
SHARE = 2.0
"""A report that took t seconds to build is not rebuilt before this many times t have passed."""
HTML = "text/html; charset=utf-8"


class Pages(Protocol):
    """A report: its paths, such as `index.html` and `runs/<id>/samples.png`, and the content of each."""

    def paths(self) -> Iterable[str]: ...

    def render(self, path: str) -> tuple[bytes, str] | None:
        """Content and media type; None if there is no such page."""


class Page(NamedTuple):
    """What is sent for a path; `tag` is a hash of the content."""

    content: bytes
    kind: str
    tag: str


class Listed(NamedTuple):
    """One of several suites, the address of its report, and how many of its runs have ended, in words."""

    name: str
    address: str
    state: str


def page(content: bytes, kind: str) -> Page:
    return Page(content, kind, hashlib.sha256(content).hexdigest()[:20])


class Report:
    """One suite's pages. `make` reads the results as they are now; it is called again when `stamp` changes."""

    def __init__(self, make: Callable[[], Pages], stamp: Callable[[], object]) -> None:
        self.make, self.stamp, self.lock = make, stamp, threading.Lock()
        self.pages: Pages | None = None
        self.known: frozenset[str] = frozenset()
        self.cached: dict[str, Page] = {}
        self.seen: object = None
        self.cost = self.made = 0.0
        self.error: Exception | None = None

    def find(self, path: str) -> Page | None:
        """The content of a path of the report, of those that it lists."""
        with self.lock:
            began = time.monotonic()
            try:
                self._refresh()
                if path not in self.known:
                    return None
                if path not in self.cached:
                    self._cache(path)
                return self.cached.get(path)
            except Exception as error:
                self.pages, self.error = None, error  # perhaps built from files that were being replaced
                raise
            finally:
                self.cost += time.monotonic() - began

    def _refresh(self) -> None:
        """Rebuild the pages if the results have changed, but spend only part of the time on it."""
        now, since = self.stamp(), time.monotonic() - self.made
        if self.pages is not None and (now == self.seen or since < SHARE * self.cost):
            return
        if self.error is not None and now == self.seen and since < SHARE * self.cost:
            raise self.error  # a damaged record is not read again for every picture of a page
        self.made, self.cost, self.seen, self.error = time.monotonic(), 0.0, now, None
        self.pages, self.cached = self.make(), {}
        self.known = frozenset(self.pages.paths())

    def _cache(self, path: str) -> None:
        assert self.pages is not None
        found = self.pages.render(path)
        if found is not None:
            if len(self.cached) >= MAX_CACHED:
                self.cached.clear()
            self.cached[path] = page(*found)


class Shelf:
    """The reports of a results folder: one suite's at the top, or a list of suites, each in a folder."""

    def __init__(self, results: Path, make: Callable[[str], Pages], suite: str | None = None) -> None:
        """Raises `UsageError` if there is no suite, or not the one that is named."""
        self.results, self.make = results, make
        self.reports: dict[str, Report] = {}
        there = Store(results).suites()
        if not there:
            raise UsageError(f"no suite has run in {str(results)!r}; start one with 'ganbench run --suite quick'")
        if suite is not None and suite not in there:
            raise UsageError(f"no suite {suite!r} in {str(results)!r}{suggestion(suite, there)}")
        self.asked = suite

    @property
    def only(self) -> str | None:
        """The suite at the top level: the one requested, or the only one."""
        if self.asked is not None:
            return self.asked
        there = Store(self.results).suites()
        return there[0] if len(there) == 1 else None

    def find(self, path: str) -> Page | None:
        """The content of a path such as `index.html`, or `<suite>/index.html` if there are several suites."""
        only = self.only
        if only is not None:
            return self._report(only).find(path)
        if path == "index.html":
            return page(self._index().encode(), HTML)
        suite, _, rest = path.partition("/")
        return self._report(suite).find(rest) if rest and suite in Store(self.results).suites() else None

    def _report(self, suite: str) -> Report:
        if suite not in self.reports:
            self.reports[suite] = Report(lambda: self.make(suite), lambda: stamp(self.results, suite))
        return self.reports[suite]

    def _index(self) -> str:
        running = live.read(self.results) or {}
        found = [self._listed(name, running) for name in Store(self.results).suites()]
        return templates().get_template("suites.html").render(suites=found)

    def _listed(self, name: str, running: dict[str, Any]) -> Listed:
        try:
            plan = load_plan(self.results, name)
        except GanbenchError as error:
            return Listed(name, quote(name), f"damaged: {error}")
        ids = {id_ for row in plan.rows for id_ in row.runs.values()} if plan else set()
        done = sum((self.results / "runs" / id_ / RECORD).exists() for id_ in ids)
        state = f"{done} of {counted(len(ids), 'run')} ended"
        return Listed(name, quote(name), f"{state}; {running['state']}" if running.get("suite") == name else state)


def stamp(results: Path, suite: str) -> tuple[object, ...]:
    """Changes when a run is committed, a suite is planned, the live state is written, or the running process dies."""
    state = live.read(results) or {}
    watched = (results / "runs", results / "references", results / suite / "plan.json")
    return (state.get("state"), state.get("updated"), *map(_time, watched))


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
