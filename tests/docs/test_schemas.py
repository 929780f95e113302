"""The JSON Schemas in `docs/schemas` are those of the types, and ganbench's files are valid by them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import Cli
from fabricate import Made, fabricate

from tools import schemas

PUBLISHED = Path(__file__).parents[2] / "results" / "published" / "baseline"


@pytest.mark.parametrize("name", schemas.FILES)
def test_the_schemas_are_current(name: str) -> None:
    assert schemas.path(name).read_text(encoding="utf-8") == schemas.schema(name), "run: python -m tools.schemas"


@cache
def _validator(name: str) -> Any:
    schema = json.loads(schemas.schema(name))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def _validate(name: str, content: Any) -> None:
    _validator(name).validate(content)


def test_the_published_files_are_valid() -> None:
    for kind, folder in (("record", "runs"), ("reference", "references")):
        paths = list((PUBLISHED / folder).glob("*/record.json"))
        assert paths
        for path in paths:
            _validate(kind, json.loads(path.read_text()))
    _validate("manifest", json.loads((PUBLISHED / "manifest.json").read_text()))
    _validate("table", json.loads((PUBLISHED / "baseline" / "table.json").read_text()))


def test_new_files_are_valid(inside: Cli, tmp_path: Path) -> None:
    made = Made(losses=("minimax", "nonsaturating"), architectures=("mlp",), images=(), seeds=2, pictures=False)
    content = fabricate(tmp_path / "results", made)
    assert inside("publish", "--suite", content.suite, "--to", "site").code == 0
    for kind, files in (
        ("record", "runs/*/record.json"), ("scores", "runs/*/scores/*.json"), ("reference", "references/*/record.json"),
    ):  # fmt: skip
        paths = list((tmp_path / "site").glob(files))
        assert paths
        for path in paths:
            _validate(kind, json.loads(path.read_text()))
    for name in ("plan", "table"):
        _validate(name, json.loads((tmp_path / "site" / content.suite / f"{name}.json").read_text()))
    _validate("manifest", json.loads((tmp_path / "site" / "manifest.json").read_text()))
    for kind in ("record", "scores"):
        with pytest.raises(jsonschema.ValidationError):
            _validate(kind, {"schema": 2})
