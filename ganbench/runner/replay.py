"""One run trained again from its spec, in a folder of its own, on the path that its record names."""

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


def device(record: AnyRecord) -> str:
    """The device that a record names, without its number; `auto` where it names none."""
    return (record.provenance.device or "auto").partition(":")[0].partition(" ")[0]


def limit(record: AnyRecord) -> float | None:
    """The seconds after which a run was ended, if that is why it failed."""
    return record.failure.limit_seconds if isinstance(record, Record) and record.failure else None


def followed(spec: RunSpec, record: AnyRecord) -> RunSpec:
    """The spec with its engine set so that the recorded path is taken.

    A path is a rule of spec and machine. It differs where one machine had a compiler and the other
    has none: then the cell can be kept from being compiled, and cannot be made to.
    """
    path = record.provenance.path
    if spec.train.engine == "auto" and path in ("stacked", "looped"):
        return replace(spec, train=replace(spec.train, engine="eager"))
    return spec


@dataclass(frozen=True)
class Means:
    """With what a run is trained again: plugins, device, the longest time, and where its progress is shown."""

    registry: Registry
    device: str
    timeout: float | None
    observer: Observer


def trained(spec: RunSpec | ReferenceSpec, means: Means, root: Path) -> tuple[AnyRecord, Path]:
    """Train a run, or measure a reference, in a store of its own at `root`: its record and its folder.

    A worker of one thread does it, as in any run; the stack holds one seed, which gives the bits
    that it has among others. Raises `MissingError` where a device or data are missing.
    """
    store, job = Store(root), _job(spec)
    if isinstance(spec, RunSpec):
        devices.check(means.device, [spec.train])
    scheduler.prepare([job], means.registry)
    settings = WorkerSettings(
        means.device, means.registry.files, store.staging, scheduler.checkpoints(store).root, NEVER
    )
    with store.writing():
        writer = scheduler.run([(job, 1.0)], store, LocalExecutor(1, settings, means.timeout), means.observer)
    if writer.reference_failures:
        raise MissingError(f"not measured: {writer.reference_failures[0]}")
    return store.only(spec.id, references=True)


def _job(spec: RunSpec | ReferenceSpec) -> Job:
    if isinstance(spec, ReferenceSpec):
        return ReferenceJob(spec.dataset.name, spec)
    loss, architecture, dataset = (
        Label(name, name) for name in (spec.loss.name, spec.architecture.name, spec.dataset.name)
    )
    return CellJob("replay", Cell(Variant(loss, architecture), dataset, spec, (spec.seed,)))
