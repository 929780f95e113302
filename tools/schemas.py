"""Writes the JSON Schemas of ganbench's files to `docs/schemas`: `python -m tools.schemas`."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

from ganbench.analysis.table_json import RowJson
from ganbench.registry.schedules import KEYS, Schedule
from ganbench.report.publication import Publication
from ganbench.results.manifest import Manifest
from ganbench.results.record_files import ReferenceFile, RunFile, ScoresFile
from ganbench.suite.plan_file import SavedPlan

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"
FILES: dict[str, tuple[Any, str]] = {
    "record": (RunFile, "runs/<id>/record.json: one training"),
    "scores": (ScoresFile, "runs/<id>/scores/<evaluation>.json: the scores of one run under one evaluation"),
    "reference": (ReferenceFile, "references/<id>/record.json: one reference"),
    "plan": (SavedPlan, "<suite>/plan.json: the runs behind each row of a suite's tables"),
    "table": (list[RowJson], "<suite>/table.json: the rows of a suite's tables"),
    "publication": (Publication, "publication.json: what a person adds to a report"),
    "manifest": (Manifest, "manifest.json: every file of a published folder, and where its numbers come from"),
}


def schema(name: str) -> str:
    """The JSON Schema of a file, as text."""
    kind, title = FILES[name]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return (
        json.dumps({**head, **_cleaned(_schedules_named(msgspec.json.schema(kind)))}, indent=1, ensure_ascii=False)
        + "\n"
    )


def _schedules_named(part: dict[str, Any]) -> dict[str, Any]:
    """The schema with the keys of a schedule as files write them."""
    if "Schedule" in part.get("$defs", {}):
        found = part["$defs"]["Schedule"]
        names = dict(zip((one.name for one in fields(Schedule)), KEYS, strict=True))
        found["properties"] = {names[key]: value for key, value in found["properties"].items()}
        found["required"] = [names[key] for key in found["required"]]
    return part


def _cleaned(part: Any) -> Any:
    """A part of a schema, its descriptions without the indentation of docstrings (Python 3.13 drops it itself)."""
    if isinstance(part, dict):
        return {
            key: inspect.cleandoc(value) if key == "description" and isinstance(value, str) else _cleaned(value)
            for key, value in part.items()
        }
    return [_cleaned(one) for one in part] if isinstance(part, list) else part


def path(name: str) -> Path:
    """Where the schema of a file is kept."""
    return FOLDER / f"{name}.schema.json"


def main() -> None:
    """Write all schemas."""
    FOLDER.mkdir(exist_ok=True)
    for name in FILES:
        path(name).write_text(schema(name), encoding="utf-8")


if __name__ == "__main__":
    main()
