"""One row per run of a suite: names, seed, status, every score, cost, and the settings of its training."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeAlias

from ganbench.registry.choice import plain_value
from ganbench.results.records import Cost, Record
from ganbench.results.store import Store
from ganbench.suite.plan_file import PlanRow, SavedPlan

Value: TypeAlias = str | int | float | bool | None
MISSING = "not run yet"
"""The status of a run that has no record."""


@dataclass(frozen=True)
class RunTable:
    """The runs of a suite in its order. A value is None if a run does not have it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


def run_table(plan: SavedPlan, store: Store) -> RunTable:
    """All runs of a plan, those without a record included.

    The columns are the run's names, seed, status and reason, then every score, the cost, where it
    was made, and the hyperparameters and settings of its training. Raises `ResultsError` if a
    record is damaged.
    """
    runs = [(row, seed, row.runs[seed], record) for row in plan.rows for seed, record in row.records(store).items()]
    scores = dict.fromkeys(name for *_, record in runs if record for name in record.evaluation.metrics)
    known: dict[tuple[int, ...], dict[str, Value]] = {}
    settings = [_known_settings(record, known) for *_, record in runs]
    keys = dict.fromkeys(key for own in settings for key in own)
    found = [
        {**_names(plan, row, seed, id_, record), **_scores(scores, record), **_cost(record), **_origin(record),
         **{key: own.get(key) for key in keys}}
        for (row, seed, id_, record), own in zip(runs, settings, strict=True)
    ]  # fmt: skip
    columns = tuple(found[0]) if found else ()
    return RunTable(columns, tuple(tuple(row.values()) for row in found))


def _names(plan: SavedPlan, row: PlanRow, seed: int, id_: str, record: Record | None) -> dict[str, Value]:
    loss, architecture, dataset = row.labels
    return {
        "id": id_,
        "suite": plan.suite,
        "dataset": dataset.text,
        "loss": loss.text,
        "architecture": architecture.text,
        "dataset_plugin": dataset.name,
        "loss_plugin": loss.name,
        "architecture_plugin": architecture.name,
        "seed": seed,
        "status": record.status if record else MISSING,
        "reason": record.reason if record else "",
        "verdict": record.evaluation.verdict.text if record and record.evaluation.verdict else "",
    }


def _scores(names: dict[str, None], record: Record | None) -> dict[str, Value]:
    return {name: record.evaluation.metrics.get(name) if record else None for name in names}


def _cost(record: Record | None) -> dict[str, Value]:
    return dict(vars(record.cost if record else Cost()))


def _origin(record: Record | None) -> dict[str, Value]:
    made = record.provenance if record else None
    return {"path": made.path if made else None, "device": made.device if made else None}


def _known_settings(record: Record | None, known: dict[tuple[int, ...], dict[str, Value]]) -> dict[str, Value]:
    """The settings of a run, read once for all runs whose records share their parts."""
    if record is None:
        return {}
    spec = record.spec
    key = tuple(map(id, (spec.loss, spec.transforms, spec.architecture, spec.dataset, spec.train)))
    if key not in known:
        known[key] = _settings(record)
    return known[key]


def _settings(record: Record) -> dict[str, Value]:
    """Hyperparameters as `loss.gamma`, of a sum as `loss.r1.gamma`, settings of training as `train.steps`."""
    spec = record.spec
    several = [*((f"loss.{one.name}", one) for one in spec.loss if len(spec.loss) > 1)]
    several += [(f"transform.{one.name}", one) for one in spec.transforms]
    single = [("loss", spec.loss[0])] if len(spec.loss) == 1 else []
    choices = [*single, *several, ("architecture", spec.architecture), ("dataset", spec.dataset)]
    through = {"transforms": ", ".join(one.name for one in spec.transforms)} if spec.transforms else {}
    blocks = {**{block: one.params for block, one in choices}, "train": spec.train.flat()}
    settings = {f"{block}.{key}": _value(value) for block, own in blocks.items() for key, value in own.items()}
    return {**through, **settings}


def _value(value: object) -> Value:
    """A setting as one value; a list and a schedule as JSON."""
    return value if isinstance(value, str | int | float | bool | None) else json.dumps(plain_value(value))
