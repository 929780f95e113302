"""Where a run is trained: on this machine, or on the nodes of a Ray cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ganbench.errors import MissingError, UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ganbench.api.running import RunSettings
    from ganbench.registry.registry import Registry
    from ganbench.runner.cost_estimate import CostEstimate
    from ganbench.runner.jobs import Job
    from ganbench.runner.local import LocalExecutor
    from ganbench.runner.places import Places
    from ganbench.runner.worker_process import WorkerSettings
    from ganbench.suite.specs import Plan

LOCAL, RAY = "local", "ray"


class Workplace(Protocol):
    """Gives the executor of some jobs, for as long as they run."""

    def executor(self, jobs: Sequence[Job], worker: WorkerSettings) -> AbstractContextManager[LocalExecutor]: ...


def workplace(plan: Plan, registry: Registry, settings: RunSettings) -> Workplace:
    """Where a plan is trained.

    Raises `UsageError` for an invalid executor, device or number of workers, `MissingError` for a device that is not
    here.
    """
    if settings.executor == LOCAL:
        return _Here(plan, registry, settings)
    return _OnRay(ray_address(settings.executor), registry, settings)


def ray_address(executor: str) -> str:
    """The address in `ray:ADDRESS`; empty for `ray`, a cluster of this machine. Raises `UsageError`."""
    name, _, address = executor.partition(":")
    if name != RAY:
        raise UsageError(f"--executor {executor!r} is invalid; use local, ray or ray:HOST:PORT")
    if executor != RAY and not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+):[0-9]{1,5}", address):
        raise UsageError(
            f"--executor {executor!r}: {address!r} is not the HOST:PORT of a Ray cluster, as `ray start --head` prints "
            "it; `auto` and ray:// are not supported"
        )
    return address


class _Here:
    """Worker processes of this machine."""

    def __init__(self, plan: Plan, registry: Registry, settings: RunSettings) -> None:
        self.places = chosen_places(plan, registry, settings)
        self.registry, self.settings = registry, settings

    @contextmanager
    def executor(self, jobs: Sequence[Job], worker: WorkerSettings) -> Iterator[LocalExecutor]:
        from ganbench.runner.local import LocalExecutor

        again = self.settings.again
        yield LocalExecutor(self.places, worker, self.registry, self.settings.timeout, again=again)


class _OnRay:
    """The nodes of a Ray cluster."""

    def __init__(self, address: str, registry: Registry, settings: RunSettings) -> None:
        from ganbench.runner.cluster.connection import imported
        from ganbench.runner.places import asked_workers

        self.address, self.registry, self.settings = address, registry, settings
        self.cells = asked_workers(settings.jobs)
        imported()

    @contextmanager
    def executor(self, jobs: Sequence[Job], worker: WorkerSettings) -> Iterator[LocalExecutor]:
        from ganbench.engine import devices
        from ganbench.runner.cluster.connection import connected
        from ganbench.runner.cluster.nodes import SAVE_TIMEOUT_S, NodePlaces, demand_of, wanted
        from ganbench.runner.local import LocalExecutor, Staff

        with connected(self.address, self.cells or devices.cores()) as connection:
            demand = demand_of(self.settings.device, connection)
            places = NodePlaces(connection, wanted(demand, self.registry, jobs, self.cells), self.settings.report)
            staff = Staff(places.start, SAVE_TIMEOUT_S)
            try:
                limit, again = self.settings.timeout, self.settings.again
                yield LocalExecutor(places, worker, self.registry, limit, ahead=0, staff=staff, again=again)
            finally:
                places.close()


def chosen_places(plan: Plan, registry: Registry, settings: RunSettings) -> Places:
    """Where on this machine a plan is trained, and by how many workers.

    Raises `UsageError` for an invalid device or number of workers, `MissingError` for a device that is not there.
    """
    from ganbench.engine import devices
    from ganbench.runner.places import places, step_size

    names = devices.resolve(settings.device)
    return places(names, settings.jobs, (step_size(cell, registry) for cell in plan.cells))


def places_text(plan: Plan, registry: Registry, settings: RunSettings) -> tuple[str, CostEstimate]:
    """The devices and workers that a run would use, or why it could not, and an estimate of costs there.

    A cluster is not asked for this.
    """
    from ganbench.runner.cost_estimate import CostEstimate

    if settings.executor != LOCAL:
        address = ray_address(settings.executor)
        where = f"the Ray cluster at {address}" if address else "a Ray cluster of this machine"
        return f"on {where}, which is asked when the run starts", CostEstimate(registry)
    try:
        places = chosen_places(plan, registry, settings)
    except MissingError as error:
        return f"not here: {error}", CostEstimate(registry)
    return places.text(chosen=settings.device == "auto"), CostEstimate(registry, places.all[0].device)
