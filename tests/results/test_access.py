"""Records are read by their attributes: outside `results` no subscript has the name of a record's field."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from ganbench.results.records import Evaluation, Record, ReferenceRecord

CORE = Path(__file__).parents[2] / "ganbench"
NAMES = {one.name for kind in (Record, ReferenceRecord, Evaluation) for one in fields(kind)} | {"status", "reason"}
OTHER_DATA = {
    "analysis/equal_counts.py": {"TITLES"},  # by the references' names
    "cli/*.py": {"options"},  # click's options
    "engine/checkpoints.py": {"facts"},
    "report/html/live.py": {"state", "columns", "one"},
    "report/plots/ranks.py": {"TITLES"},
    "report/plots/suite_plots.py": {"made"},
    "report/text/search.py": {"draw"},
    "suite/evaluators.py": {"nodes", "picked"},
    "suite/from_plain.py": {"plain", "evaluation", "plain['evaluation']", "own"},
}
"""Dictionaries that are not records and share a name with a field, by file."""


def _subscripts(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The receiver and the key of every subscript with a constant key."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            yield ast.unparse(node.value), str(node.slice.value)


def test_no_subscript_has_the_name_of_a_field_of_a_record() -> None:
    found = []
    for path in sorted(CORE.rglob("*.py")):
        name = path.relative_to(CORE)
        if name.parts[0] == "results":
            continue
        allowed = {receiver for pattern, own in OTHER_DATA.items() if name.match(pattern) for receiver in own}
        for receiver, key in _subscripts(ast.parse(path.read_text())):
            if key in NAMES and receiver not in allowed:
                found.append(f"{name}: {receiver}[{key!r}]")
    assert found == []


def test_such_a_subscript_is_found() -> None:
    assert list(_subscripts(ast.parse("record['metrics']['FID'] = 1"))) == [
        ("record['metrics']", "FID"),
        ("record", "metrics"),
    ]
