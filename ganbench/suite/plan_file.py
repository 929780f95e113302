"""A suite's saved plan, `plan.json`: the run ids behind each table row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from ganbench.files import from_plain, load_json, save_json
from ganbench.suite.family import FamilySettings
from ganbench.suite.labels import Combination, Label
from ganbench.suite.specs import Cell, Plan, Skipped

SCHEMA = 2
"""Schema 1 holds labels as bare texts, without the plugins' names."""
Seed = Annotated[int, msgspec.Meta(ge=0)]
RunId = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]+$(?!\n)")]
"""An id is the name of a folder, so nothing else may appear in it (`$` alone would allow a final newline)."""


T = TypeVar("T")
R = TypeVar("R", covariant=True)


class Runs(Protocol[R]):
    """A results folder, as far as a plan reads it."""

    def run(self, run_id: str, evaluation: str | None = None) -> R | None: ...


@dataclass(frozen=True)
class PlanRow(Combination):
    """One variant on one dataset, with the run of each seed.

    `evaluation` is the id of the evaluation whose scores count, None if a run has only one. `content` is the
    fingerprint of the data, `settings` a digest of everything else that the seeds share. `own` are the seeds that the
    suite itself asks for, none in a row that was added; None means all.
    """

    runs: Mapping[Seed, RunId]
    evaluation: RunId | None = None
    content: str = ""
    settings: str = ""
    own: tuple[Seed, ...] | None = None

    def records(self, store: Runs[T]) -> dict[int, T | None]:
        """The record of each seed under the row's evaluation, None if it has not run."""
        return {seed: store.run(id_, self.evaluation) for seed, id_ in self.runs.items()}


@dataclass(frozen=True)
class PlanReference:
    """One reference of one dataset, with its id. Of samples made elsewhere, `reference` is their label."""

    dataset: Label
    reference: str
    id: RunId
    external: bool = False


@dataclass(frozen=True)
class SavedPlan:
    """Rows, references and combinations that do not apply, in the suite's order.

    `digest` identifies the suite's text and the options that changed it.
    """

    suite: str
    about: str
    digest: str
    rows: tuple[PlanRow, ...]
    references: tuple[PlanReference, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    earlier: tuple[PlanRow, ...] = ()
    """Rows that were replaced because the settings, the data or the evaluation of the suite changed."""
    family: FamilySettings = field(default_factory=FamilySettings)


def plan_to_save(plan: Plan, digest: str = "") -> SavedPlan:
    """A plan as it is saved; `digest` identifies the suite's text and the options that changed it."""
    rows = map(_row, plan.cells)
    return SavedPlan(
        plan.suite, plan.about, digest, tuple(rows), references_to_save(plan), plan.skipped, family=plan.family
    )


def _row(cell: Cell) -> PlanRow:
    spec = cell.spec
    shared = replace(spec, dataset=replace(spec.dataset, content=""), seed=0)
    return PlanRow(
        cell.variant, cell.dataset, cell.ids, spec.evaluation.id, spec.dataset.content, shared.id,
        () if cell.added else cell.seeds,
    )  # fmt: skip


def references_to_save(plan: Plan) -> tuple[PlanReference, ...]:
    """The plan's references by their ids."""
    return tuple(
        PlanReference(one.dataset, one.label or one.spec.reference, one.spec.id, one.path is not None)
        for one in plan.references
    )


def save_plan(results: Path, content: SavedPlan) -> None:
    """Write `<results>/<suite>/plan.json`."""
    save_json(_path(results, content.suite), SCHEMA, content)


def load_plan(results: Path, suite: str) -> SavedPlan | None:
    """The plan of the suite's last run in this results folder, or None if it has not run there.

    Raises `ResultsError` if the file is damaged or newer.
    """
    return load_json(_path(results, suite), SCHEMA, lambda raw: _decoded(raw, suite))


def _path(results: Path, suite: str) -> Path:
    return results / suite / "plan.json"


def _decoded(raw: dict[str, Any], suite: str) -> SavedPlan:
    """The plan in `raw`. Raises `ValueError` with the JSON path of what is wrong."""
    plan = from_plain(_from_schema_1(raw) if raw.get("schema") == 1 else raw, SavedPlan)
    if plan.suite != suite:
        raise ValueError(f"$.suite: belongs to suite {plan.suite!r}")
    return plan


def _from_schema_1(raw: dict[str, Any]) -> dict[str, Any]:
    """A plan of schema 1 as one of schema 2: a plugin's name is its label up to the hyperparameters."""

    rows = [
        {**combination_1(row["loss"], row["architecture"], row["dataset"]), "runs": row["runs"]} for row in raw["rows"]
    ]
    skipped = [{**combination_1(*labels), "reason": reason} for *labels, reason in raw["skipped"]]
    return {**raw, "rows": rows, "references": references_1(raw["references"]), "skipped": skipped}


def combination_1(loss: str, architecture: str, dataset: str) -> dict[str, object]:
    """A combination of labels of schema 1 as one of schema 2."""
    return {"variant": {"loss": _label_1(loss), "architecture": _label_1(architecture)}, "dataset": _label_1(dataset)}


def references_1(references: Iterable[tuple[str, str, str]]) -> list[dict[str, object]]:
    """The references of schema 1 as those of schema 2."""
    return [{"dataset": _label_1(dataset), "reference": name, "id": id_} for dataset, name, id_ in references]


def _label_1(text: str) -> dict[str, str]:
    return {"text": text, "name": text.split("(")[0]}
