"""Progress on stderr: one live line a running cell on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ganbench.formatting import duration
from ganbench.results.records import AnyRecord
from ganbench.runner.jobs import CellJob, Display, Job

MINUTE = 60.0


class Clock:
    """How far all jobs are, and when they will be done, from this process's own rate."""

    def __init__(self, weights: list[tuple[Job, float]]) -> None:
        self.weights = {id(job): weight for job, weight in weights}
        self.total, self.began = sum(self.weights.values()) or 1.0, time.monotonic()
        self.parts: dict[int, tuple[float, float]] = {}

    def update(self, job: Job, fraction: float) -> None:
        self.parts[id(job)] = (self.weights[id(job)], fraction)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def remaining(self) -> float | None:
        """Seconds until all is done, or None where it is too early to say."""
        done = sum(weight * fraction for weight, fraction in self.parts.values()) / self.total
        return None if done < 0.02 or self.elapsed < 3 else max(0.0, self.elapsed * (1 - done) / done)

    def eta(self) -> str:
        remaining = self.remaining()
        return "ETA unknown yet" if remaining is None else f"ETA {duration(remaining)}"


class Plain:
    """One line a change of state and one a minute; no escape codes."""

    def begin(self, weights: list[tuple[Job, float]]) -> None:
        self.clock, self.count, self.finished = Clock(weights), len(weights), 0
        self.said = time.monotonic()

    def started(self, job: Job) -> None:
        self._say(f"start {_title(job)}")

    def advanced(self, job: Job, progress: Any) -> None:
        if isinstance(job, CellJob):
            self.clock.update(job, progress.step / job.cell.spec.train.steps)
        if time.monotonic() - self.said > MINUTE:
            self._say(f"{_title(job)}: {_state(job, progress)}; {self.clock.eta()}")

    def recorded(self, job: Job, record: AnyRecord) -> None:
        return

    def ended(self, job: Job, statuses: Sequence[str], reason: str) -> None:
        self.finished += 1
        self.clock.update(job, 1.0)
        self._say(f"{_ending(job, statuses, reason)} [{self.finished}/{self.count}, {duration(self.clock.elapsed)}]")

    def close(self) -> None:
        return

    def _say(self, line: str) -> None:
        self.said = time.monotonic()
        print(line, file=sys.stderr, flush=True)


class Terminal(Plain):
    """Live lines for what runs, above them a line for everything that ended."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.running: dict[int, tuple[Job, Any]] = {}

    def begin(self, weights: list[tuple[Job, float]]) -> None:
        super().begin(weights)
        self.live = Live(console=self.console, refresh_per_second=4, transient=True, get_renderable=self._lines)
        self.live.start()

    def started(self, job: Job) -> None:
        self.running[id(job)] = (job, None)

    def advanced(self, job: Job, progress: Any) -> None:
        if isinstance(job, CellJob):
            self.clock.update(job, progress.step / job.cell.spec.train.steps)
        self.running[id(job)] = (job, progress)

    def ended(self, job: Job, statuses: Sequence[str], reason: str) -> None:
        self.running.pop(id(job), None)
        super().ended(job, statuses, reason)

    def close(self) -> None:
        self.live.stop()

    def _say(self, line: str) -> None:
        self.live.console.print(Text(line))

    def _lines(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for job, progress in self.running.values():
            table.add_row(Text(_title(job)), Text(_state(job, progress) if progress else "starting"))
        table.add_row(
            Text(f"{self.finished} of {self.count} jobs done, {duration(self.clock.elapsed)}"), Text(self.clock.eta())
        )
        return table


class Several:
    """Displays that all see the same, in order; whatever one's end does, the others are closed."""

    def __init__(self, *displays: Display) -> None:
        self.displays = displays

    def begin(self, weights: list[tuple[Job, float]]) -> None:
        for one in self.displays:
            one.begin(weights)

    def started(self, job: Job) -> None:
        for one in self.displays:
            one.started(job)

    def advanced(self, job: Job, progress: Any) -> None:
        for one in self.displays:
            one.advanced(job, progress)

    def recorded(self, job: Job, record: AnyRecord) -> None:
        for one in self.displays:
            one.recorded(job, record)

    def ended(self, job: Job, statuses: Sequence[str], reason: str) -> None:
        for one in self.displays:
            one.ended(job, statuses, reason)

    def close(self) -> None:
        with ExitStack() as closing:
            for one in self.displays:
                closing.callback(one.close)


def display() -> Plain:
    """The display that suits stderr."""
    console = Console(stderr=True)
    return Terminal(console) if console.is_terminal else Plain()


def _title(job: Job) -> str:
    if not isinstance(job, CellJob):
        return job.name
    count = len(job.cell.seeds)
    return f"{job.name} ({count} seed{'s' * (count != 1)})"


def _state(job: Job, progress: Any) -> str:
    if not isinstance(job, CellJob):
        return "measuring"
    steps = job.cell.spec.train.steps
    losses = f"D {progress.d_loss:.3f}, G {progress.g_loss:.3f}"
    return f"step {progress.step:.0f}/{steps}, {losses}, {progress.alive} seeds alive{_speed(progress)}"


def _speed(progress: Any) -> str:
    return f", {progress.images_per_second:,.0f} images/s" if progress.images_per_second else ""


def _ending(job: Job, statuses: Sequence[str], reason: str) -> str:
    if all(status == "ok" for status in statuses):
        return f"done  {_title(job)}"
    counts = {status: statuses.count(status) for status in dict.fromkeys(statuses)}
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    return f"done  {_title(job)}: {said}" + (f" ({reason})" if reason else "")
