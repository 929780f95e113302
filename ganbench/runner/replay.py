"""Trains one run again from its spec, in a folder of its own, on the path that its record names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ganbench.engine import devices
from ganbench.errors import MissingError
from ganbench.registry.registry import Registry
from ganbench.results.records import AnyRecord, Record
from ganbench.results.store import Store
from ganbench.runner import scheduler
from ganbench.runner.events import Observer
from ganbench.runner.jobs import CellJob, Job, ReferenceJob
from ganbench.runner.local import LocalExecutor
from ganbench.runner.places import Places
from ganbench.runner.worker_process import WorkerSettings
from ganbench.suite.labels import Label, Variant
from ganbench.suite.specs import Cell, ReferenceSpec, RunSpec

NEVER = 1e9
"""Seconds between two checkpoints: a replay is not resumed."""


def siblings(store: Store, record: AnyRecord) -> list[Record]:
    """The folder's other runs of the same spec, which differ in their seed alone."""
    if not isinstance(record, Record):
        return []
    return [one for one in store.all_runs() if one.id != record.id and _same_but_seed(one.spec, record.spec)]


def _same_but_seed(a: RunSpec, b: RunSpec) -> bool:
    return {**a.resolved(), "seed": 0} == {**b.resolved(), "seed": 0}


def recorded_device(record: AnyRecord) -> str:
    """The device that a record names, without its number; `auto` if it names none."""
    return (record.provenance.device or "auto").partition(":")[0].partition(" ")[0]


def recorded_timeout(record: AnyRecord) -> float | None:
    """The seconds after which a run was ended, if that is why it failed."""
    return record.failure.limit_seconds if isinstance(record, Record) and record.failure else None


def with_recorded_path(spec: RunSpec, record: AnyRecord) -> RunSpec:
    """The spec with its engine set so that the recorded path is taken.

    The path follows from spec and machine. It differs if only one of the machines has a compiler:
    compiling can then be turned off here, but not on.
    """
    path = record.provenance.path
    if spec.train.engine == "auto" and path in ("captured", "stacked", "looped"):
        return replace(spec, train=replace(spec.train, engine="eager"))
    return spec


@dataclass(frozen=True)
class ReplaySettings:
    """How a run is trained again: plugins, device, time limit in seconds, and who receives its events."""

    registry: Registry
    device: str
    timeout: float | None
    observer: Observer


def train_again(spec: RunSpec | ReferenceSpec, settings: ReplaySettings, root: Path) -> tuple[AnyRecord, Path]:
    """Train a run, or evaluate a reference, in a store of its own at `root`; returns its record and its folder.

    A worker of one thread does it, as in any run. The stack holds one seed, which gives the same
    bits as a full one. Raises `MissingError` if a device or data are missing.
    """
    store, job = Store(root), _job(spec)
    if isinstance(spec, RunSpec):
        devices.check(settings.device, [spec.train])
    scheduler.prepare([job], settings.registry)
    of_worker = WorkerSettings(store.staging, scheduler.checkpoints(store).root, NEVER)
    executor = LocalExecutor(Places.one(settings.device), of_worker, settings.registry, settings.timeout)
    with store.writing():
        writer = scheduler.run([(job, 1.0)], store, executor, settings.observer)
    if writer.reference_failures:
        raise MissingError(f"not measured: {writer.reference_failures[0]}")
    return store.only(spec.id, references=True)


def _job(spec: RunSpec | ReferenceSpec) -> Job:
    if isinstance(spec, ReferenceSpec):
        return ReferenceJob(spec.dataset.name, spec)
    loss, architecture, dataset = (
        Label(name, name) for name in (spec.composition, spec.architecture.name, spec.dataset.name)
    )
    return CellJob("replay", Cell(Variant(loss, architecture), dataset, spec, (spec.seed,)))
