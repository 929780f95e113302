"""Shows the progress of a run on stderr: a line per running job on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from ganbench.formatting import counted, duration
from ganbench.runner.eta import Estimator, JobTimes
from ganbench.runner.events import (
    Event,
    JobEnded,
    JobProgress,
    JobRetried,
    JobStarted,
    Observer,
    Phase,
    StateChanged,
    Stopping,
    SuiteFinished,
    SuiteStarted,
    Tick,
)
from ganbench.runner.jobs import CellJob, Job

PLAIN_INTERVAL_S = 60.0


class PlainProgress:
    """Prints a line for every job that starts or ends, and one a minute; no escape codes."""

    def __init__(self) -> None:
        self.estimator = Estimator()
        self.printed = time.monotonic()

    def __call__(self, event: Event) -> None:
        self.estimator(event)
        match event:
            case JobStarted(job, place):
                self._print(f"start {_title(job)}" + f" on {place}" * bool(place))
            case JobProgress(job, _):
                self._each_minute(self.estimator.jobs[job.key])
            case Tick():
                self._each_minute(next(iter(self.estimator.running()), None))
            case JobEnded(job, statuses, reason):
                self._print(_ending(job, statuses, reason, self.estimator))
            case StateChanged() | JobRetried():
                self._print(f"note: {event.text}")
            case Stopping(jobs):
                self._print(_stopping(jobs))

    def _each_minute(self, one: JobTimes | None) -> None:
        if one is not None and time.monotonic() - self.printed > PLAIN_INTERVAL_S:
            self._print(f"{_title(one.job)}: {_state(one)}; {self.estimator.text()}")

    def _print(self, line: str) -> None:
        self.printed = time.monotonic()
        print(line, file=sys.stderr, flush=True)


class TerminalProgress:
    """Shows a bar for every running job, and above the bars a line for every job that has ended."""

    def __init__(self, console: Console) -> None:
        self.estimator = Estimator()
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            _StateColumn(self.estimator),
            console=console,
            refresh_per_second=4,
            transient=True,
        )
        self.tasks: dict[str, TaskID] = {}
        self.summary: TaskID | None = None

    def __call__(self, event: Event) -> None:
        self.estimator(event)
        match event:
            case SuiteStarted(jobs, _):
                self.summary = self.bars.add_task("", total=len(jobs))
                self.bars.start()
            case JobStarted(job, place):
                self._add(job, place)
            case JobProgress(job, progress):
                self.bars.update(self.tasks[job.key], completed=progress.step)
            case JobEnded(job, statuses, reason):
                self.bars.remove_task(self.tasks.pop(job.key))
                if self.summary is not None:
                    self.bars.advance(self.summary)
                self.bars.console.print(Text(_ending(job, statuses, reason, self.estimator)))
            case JobRetried(job):
                self.bars.remove_task(self.tasks.pop(job.key))
                self._note(event.text)
            case StateChanged():
                self._note(event.text)
            case Stopping(jobs):
                self.bars.console.print(Text(_stopping(jobs)))
            case SuiteFinished():
                self.bars.stop()

    def _note(self, text: str) -> None:
        self.bars.console.print(Text(f"note: {text}"))

    def _add(self, job: Job, place: str) -> None:
        """A bar for a job; the bar of all jobs stays the last."""
        total = job.steps if isinstance(job, CellJob) else None
        title = f"{place} {_title(job)}".lstrip()
        self.tasks[job.key] = self.bars.add_task(title, total=total, key=job.key)
        if self.summary is not None:
            self.bars.remove_task(self.summary)
        self.summary = self.bars.add_task("", total=self.estimator.total, completed=self.estimator.done)


class _StateColumn(ProgressColumn):
    """What a job is doing; for all jobs together how many have ended, and the ETA."""

    def __init__(self, estimator: Estimator) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self.estimator = estimator

    def render(self, task: Task) -> Text:
        key = task.fields.get("key")
        if key is not None:
            return Text(_state(self.estimator.jobs[key]))
        one = self.estimator
        return Text(f"{one.done} of {one.total} jobs done, {duration(one.elapsed)}, {one.text()}")


def progress_display() -> Observer:
    """The display that suits stderr."""
    console = Console(stderr=True)
    return TerminalProgress(console) if console.is_terminal else PlainProgress()


def _title(job: Job) -> str:
    if not isinstance(job, CellJob):
        return job.name
    count = len(job.cell.seeds)
    return f"{job.name} ({counted(count, 'seed')})"


def _state(one: JobTimes) -> str:
    """The phase of a job, or how far its training is."""
    now = one.progress
    if one.phase is not Phase.TRAINING or now is None or not isinstance(one.job, CellJob):
        return f"{one.phase}, {one.recorded} of {one.seeds} seeds" if one.finally_evaluating else str(one.phase or "")
    losses = f"D {now.d_loss:.3f}, G {now.g_loss:.3f}"
    speed = f", {now.images_per_second:,.0f} images/s" if now.images_per_second else ""
    return f"step {now.step:.0f}/{one.job.steps}, {losses}, {now.alive} seeds alive{speed}"


def _ending(job: Job, statuses: Sequence[str], reason: str, estimator: Estimator) -> str:
    """The line for a job that has ended."""
    text = f"done  {_title(job)}"
    if any(status != "ok" for status in statuses):
        counts = {status: list(statuses).count(status) for status in dict.fromkeys(statuses)}
        text += ": " + ", ".join(f"{count} {status}" for status, count in counts.items())
        text += f" ({reason})" if reason else ""
    return f"{text} [{estimator.done}/{estimator.total}, {duration(estimator.elapsed)}]"


def _stopping(jobs: int) -> str:
    return f"saving the state of {jobs} {'job' if jobs == 1 else 'jobs'}"
