"""What an executor is given, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from ganbench.results.records import AnyRecord, Failure
from ganbench.suite.specs import Cell, ReferenceSpec


@dataclass(frozen=True)
class CellJob:
    """Train and judge the seeds of one cell."""

    suite: str
    cell: Cell

    @property
    def name(self) -> str:
        return self.cell.title


@dataclass(frozen=True)
class ReferenceJob:
    """Judge one reference of one data set."""

    label: str
    spec: ReferenceSpec

    @property
    def name(self) -> str:
        return f"{self.label}: reference {self.spec.reference}"


Job: TypeAlias = CellJob | ReferenceJob


@dataclass(frozen=True)
class JobFailure:
    """Why a job came to nothing, and the traceback if there is one."""

    cause: Failure
    traceback: str = ""


class Listener(Protocol):
    """Hears of a job's life, in order, in the process that called the executor."""

    def started(self, job: Job) -> None: ...

    def advanced(self, job: Job, progress: Any) -> None: ...

    def recorded(self, job: Job, record: AnyRecord, folder: Path) -> None: ...

    def ended(self, job: Job, failure: JobFailure | None) -> None: ...


class Display(Protocol):
    """Where a run's life is shown: on a terminal, in a file, by a tracker."""

    def begin(self, weights: list[tuple[Job, float]]) -> None:
        """All jobs, each with a guess at its cost."""

    def started(self, job: Job) -> None: ...

    def advanced(self, job: Job, progress: Any) -> None:
        """A cell's progress; together, all that it is told hold every row of the history once."""

    def recorded(self, job: Job, record: AnyRecord) -> None:
        """A record that is in the store, of a failed run too."""

    def ended(self, job: Job, statuses: Sequence[str], reason: str) -> None: ...

    def close(self) -> None: ...


Executor: TypeAlias = Callable[[list[Job], Listener], None]
