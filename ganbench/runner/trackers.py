"""Trackers of a run: chosen by name, made ready before anything trains, and kept from failing what they track."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ganbench.errors import UsageError
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import Run, Tracker
from ganbench.registry.registry import Registry
from ganbench.results.record_json import plain
from ganbench.results.records import AnyRecord, Record
from ganbench.runner.background import Aside
from ganbench.runner.jobs import CellJob, Job
from ganbench.runner.scheduler import prepared
from ganbench.signals import SIGNALS
from ganbench.suite.load import entries_of
from ganbench.suite.yaml import Node, Problems, parse


def chosen(texts: Iterable[str], registry: Registry) -> list[Choice]:
    """`name`, or `{name: {key: value}}` as in a suite, as choices. Raises `UsageError` with all that is wrong."""
    problems, found = Problems("--tracker"), []
    for text in texts:
        origin = f"--tracker {text}"
        written = Node([Node(parse(text, Problems(origin)).value, origin=origin)])
        for entry in entries_of(written, problems):
            try:
                params = {key: node.plain() for key, node in entry.params.items()}
                found.append(registry.choose("tracker", entry.name, params))
            except UsageError as error:
                problems.add(entry.node, str(error))
    problems.check()
    return found


def ready(choices: Iterable[Choice], registry: Registry, results: Path) -> list[Aside]:
    """The trackers, prepared, as displays that cannot fail a run.

    Raises `MissingError` where one lacks something on this machine, `ContractError` where it raises anything else.
    """
    made = []
    for choice in choices:
        tracker = registry.create("tracker", choice)
        prepared("tracker", choice.name, tracker, results)
        made.append(Aside(f"tracker {choice.name}", Tracking(tracker)))
    return made


class Tracking:
    """An observer that tells a tracker what concerns it: cells' signals, and records of their runs."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker

    def begin(self, weights: list[tuple[Job, float]]) -> None:
        return

    def started(self, job: Job) -> None:
        return

    def advanced(self, job: Job, progress: Any) -> None:
        if isinstance(job, CellJob):
            for seed, (steps, rows) in progress.fresh.items():
                run = _run(job, seed)
                for step, row in zip(steps, rows, strict=True):
                    self.tracker.on_signals(run, step, dict(zip(SIGNALS, row, strict=True)))

    def recorded(self, job: Job, record: AnyRecord) -> None:
        if isinstance(job, CellJob) and isinstance(record, Record):
            content = plain(record)
            del content["files"]
            self.tracker.on_record(_run(job, record.spec.seed), content)

    def ended(self, job: Job, statuses: Sequence[str], reason: str) -> None:
        return

    def idle(self) -> None:
        return

    def close(self) -> None:
        self.tracker.close()


def _run(job: CellJob, seed: int) -> Run:
    return Run(job.cell.run(seed).id, job.suite, *job.cell.texts, seed)
