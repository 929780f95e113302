"""The jobs that an executor runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ganbench.results.records import Failure, Record
from ganbench.suite.specs import Cell, ReferenceSpec, RunSpec

if TYPE_CHECKING:
    from ganbench.engine.device_errors import Trouble


@dataclass(frozen=True)
class CellJob:
    """Train and evaluate the seeds of one cell."""

    suite: str
    cell: Cell

    @property
    def name(self) -> str:
        return self.cell.title

    @property
    def dataset(self) -> str:
        """The dataset's label."""
        return self.cell.dataset.text

    @property
    def spec(self) -> RunSpec:
        """What the cell's seeds share."""
        return self.cell.spec

    @property
    def steps(self) -> int:
        return self.spec.train.steps

    @cached_property
    def key(self) -> str:
        """What tells this job from the others of a suite: the id of its first run."""
        return self.cell.run(self.cell.seeds[0]).id


@dataclass(frozen=True)
class EvaluationJob:
    """Evaluate seeds of one cell that are trained already, from their weights; `runs` is the folder of all runs."""

    cell: Cell
    records: tuple[Record, ...]
    runs: Path

    @property
    def name(self) -> str:
        return f"{self.cell.title}: evaluation"

    @property
    def dataset(self) -> str:
        """The dataset's label."""
        return self.cell.dataset.text

    @property
    def spec(self) -> RunSpec:
        """What the cell's seeds share."""
        return self.cell.spec

    @cached_property
    def key(self) -> str:
        """What tells this job from the others of a suite."""
        return f"evaluation: {self.records[0].id}"


@dataclass(frozen=True)
class ReferenceJob:
    """Evaluate one reference of one dataset, or the samples of a `path` that were made elsewhere."""

    label: str
    spec: ReferenceSpec
    path: Path | None = None
    title: str = ""

    @property
    def name(self) -> str:
        return f"{self.label}: {'reference' if self.path is None else 'samples'} {self.title or self.spec.reference}"

    @property
    def dataset(self) -> str:
        """The dataset's label."""
        return self.label

    @cached_property
    def key(self) -> str:
        """What tells this job from the others of a suite."""
        return f"{self.label}: {self.spec.id}"


Job: TypeAlias = CellJob | EvaluationJob | ReferenceJob


@dataclass(frozen=True)
class JobFailure:
    """Why a job failed, and the traceback if there is one.

    `trouble` is that of the device or the machine, if that is why; `memory_needed` says how much memory was missing, if
    that is known, `memory_of` whose it was, if not the device's.
    """

    cause: Failure
    traceback: str = ""
    trouble: Trouble = ""
    memory_needed: str = ""
    memory_of: str = ""
