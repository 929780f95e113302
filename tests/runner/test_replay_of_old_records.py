"""`ganbench replay` of records that earlier versions wrote."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import Cli

OLD = Path(__file__).parent.parent / "results" / "schema_1" / "run.json"


def test_a_run_of_schema_1_is_refused_in_one_sentence(inside: Cli, tmp_path: Path) -> None:
    id_ = json.loads(OLD.read_text())["id"]
    folder = tmp_path / "results" / "runs" / id_
    folder.mkdir(parents=True)
    (folder / "record.json").write_bytes(OLD.read_bytes())
    done = inside("replay", id_[:6])
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"run {id_} cannot be repeated: its record has schema 1" in done.err
