"""`ganbench table`: what cannot be written is printed all the same."""

from __future__ import annotations

from pathlib import Path

from conftest import Cli
from factories import commit, make_record
from plans import plan_row

from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, save_plan


def test_a_table_that_cannot_be_written_is_printed(inside: Cli, tmp_path: Path) -> None:
    results = tmp_path / "results"
    commit(Store(results), make_record("a1"))
    save_plan(results, SavedPlan("s", "", "", (plan_row("game", "net", "points", {0: "a1"}),)))
    (results / "s" / "table.md" / "in the way").mkdir(parents=True)
    done = inside("table", "--suite", "s")
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert "| game x net " in done.out
    assert "the tables are not written to results/s: " in done.err
