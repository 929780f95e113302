"""A suite's table before it has numbers: which runs make which row. Kept beside the results."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from ganbench.errors import ResultsError
from ganbench.files import write_atomically
from ganbench.suite.specs import Plan

SCHEMA = 1
T = TypeVar("T")


@dataclass(frozen=True)
class PlanRow:
    """One variant on one data set: labels, and the run of each seed."""

    loss: str
    architecture: str
    dataset: str
    runs: dict[int, str]


@dataclass(frozen=True)
class SavedPlan:
    """Rows, references and what is not applicable, in the suite's order."""

    suite: str
    about: str
    digest: str
    rows: tuple[PlanRow, ...]
    references: tuple[tuple[str, str, str], ...]
    """(data set's label, reference, id)"""
    skipped: tuple[tuple[str, str, str, str], ...]
    """(loss, architecture, data set, reason)"""


def plan_to_save(plan: Plan, digest: str = "") -> SavedPlan:
    """The layout of a plan; `digest` identifies the suite's text and what was laid over it."""
    return SavedPlan(
        plan.suite,
        plan.about,
        digest,
        tuple(PlanRow(*cell.labels, {seed: cell.run(seed).id for seed in cell.seeds}) for cell in plan.cells),
        tuple((label, spec.reference, spec.id) for label, spec in plan.references),
        tuple((*skip.labels, skip.reason) for skip in plan.skipped),
    )


def _path(results: Path, suite: str) -> Path:
    return results / suite / "plan.json"


def save_plan(results: Path, content: SavedPlan) -> None:
    text = json.dumps({"schema": SCHEMA, **asdict(content)}, indent=1) + "\n"
    write_atomically(_path(results, content.suite), text.encode())


def load_plan(results: Path, suite: str) -> SavedPlan | None:
    """The layout of the suite's last run in this folder, or None.

    Raises `ResultsError` where the file is damaged or newer.
    """

    def made(read: dict[str, Any]) -> SavedPlan:
        rows = tuple(PlanRow(**{**row, "runs": by_seed(row["runs"])}) for row in read.pop("rows"))
        lists = {key: tuple(tuple(item) for item in read.pop(key)) for key in ("references", "skipped")}
        content = SavedPlan(rows=rows, **lists, **read)  # type: ignore[arg-type]
        _check(content, suite)
        return content

    return kept(_path(results, suite), SCHEMA, made)


ID = re.compile(r"[0-9A-Za-z]+")


def _check(content: SavedPlan, suite: str) -> None:
    """Raise `ValueError` where a layout could lead out of its results folder, or is no text."""
    if content.suite != suite:
        raise ValueError(f"it is of suite {content.suite!r}")
    ids = [id_ for row in content.rows for id_ in row.runs.values()] + [id_ for _, _, id_ in content.references]
    for id_ in ids:
        if not isinstance(id_, str) or not ID.fullmatch(id_):
            raise ValueError(f"{id_!r} is no id of a run")
    names = [name for row in content.rows for name in (row.loss, row.architecture, row.dataset)]
    texts = [content.about, content.digest, *names, *(text for entry in content.skipped for text in entry)]
    texts += [text for label, name, _ in content.references for text in (label, name)]
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is no text")
        text.encode()  # half of a character raises UnicodeEncodeError, a ValueError


def by_seed(runs: dict[str, str]) -> dict[int, str]:
    """{seed: id} from JSON, whose keys are texts."""
    return {int(seed): id_ for seed, id_ in runs.items()}


def kept(path: Path, schema: int, made: Callable[[dict[str, Any]], T]) -> T | None:
    """What is made of a JSON file that an earlier run wrote, or None where there is none.

    Raises `ResultsError` where the file is damaged or newer.
    """
    try:
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if read.pop("schema") > schema:
            raise ResultsError(f"{path} was written by a newer ganbench; upgrade")
        return made(read)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ResultsError(f"{path} is damaged ({error}); run the suite again to write it anew") from error
