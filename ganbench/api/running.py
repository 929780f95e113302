"""Trains what is missing of a suite, and writes its tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.api.checking import check_data, fetch_data
from ganbench.api.results import Results
from ganbench.api.suites import ResolvedSuite, SuiteRequest, parse_filters, parse_seeds, resolve
from ganbench.api.workplaces import LOCAL, places_text, workplace
from ganbench.errors import UsageError
from ganbench.formatting import counted
from ganbench.registry.choice import Choice
from ganbench.registry.registry import Registry
from ganbench.results.protocol_card import ScoreName
from ganbench.results.store import Store
from ganbench.suite.external import missing_samples
from ganbench.suite.plan_file import PlanRow, SavedPlan, load_plan, plan_to_save, save_plan
from ganbench.suite.plan_union import not_shown, united, with_seeds
from ganbench.suite.specs import Plan

if TYPE_CHECKING:
    from ganbench.registry.registry import Registry
    from ganbench.runner.events import Observer
    from ganbench.runner.local import LocalExecutor
    from ganbench.runner.retries import RetryPolicy
    from ganbench.runner.scheduler import Todo


@dataclass(frozen=True)
class RunSettings:
    """Where and how a suite is trained; nothing here changes a result.

    `executor` is `local`, `ray` for a Ray cluster of this machine, or `ray:HOST:PORT` for one that is there.

    `seeds` replaces the suite's own, as `0-7`; `filters` are texts such as `loss=minimax`. `shard` is the part of what
    was asked for that is trained here, as `2/3`. `retries` is how often a cell is tried again whose worker died or that
    the machine failed; with `retry_errors` also after an error of a plugin. Without `progress` nothing is printed.
    `on_event` receives every event of the run, in this process.
    """

    results: Path = Path("results")
    filters: tuple[str, ...] = ()
    shard: str | None = None
    seeds: str | None = None
    executor: str = LOCAL
    device: str = "auto"
    jobs: str = "auto"
    timeout: float | None = None
    retries: int = 0
    retry_errors: bool = False
    checkpoint_interval: float = 60.0
    trackers: tuple[str, ...] = ()
    force: bool = False
    progress: bool = False
    on_event: Observer | None = None

    @property
    def again(self) -> RetryPolicy:
        """What is tried again because the user asked for it."""
        from ganbench.runner.retries import RetryPolicy

        return RetryPolicy(self.retries, self.retry_errors)

    def report(self, text: str) -> None:
        """A line on stderr, if progress is shown."""
        if self.progress:
            print(text, file=sys.stderr, flush=True)


class Preparation:
    """A suite before it trains: its plan as it is, and the part of it that was asked for.

    Raises `UsageError` for an invalid suite, filter, seed or tracker, before anything trains.
    """

    def __init__(self, request: SuiteRequest, settings: RunSettings) -> None:
        self.settings = settings
        self.resolved = resolve(request)
        self.trackers = chosen_trackers(settings, self.resolved)
        self.store = Store.to_write(settings.results)
        seeds = parse_seeds(settings.seeds) if settings.seeds is not None else None
        self.whole = self.resolved.expanded()
        plan = self.resolved.expanded(seeds) if seeds else self.whole
        asked = plan.filtered(parse_filters(settings.filters, plan))
        check_not_empty(asked)
        self._asked = self._sharded(asked)

    def _sharded(self, plan: Plan) -> Plan:
        """The shard of what was asked for, or all of it. Raises `UsageError` for a shard without cells."""
        if self.settings.shard is None:
            return plan
        from ganbench.runner.sharding import parse_shard, shard_of

        shard = parse_shard(self.settings.shard)
        found = shard_of(plan, shard, self.resolved.registry)
        if not found.cells:
            raise UsageError(
                f"--shard {self.settings.shard}: suite {plan.suite!r} has {counted(len(plan.cells), 'cell')}, and "
                "nothing is left for this shard; use fewer shards"
            )
        return found

    @cached_property
    def plan(self) -> Plan:
        """What was asked for. Raises `MissingError` if data are not there, without which no run has an id."""
        return self.resolved.contents.filled(self._asked)

    @cached_property
    def saved(self) -> SavedPlan:
        """The plan that is saved: the whole suite, the seeds asked for, and what earlier runs added to it."""
        return self.to_save(self.shown.rows)

    def to_save(self, shown: Iterable[PlanRow] = ()) -> SavedPlan:
        """The whole suite with the seeds of the rows that were asked for, and what earlier runs added to it."""
        whole = plan_to_save(self.resolved.contents.where_there(self.whole), self.resolved.digest)
        asked = {row.texts: row for row in shown}
        rows = (with_seeds(row, asked[row.texts]) if row.texts in asked else row for row in whole.rows)
        old = load_plan(self.store.root, whole.suite)
        known = {row.texts for row in old.rows} if old else set()  # of data that were there before
        skipped = tuple(one for one in whole.skipped if one.texts not in known)
        return united(replace(whole, rows=tuple(rows), skipped=skipped), old)

    @cached_property
    def shown(self) -> SavedPlan:
        """The plan of what was asked for."""
        return plan_to_save(self.plan, self.resolved.digest)

    def __str__(self) -> str:
        """What would be done: the runs by state, and an estimate of their cost."""
        from ganbench.runner.plan_summary import plan_text

        where, estimate = places_text(self._asked, self.resolved.registry, self.settings)
        plan, missing = self.resolved.contents.known(self._asked)
        text = plan_text(plan, self.store, self.settings.force, where, estimate, missing)
        gone = missing_samples(self._asked)
        return text + "".join(f"Before anything is trained: {one}\n" for one in gone)

    @property
    def scores(self) -> list[str]:
        """The names of the scores that what was asked for has."""
        return known_scores(self._asked, self.resolved.registry)

    def states(self) -> dict[str, int]:
        """How many runs are `done`, `new`, `resumable`, or have `failed before`."""
        from ganbench.runner import scheduler

        return dict(scheduler.todo(self.plan, self.store, self.settings.force).states)

    def run(self) -> Results:
        """Train what is missing, and write the tables of the whole suite. The results are of what was asked for."""
        fetch_data(self.resolved, self._asked, self.settings.report)
        Training(self.plan, self.resolved, self.store, self.saved, self.settings, self.trackers).run()
        whole = Results(self.saved, self.store, self.resolved.registry)
        whole.save_tables()
        return self.asked if self.partial else whole

    @property
    def partial(self) -> bool:
        """Whether filters, seeds or a shard chose a part of the suite."""
        return bool(self.settings.filters or self.settings.shard) or self.settings.seeds is not None

    @property
    def leaves_out(self) -> bool:
        """Whether the suite's tables contain runs that were not asked for."""
        return bool(_runs(self.saved) - _runs(self.shown))

    @property
    def asked(self) -> Results:
        """The results of the runs that were asked for, also if the tables contain more."""
        return Results(self.shown, self.store, self.resolved.registry, self.saved)


def _runs(plan: SavedPlan) -> set[str]:
    return {id_ for row in plan.rows for id_ in row.runs.values()}


def chosen_trackers(settings: RunSettings, resolved: ResolvedSuite) -> list[Choice]:
    """The trackers by their names. Raises `UsageError`."""
    if not settings.trackers:
        return []
    from ganbench.runner.trackers import choose_trackers

    return choose_trackers(settings.trackers, resolved.registry)


def known_scores(plan: Plan, registry: Registry) -> list[str]:
    """The names of all scores that the metrics of a plan give, with and without their extractors."""
    evaluations = [cell.spec.evaluation for cell in plan.cells]
    pairs = [(registry.create("metric", metric), one) for one in evaluations for metric in one.metrics]
    names = {
        ScoreName(score, extractor)
        for metric, one in pairs
        for score in metric.better
        for extractor in (None, one.extractor.name)
    }
    return sorted(map(str, names))


def check_not_empty(plan: Plan) -> None:
    """Raise `UsageError` if a plan has nothing to train."""
    if not plan.cells:
        reasons = "; ".join(sorted({skip.reason for skip in plan.skipped})) or "the filter leaves nothing"
        raise UsageError(f"suite {plan.suite!r} has nothing to train here: {reasons}")


def widened(whole: Plan, plan: Plan) -> Plan:
    """The whole suite, with the seeds of `plan` beside its own: a filter hides no row for good."""
    extra = {cell.labels: cell.seeds for cell in plan.cells}
    cells = [cell.with_seeds(tuple(sorted({*cell.seeds, *extra.get(cell.labels, ())}))) for cell in whole.cells]
    return replace(whole, cells=tuple(cells))


@dataclass(frozen=True)
class Training:
    """A plan to train in a results folder. `saved` is the suite's plan, written before anything trains."""

    plan: Plan
    resolved: ResolvedSuite
    store: Store
    saved: SavedPlan
    settings: RunSettings
    trackers: list[Choice]

    def run(self) -> tuple[str, ...]:
        """Train and evaluate what is missing; every result is stored as it comes. Returns what could not be measured.

        Raises `MissingError` if this machine lacks something, or another run writes to the folder.
        """
        from ganbench.engine import devices
        from ganbench.runner import scheduler
        from ganbench.runner.leftovers import sweep
        from ganbench.runner.worker_process import WorkerSettings

        report = self.settings.report
        place = workplace(self.plan, self.resolved.registry, self.settings)
        with self.store.writing():
            todo = scheduler.todo(self.plan, self.store, self.settings.force)
            sweep(self.store, todo.jobs)
            report(self._summary(todo))
            for text in (*self._weights_notes(todo), not_shown(self.saved, self.store.root)):
                if text:
                    report(text)
            save_plan(self.store.root, self.saved)
            if not todo.jobs:
                if self.trackers:
                    report("nothing is sent to trackers: all runs were finished before; --force trains them again")
                return ()
            folders = self.store.staging, scheduler.checkpoints(self.store).root
            worker = WorkerSettings(*folders, self.settings.checkpoint_interval)
            with place.executor(todo.jobs, worker) as executor:
                report(executor.places.text(chosen=self.settings.device == "auto"))
                note = devices.check(executor.places.all[0].device, (cell.spec.train for cell in self.plan.cells))
                if note:
                    report(note)
                return self._execute(todo, executor)

    def _summary(self, todo: Todo) -> str:
        """How many runs are in which state."""
        from ganbench.runner.scheduler import LOST_WEIGHTS, NOT_EVALUATED

        states = todo.states
        again = f", {states['resumable']} go on from a checkpoint" if states["resumable"] else ""
        again += f", {states['failed before']} failed before and are tried again" if states["failed before"] else ""
        again += f", {states[NOT_EVALUATED]} evaluated again, not trained" if states[NOT_EVALUATED] else ""
        again += f", {states[LOST_WEIGHTS]} trained again for their scores" if states[LOST_WEIGHTS] else ""
        left_out = f"; {len(self.plan.skipped)} combinations not applicable" if self.plan.skipped else ""
        return f"suite {self.plan.suite}: {states['done']} runs done, {states['new']} new{again}{left_out}"

    def _weights_notes(self, todo: Todo) -> list[str]:
        """What is wrong with the weights of finished runs."""
        found: dict[str, list[str]] = {}
        for record, problem in todo.weights:
            found.setdefault(problem, []).append(record.id)
        return [
            f"{counted(len(ids), 'finished run')} with {problem} weights.safetensors, such as {ids[0]}: "
            "they cannot be evaluated in another way; --force trains them again"
            for problem, ids in found.items()
        ]

    def _execute(self, todo: Todo, executor: LocalExecutor) -> tuple[str, ...]:
        """Run the jobs in worker processes; returns the references that could not be measured, and why."""
        from ganbench.runner import scheduler
        from ganbench.runner.trackers import prepared_trackers

        registry, settings, store = self.resolved.registry, self.settings, self.store
        scheduler.prepare(todo.jobs, registry)
        check_data(self.resolved, todo.jobs, settings.report)
        tracking = prepared_trackers(self.trackers, registry, store.root)
        jobs = scheduler.ordered(todo.jobs, registry, executor.places.side_by_side)
        weights = [(job, scheduler.weight(job, registry)) for job in jobs]
        checkpoints = scheduler.checkpoints(store)
        if settings.force:
            for run_id in (run_id for cell in self.plan.cells for run_id in cell.ids.values()):
                checkpoints.drop(run_id)
        writer = scheduler.run(weights, store, executor, *self._observers(), *tracking)
        for text in writer.reference_failures:
            settings.report(f"not measured: {text}")
        return tuple(writer.reference_failures)

    def _observers(self) -> list[Observer]:
        """Who sees the events of the run: the display, the live state that `ganbench serve` reads, the caller."""
        from ganbench.runner.background import BackgroundObserver
        from ganbench.runner.live_writer import LiveWriter
        from ganbench.runner.progress import progress_display

        live = BackgroundObserver("the live state", LiveWriter(self.store.root, self.plan.suite))
        shown = [progress_display()] if self.settings.progress else []
        return [*shown, live, *([self.settings.on_event] if self.settings.on_event else [])]
