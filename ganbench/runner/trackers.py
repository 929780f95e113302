"""Trackers of a run: chosen by name, prepared before anything trains, and unable to fail the run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ganbench.errors import UsageError
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import Run, Tracker
from ganbench.registry.preparing import prepare_plugin
from ganbench.registry.registry import Registry
from ganbench.results.record_json import plain
from ganbench.results.records import Record
from ganbench.runner.background import BackgroundObserver
from ganbench.runner.events import Event, JobProgress, Observer, RunRecorded, SuiteFinished
from ganbench.runner.jobs import CellJob
from ganbench.signals import SIGNALS
from ganbench.suite.entries import plugins_of
from ganbench.suite.yaml import Node, Problems, parse


def choose_trackers(texts: Iterable[str], registry: Registry) -> list[Choice]:
    """`name`, or `{name: {key: value}}` as in a suite, as choices. Raises `UsageError` with all errors."""
    problems, found = Problems("--tracker"), []
    for text in texts:
        origin = f"--tracker {text}"
        written = Node([Node(parse(text, Problems(origin)).value, origin=origin)])
        for entry in plugins_of(written, problems):
            try:
                params = {key: node.plain() for key, node in entry.params.items()}
                found.append(registry.choose("tracker", entry.name, params))
            except UsageError as error:
                problems.add(entry.node, str(error))
    problems.check()
    return found


def prepared_trackers(choices: Iterable[Choice], registry: Registry, results: Path) -> list[BackgroundObserver]:
    """The trackers, prepared, as observers that cannot fail a run.

    Raises `MissingError` if one needs something that this machine lacks, `ContractError` if it raises anything else.
    """
    made = []
    for choice in choices:
        tracker = registry.create("tracker", choice)
        prepare_plugin("tracker", choice.name, tracker, results)
        made.append(BackgroundObserver(f"tracker {choice.name}", tracker_observer(tracker)))
    return made


def tracker_observer(tracker: Tracker) -> Observer:
    """An observer that passes on what a tracker takes: the signals of cells, and the records of their runs.

    A cell that is tried again reports the same rows again; a tracker gets every row once.
    """
    reached: dict[str, int] = {}

    def observe(event: Event) -> None:
        match event:
            case JobProgress(CellJob() as job, progress):
                for seed, (steps, rows) in progress.fresh.items():
                    run = _run(job, seed)
                    for step, row in zip(steps, rows, strict=True):
                        if step > reached.get(run.id, -1):
                            reached[run.id] = step
                            tracker.on_signals(run, step, dict(zip(SIGNALS, row, strict=True)))
            case RunRecorded(CellJob() as job, Record() as record):
                content = {key: value for key, value in plain(record).items() if key != "files"}
                tracker.on_record(_run(job, record.spec.seed), content)
            case SuiteFinished():
                tracker.close()

    return observe


def _run(job: CellJob, seed: int) -> Run:
    return Run(job.cell.run(seed).id, job.suite, *job.cell.texts, seed)
