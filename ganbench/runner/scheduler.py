"""A plan to records: what is already there, what must be trained, and the one writer of results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

from ganbench.engine.checkpoints import Checkpoints
from ganbench.errors import ContractError, GanbenchError, describe_error, raised_at
from ganbench.registry.registry import Registry
from ganbench.results.records import FINISHED, AnyRecord, Record, Status
from ganbench.results.store import Store
from ganbench.runner.jobs import CellJob, Display, Executor, Job, JobFailure, ReferenceJob
from ganbench.runner.run_record import failed_record
from ganbench.suite.specs import Cell, Plan


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
    """A plan against a results folder: the jobs to do, and how many runs are in which state."""

    jobs: list[Job] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)


def todo(plan: Plan, store: Store, force: bool = False) -> Todo:
    """What remains to be done. Finished runs are never trained again, unless `force` says so."""
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
        spec: Any = job.cell.spec if isinstance(job, CellJob) else job.spec
        wanted = (("dataset", spec.dataset), ("extractor", spec.evaluation.extractor))
        for kind, choice in wanted:
            place = (kind, choice.name, str(choice.arguments()))
            if place not in seen:
                seen.add(place)
                prepared(kind, choice.name, registry.create(kind, choice))  # type: ignore[arg-type]


def prepared(kind: str, name: str, made: Any, *given: Any) -> None:
    """Call a plugin's `prepare`, where it has one. Raises `ContractError` for what a stranger's may raise."""
    try:
        getattr(made, "prepare", lambda *_: None)(*given)
    except GanbenchError:
        raise
    except Exception as error:  # a stranger's plugin may raise anything
        raise ContractError(f"{kind} {name!r}.prepare raised {describe_error(error)}{raised_at(error)}") from error


def weight(job: Job, registry: Registry) -> float:
    """A guess at a job's cost, for its order and the ETA: samples through networks."""
    if isinstance(job, ReferenceJob):
        return 1.0
    spec = job.cell.spec
    shape = registry.create("dataset", spec.dataset).shape
    return float(
        spec.train.steps * spec.train.batch * (spec.train.n_dis + 1) * len(job.cell.seeds) * prod(shape) ** 0.5
    )


def ordered(jobs: list[Job], registry: Registry, workers: int) -> list[Job]:
    """Longest first; cells are halved while there are fewer of them than workers.

    A seed's result does not depend on its neighbours, so a cell may be cut anywhere.
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


class Writer:
    """Listens to an executor and commits every result: the only writer of a results folder."""

    def __init__(self, store: Store, display: Display) -> None:
        self.store, self.display = store, display
        self.statuses: dict[int, list[Status]] = {}
        self.written: set[str] = set()
        self.reasons: dict[int, str] = {}
        self.reference_failures: list[str] = []

    def started(self, job: Job) -> None:
        self.statuses[id(job)] = []
        self.display.started(job)

    def advanced(self, job: Job, progress: Any) -> None:
        self.display.advanced(job, progress)

    def recorded(self, job: Job, record: AnyRecord, folder: Path) -> None:
        self.store.commit(record, folder)
        self.written.add(record.id)
        if isinstance(record, Record):
            if record.status in FINISHED:
                checkpoints(self.store).drop(record.id)
            if record.reason:
                self.reasons.setdefault(id(job), record.reason)
        self.statuses[id(job)].append(record.status if isinstance(record, Record) else "ok")
        self.display.recorded(job, record)

    def ended(self, job: Job, failure: JobFailure | None) -> None:
        if failure and isinstance(job, CellJob):
            self._fail(job.suite, job.cell, failure, job)
        elif failure:
            self.reference_failures.append(f"{job.name}: {failure.cause.text}")
            self.statuses[id(job)].append(failure.cause.kind)
        reason = failure.cause.text if failure else self.reasons.get(id(job), "")
        self.display.ended(job, self.statuses[id(job)], reason)

    def _fail(self, suite: str, cell: Cell, failure: JobFailure, job: Job) -> None:
        """Every run of the cell that left no record gets one that says why."""
        for seed in cell.seeds:
            spec = cell.run(seed)
            if spec.id in self.written:
                continue
            folder = self.store.stage(spec.id)
            if failure.traceback:
                (folder / "traceback.txt").write_text(failure.traceback, encoding="utf-8")
            record = failed_record(suite, spec, failure.cause)
            self.store.commit(record, folder)
            self.statuses[id(job)].append(failure.cause.kind)
            self.display.recorded(job, record)


def run(weights: list[tuple[Job, float]], store: Store, executor: Executor, display: Display) -> Writer:
    """Carry out jobs, each with its weight.

    Every result is in the store when this returns, or when it is interrupted.
    """
    writer = Writer(store, display)
    display.begin(weights)
    try:
        executor([job for job, _ in weights], writer)
    finally:
        display.close()
    return writer
