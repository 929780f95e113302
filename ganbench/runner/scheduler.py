"""From a plan to records: what is in the results already, what must be trained, and the one writer of results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Protocol

from ganbench.engine.checkpoints import Checkpoints
from ganbench.errors import describe_error
from ganbench.registry.choice import Choice, Kind
from ganbench.registry.preparing import prepare_plugin
from ganbench.registry.registry import Registry
from ganbench.results.records import FINISHED, AnyRecord, Evaluation, Failure, Record, ReferenceRecord, Status
from ganbench.results.run_files import WEIGHTS, snapshot_file
from ganbench.results.store import Store
from ganbench.runner.events import (
    ExecutorEvent,
    JobEnded,
    JobRetried,
    JobReturned,
    Observer,
    RunRecorded,
    RunScored,
    RunStaged,
    SuiteFinished,
    SuiteStarted,
    broadcast,
)
from ganbench.runner.jobs import CellJob, EvaluationJob, Job, JobFailure, ReferenceJob
from ganbench.runner.kept_weights import due_steps
from ganbench.runner.run_record import failed_evaluation, failed_record, write_traceback
from ganbench.suite.specs import Cell, Plan, RunSpec


class Executor(Protocol):
    """Runs jobs in `workers` processes, and reports what happens in the process that called it."""

    @property
    def workers(self) -> int: ...

    def __call__(self, jobs: list[Job], report: Callable[[ExecutorEvent], None]) -> None: ...


def checkpoints(store: Store) -> Checkpoints:
    """The checkpoints of the runs of a results folder."""
    return Checkpoints(store.checkpoints)


NOT_EVALUATED, LOST_WEIGHTS = "not evaluated", "lost weights"
"""The states of a trained run that lacks scores of this evaluation: its weights can, or cannot, be evaluated."""


def states(store: Store, cell: Cell, force: bool = False) -> dict[int, str]:
    """The state of each seed of a cell: `done`, `not evaluated`, `lost weights`, `resumable`, `failed before` or `new`.

    With `force` everything is new. A run with some of its scores is evaluated again if its weights are there, and is
    done otherwise. Scores during training need the weights of that moment, which are kept only where the best of them
    is evaluated: a run that lacks both is trained again.
    """
    if force:
        return dict.fromkeys(cell.seeds, "new")
    evaluation, kept = cell.spec.evaluation.id, checkpoints(store)
    found = {}
    for seed, id_ in cell.ids.items():
        record = store.run(id_, evaluation)
        known = None if record is None else _ended(store, cell.spec, record)
        found[seed] = known or ("resumable" if kept.has(id_) else "new" if record is None else "failed before")
    return found


def _ended(store: Store, spec: RunSpec, record: Record) -> str | None:
    """The state of a run whose training ended well or for good; None if it is to be trained again."""
    failure = record.training_failure
    if failure is not None:
        return "done" if failure.kind in FINISHED else None
    if record.evaluated and not record.evaluation.missing:
        return "done"
    if all(store.weights_problem(record, name) is None for name in _needed_weights(spec, record)):
        return NOT_EVALUATED
    if spec.evaluation.snapshots and not record.evaluation.snapshots:
        return LOST_WEIGHTS
    return "done" if record.evaluated else LOST_WEIGHTS


def _needed_weights(spec: RunSpec, record: Record) -> Iterator[str]:
    """The files of a trained run without which it cannot be evaluated as asked."""
    yield WEIGHTS
    if spec.evaluation.best is not None or not record.evaluation.snapshots:
        yield from map(snapshot_file, due_steps(spec))


@dataclass
class Todo:
    """The jobs of a plan that a results folder lacks, and how many runs are in which state."""

    jobs: list[Job] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    weights: list[tuple[Record, str]] = field(default_factory=list)
    """Finished runs whose weights are `missing` or `damaged`."""


def todo(plan: Plan, store: Store, force: bool = False) -> Todo:
    """What remains to be done. Finished runs are never trained again, except with `force`."""
    result = Todo()
    for cell in plan.cells:
        found = states(store, cell, force)
        result.states.update(found.values())
        result.weights += _without_weights(cell, found, store)
        seeds = tuple(seed for seed, state in found.items() if state not in ("done", NOT_EVALUATED))
        if seeds:
            result.jobs.append(CellJob(plan.suite, cell.with_seeds(seeds)))
        result.jobs += _evaluation(cell, tuple(s for s in found if found[s] == NOT_EVALUATED), store)
    for one in plan.references:
        if force or store.reference(one.spec.id) is None:
            path = None if one.path is None else one.path.absolute()
            result.jobs.append(ReferenceJob(one.dataset.text, one.spec, path, one.label))
    return result


def _without_weights(cell: Cell, states: Mapping[int, str], store: Store) -> Iterator[tuple[Record, str]]:
    """The finished runs of a cell whose weights cannot be used, and why."""
    for seed in (seed for seed, state in states.items() if state == "done"):
        record = store.run(cell.ids[seed], cell.spec.evaluation.id)
        if record is not None and record.ok and WEIGHTS in record.files and (problem := store.weights_problem(record)):
            yield record, problem


def _evaluation(cell: Cell, seeds: tuple[int, ...], store: Store) -> list[Job]:
    """The job that evaluates trained seeds of a cell, if there are any."""
    if not seeds:
        return []
    evaluation = cell.spec.evaluation.id
    records = (record for seed in seeds if (record := store.run(cell.ids[seed], evaluation)) is not None)
    return [EvaluationJob(cell.with_seeds(seeds), tuple(records), store.runs)]


def prepare(jobs: Iterable[Job], registry: Registry) -> None:
    """Fetch data and weights before anything trains. Raises `MissingError` with what to do."""
    seen = set()
    for job in jobs:
        needed: tuple[tuple[Kind, Choice], ...] = (
            ("dataset", job.spec.dataset),
            ("extractor", job.spec.evaluation.extractor),
        )
        for kind, choice in needed:
            place = (kind, choice.name, str(choice.arguments()))
            if place not in seen:
                seen.add(place)
                prepare_plugin(kind, choice.name, registry.create(kind, choice))


def weight(job: Job, registry: Registry) -> float:
    """An estimate of a job's cost, for its order and the ETA: samples through networks."""
    if isinstance(job, ReferenceJob):
        return 1.0
    if isinstance(job, EvaluationJob):
        return float(len(job.records))
    spec = job.spec
    shape = registry.create("dataset", spec.dataset).shape
    return float(
        spec.train.steps * spec.train.batch * (spec.train.n_dis + 1) * len(job.cell.seeds) * prod(shape) ** 0.5
    )


def ordered(jobs: list[Job], registry: Registry, side_by_side: int) -> list[Job]:
    """Longest first; cells are halved while there are fewer of them than can be trained `side_by_side` with a gain.

    A seed's result does not depend on the other seeds, so a cell may be cut anywhere.
    """
    cells = sorted((job for job in jobs if isinstance(job, CellJob)), key=lambda job: -weight(job, registry))
    while cells and len(cells) < side_by_side:
        widest = max(cells, key=lambda job: len(job.cell.seeds))
        seeds = widest.cell.seeds
        if len(seeds) < 2:
            break
        halves = (seeds[: len(seeds) // 2], seeds[len(seeds) // 2 :])
        cells.remove(widest)
        cells += [replace(widest, cell=widest.cell.with_seeds(half)) for half in halves]
    return [*cells, *(job for job in jobs if not isinstance(job, CellJob))]


class ResultWriter:
    """Commits every result that an executor reports, and passes all events on: the only writer of a results folder."""

    def __init__(self, store: Store, observer: Observer) -> None:
        self.store, self.observer = store, observer
        self.statuses: dict[str, list[Status]] = {}
        self.reasons: dict[str, str] = {}
        self.written: set[str] = set()
        self.attempts: dict[str, tuple[str, ...]] = {}
        self.reference_failures: list[str] = []

    def __call__(self, event: ExecutorEvent) -> None:
        match event:
            case RunStaged(job, record, folder):
                self._commit(job, record, folder)
            case RunScored(job, record):
                self._add_scores(job, record)
            case JobRetried(_, parts, text):
                for run_id in (id_ for part in parts for id_ in _runs(part)):
                    self.attempts[run_id] = (*self.attempts.get(run_id, ()), text)
                self.observer(event)
            case JobReturned(job, failure):
                if failure is not None:
                    self._fail(job, failure)
                reason = failure.cause.text if failure else self.reasons.get(job.key, "")
                self.observer(JobEnded(job, tuple(self.statuses.get(job.key, ())), reason))
            case _:
                self.observer(event)

    def _commit(self, job: Job, record: AnyRecord, folder: Path) -> None:
        attempts = self.attempts.get(record.id, ())
        record = replace(record, provenance=replace(record.provenance, attempts=attempts))
        try:
            self.store.commit(record, folder)
        except (ValueError, TypeError) as error:  # a text or a number of a plugin's that no file can hold
            cause = _unwritable(error)
            if isinstance(record, ReferenceRecord):
                self.reference_failures.append(f"{job.name}: {cause.text}")
                self.statuses.setdefault(job.key, []).append(cause.kind)
                return
            record = failed_record(record.suite, record.spec, cause)
            self.store.commit(record, folder)
        if isinstance(record, Record) and record.training_status in FINISHED:
            checkpoints(self.store).drop(record.id)
        self._recorded(job, record)

    def _add_scores(self, job: Job, record: Record) -> None:
        attempts = self.attempts.get(record.id, ())
        record = replace(record, scored_by=replace(record.scored_by, attempts=attempts))
        try:
            self.store.add_scores(record)
        except (ValueError, TypeError) as error:
            record = failed_evaluation(record.spec, replace(record, evaluation=Evaluation()), _unwritable(error))
            self.store.add_scores(record)
        self._recorded(job, record)

    def _recorded(self, job: Job, record: AnyRecord) -> None:
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
        if isinstance(job, EvaluationJob):
            for record in job.records:
                if record.id not in self.written:
                    failed = failed_evaluation(job.cell.run(record.spec.seed), record, failure.cause)
                    self.store.add_scores(failed)
                    self._recorded(job, failed)
            return
        for spec in map(job.cell.run, job.cell.seeds):
            if spec.id in self.written:
                continue
            folder = self.store.stage(spec.id)
            write_traceback(folder, failure.traceback)
            self._commit(job, failed_record(job.suite, spec, failure.cause), folder)


def _unwritable(error: Exception) -> Failure:
    return Failure("failed", f"its record cannot be written: {describe_error(error)}")


def _runs(job: Job) -> list[str]:
    """The ids of the runs of a job, or of its reference."""
    return [job.spec.id] if isinstance(job, ReferenceJob) else list(job.cell.ids.values())


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
