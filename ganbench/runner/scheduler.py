"""From a plan to records: what is in the results already, what must be trained, and the one writer of results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Protocol

from ganbench.engine.checkpoints import Checkpoints
from ganbench.errors import ContractError, GanbenchError, describe_error, raised_at
from ganbench.registry.choice import Choice, Kind
from ganbench.registry.registry import Registry
from ganbench.results.records import FINISHED, AnyRecord, Record, Status
from ganbench.results.store import Store
from ganbench.runner.events import (
    ExecutorEvent,
    JobEnded,
    JobReturned,
    Observer,
    RunRecorded,
    RunStaged,
    SuiteFinished,
    SuiteStarted,
    broadcast,
)
from ganbench.runner.jobs import CellJob, Job, JobFailure, ReferenceJob
from ganbench.runner.run_record import failed_record
from ganbench.suite.specs import Plan


class Executor(Protocol):
    """Runs jobs in `workers` processes, and reports what happens in the process that called it."""

    workers: int

    def __call__(self, jobs: list[Job], report: Callable[[ExecutorEvent], None]) -> None: ...


def checkpoints(store: Store) -> Checkpoints:
    """The checkpoints of the runs of a results folder."""
    return Checkpoints(store.root / ".checkpoints")


def state(store: Store, run_id: str, force: bool = False) -> str:
    """`done`, `resumable`, `failed before` or `new`; with `force` everything is new."""
    record = None if force else store.run(run_id)
    if record is not None and record.status in FINISHED:
        return "done"
    if not force and checkpoints(store).has(run_id):
        return "resumable"
    return "new" if record is None else "failed before"


@dataclass
class Todo:
    """The jobs of a plan that a results folder lacks, and how many runs are in which state."""

    jobs: list[Job] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)


def todo(plan: Plan, store: Store, force: bool = False) -> Todo:
    """What remains to be done. Finished runs are never trained again, except with `force`."""
    result = Todo()
    for cell in plan.cells:
        states = {seed: state(store, cell.run(seed).id, force) for seed in cell.seeds}
        result.states.update(states.values())
        seeds = tuple(seed for seed, state in states.items() if state != "done")
        if seeds:
            result.jobs.append(CellJob(plan.suite, cell.with_seeds(seeds)))
    for one in plan.references:
        if force or store.reference(one.spec.id) is None:
            result.jobs.append(ReferenceJob(one.dataset.text, one.spec))
    return result


def prepare(jobs: Iterable[Job], registry: Registry) -> None:
    """Fetch data and weights before anything trains. Raises `MissingError` with what to do."""
    seen = set()
    for job in jobs:
        spec = job.cell.spec if isinstance(job, CellJob) else job.spec
        needed: tuple[tuple[Kind, Choice], ...] = (("dataset", spec.dataset), ("extractor", spec.evaluation.extractor))
        for kind, choice in needed:
            place = (kind, choice.name, str(choice.arguments()))
            if place not in seen:
                seen.add(place)
                prepare_plugin(kind, choice.name, registry.create(kind, choice))


def prepare_plugin(kind: str, name: str, made: object, *given: object) -> None:
    """Call a plugin's `prepare`, if it has one. Raises `ContractError` for what a third-party plugin may raise."""
    try:
        getattr(made, "prepare", lambda *_: None)(*given)
    except GanbenchError:
        raise
    except Exception as error:  # a third-party plugin may raise anything
        raise ContractError(f"{kind} {name!r}.prepare raised {describe_error(error)}{raised_at(error)}") from error


def weight(job: Job, registry: Registry) -> float:
    """An estimate of a job's cost, for its order and the ETA: samples through networks."""
    if isinstance(job, ReferenceJob):
        return 1.0
    spec = job.cell.spec
    shape = registry.create("dataset", spec.dataset).shape
    return float(
        spec.train.steps * spec.train.batch * (spec.train.n_dis + 1) * len(job.cell.seeds) * prod(shape) ** 0.5
    )


def ordered(jobs: list[Job], registry: Registry, workers: int) -> list[Job]:
    """Longest first; cells are halved while there are fewer of them than workers.

    A seed's result does not depend on the other seeds, so a cell may be cut anywhere.
    """
    cells = sorted((job for job in jobs if isinstance(job, CellJob)), key=lambda job: -weight(job, registry))
    while cells and len(cells) < workers:
        widest = max(cells, key=lambda job: len(job.cell.seeds))
        seeds = widest.cell.seeds
        if len(seeds) < 2:
            break
        halves = (seeds[: len(seeds) // 2], seeds[len(seeds) // 2 :])
        cells.remove(widest)
        cells += [replace(widest, cell=widest.cell.with_seeds(half)) for half in halves]
    return [*cells, *(job for job in jobs if isinstance(job, ReferenceJob))]


class ResultWriter:
    """Commits every result that an executor reports, and passes all events on: the only writer of a results folder."""

    def __init__(self, store: Store, observer: Observer) -> None:
        self.store, self.observer = store, observer
        self.statuses: dict[str, list[Status]] = {}
        self.reasons: dict[str, str] = {}
        self.written: set[str] = set()
        self.reference_failures: list[str] = []

    def __call__(self, event: ExecutorEvent) -> None:
        match event:
            case RunStaged(job, record, folder):
                self._commit(job, record, folder)
            case JobReturned(job, failure):
                if failure is not None:
                    self._fail(job, failure)
                reason = failure.cause.text if failure else self.reasons.get(job.key, "")
                self.observer(JobEnded(job, tuple(self.statuses.get(job.key, ())), reason))
            case _:
                self.observer(event)

    def _commit(self, job: Job, record: AnyRecord, folder: Path) -> None:
        self.store.commit(record, folder)
        if isinstance(record, Record) and record.status in FINISHED:
            checkpoints(self.store).drop(record.id)
        self.written.add(record.id)
        self.statuses.setdefault(job.key, []).append(record.status)
        if record.reason:
            self.reasons.setdefault(job.key, record.reason)
        self.observer(RunRecorded(job, record))

    def _fail(self, job: Job, failure: JobFailure) -> None:
        """Every run of a failed cell that left no record gets one that says why; a reference gets none."""
        if isinstance(job, ReferenceJob):
            self.reference_failures.append(f"{job.name}: {failure.cause.text}")
            self.statuses.setdefault(job.key, []).append(failure.cause.kind)
            return
        for spec in map(job.cell.run, job.cell.seeds):
            if spec.id in self.written:
                continue
            folder = self.store.stage(spec.id)
            if failure.traceback:
                (folder / "traceback.txt").write_text(failure.traceback, encoding="utf-8")
            self._commit(job, failed_record(job.suite, spec, failure.cause), folder)


def run(jobs: Sequence[tuple[Job, float]], store: Store, executor: Executor, *observers: Observer) -> ResultWriter:
    """Run jobs, each given with its `weight`.

    Every result is in the store when this returns, or when it is interrupted.
    """
    observer = broadcast(*observers)
    writer = ResultWriter(store, observer)
    try:
        observer(SuiteStarted(tuple(jobs), executor.workers))
        executor([job for job, _ in jobs], writer)
    finally:
        observer(SuiteFinished())
    return writer
