"""`ganbench runs`: every run of a folder once, with what its record says, at any width and however it is chosen."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from fabricate import Made, fabricate
from factories import commit, make_record, make_spec
from plans import plan_row

from ganbench.analysis.run_list import RunList
from ganbench.formatting import file_size, number
from ganbench.report.text.run_list import columns, lines
from ganbench.results.records import Failure
from ganbench.results.store import Store
from ganbench.suite.family import FamilySettings
from ganbench.suite.plan_file import SavedPlan, save_plan

LONG = "a-loss-with-a-name-of-sixty-characters-without-any-break-in-it"
NAN = Failure("diverged", "a loss was not finite", step=3)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two suites that share a run; one run failed, one has not run, one is of earlier data, one of no plan."""
    folder = tmp_path / "results"
    first = replace(plan_row("minimax", "mlp", "ring8", {0: "aa0", 1: "aa1", 2: "aa2"}), evaluation="e0")
    earlier = replace(plan_row("minimax", "mlp", "ring8", {0: "ee0"}), evaluation="e0", content="c1")
    family = FamilySettings(primary={"ring8": "second"})
    save_plan(folder, SavedPlan("one", "", "", (first,), earlier=(earlier,)))
    shared = replace(plan_row("plain", "net", "ring8", {0: "aa0"}), evaluation="e0")
    save_plan(folder, SavedPlan("two", "", "", (shared,), family=family))
    scores = {"first": 0.25, "second": 1234.5}
    runs = [("aa0", "minimax", 0, None), ("aa1", "minimax", 1, NAN), ("ee0", "minimax", 0, None)]
    for run_id, loss, seed, failure in [*runs, ("ff0", "hinge + r1", 7, None)]:
        spec = make_spec(seed, loss, "mlp", "ring8")
        commit(Store(folder), make_record(run_id, scores, spec=spec, failure=failure))
    return folder


def _listed(inside: Cli, *options: str) -> dict[str, dict[str, Any]]:
    done = inside("runs", "--format", "json", *options)
    assert done.code == 0, done.err
    return {row["id"]: row for row in json.loads(done.out)}


def test_every_run_of_the_folder_is_listed_once(inside: Cli, results: Path) -> None:
    found = _listed(inside)
    assert list(found) == ["aa0", "aa1", "aa2", "ee0", "ff0"]
    assert [row["status"] for row in found.values()] == ["ok", "diverged", "not run yet", "ok", "ok"]
    assert found["aa0"]["suites"] == ["one", "two"]
    assert (found["aa0"]["score"], found["aa0"]["value"], found["aa0"]["better"]) == ("first", 0.25, "higher")
    assert (found["aa1"]["score"], found["aa1"]["value"]) == (None, None)
    assert [id_ for id_, row in found.items() if row["earlier"]] == ["ee0"]
    free = found["ff0"]
    assert (free["suites"], free["origin"], free["loss"], free["seed"]) == ([], "s", "hinge + r1", 7)
    for id_, row in found.items():
        there = [path for path in (results / "runs" / id_).rglob("*") if path.is_file()]
        assert row["bytes"] == sum(path.stat().st_size for path in there)


def test_runs_are_chosen_by_suite_status_and_name(inside: Cli, results: Path) -> None:
    assert list(_listed(inside, "--status", "diverged")) == ["aa1"]
    assert list(_listed(inside, "--status", "not run yet", "--status", "diverged")) == ["aa1", "aa2"]
    assert list(_listed(inside, "--loss", "hinge+r1")) == ["ff0"]
    assert list(_listed(inside, "--loss", "minimax", "--status", "ok")) == ["aa0", "ee0"]
    assert list(_listed(inside, "--suite", "s")) == ["ff0"]
    two = _listed(inside, "--suite", "two")
    assert [(row["loss"], row["score"]) for row in two.values()] == [("plain", "second")], "as that suite has it"
    assert inside("runs", "--architecture", "net", "--suite", "one").code == 2, "the other suite calls it so"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--suite", "on"), "--suite: no run here has the suite 'on'. Did you mean 'one'?"),
        (("--loss", "minmax"), "--loss: no run here has the loss 'minmax'. Did you mean 'minimax'?"),
        (("--status", "dead"), "'dead' is not one of 'ok', 'diverged'"),
        (("--results", "nowhere"), "no results folder 'nowhere'"),
    ],
)
def test_what_is_not_there_is_named(inside: Cli, results: Path, options: tuple[str, str], said: str) -> None:
    done = inside("runs", *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_damaged_record_is_a_line_and_ends_with_4(inside: Cli, results: Path) -> None:
    (results / "runs" / "ff0" / "record.json").write_text("{")
    done = inside("runs", "--format", "csv")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(done.out))}
    assert (done.code, rows["ff0"]["status"], rows["aa0"]["status"]) == (4, "damaged", "ok")
    assert "ff0/record.json is damaged" in done.err
    assert inside("runs", "--status", "ok").code == 0, "only what is listed counts"


def test_the_text_names_runs_of_no_plan(inside: Cli, results: Path) -> None:
    text = inside("runs").out
    assert re.search(r"^ff0 .*no plan \(was s\)", text, flags=re.MULTILINE)
    assert re.search(r"^ee0 .*one \(earlier\)", text, flags=re.MULTILINE)
    assert text.endswith("; 1 in no plan: `ganbench clean` lists what can be removed\n")
    assert len(text.splitlines()) == 1 + 5 + 1, "a head, a line for each run, the sum"


def test_formats_agree(inside: Cli, results: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(inside("runs", "--format", "csv").out)))
    found = _listed(inside)
    assert [row["id"] for row in rows] == list(found)
    for row in rows:
        own = found[row["id"]]
        assert row["suites"] == "; ".join(own["suites"])
        assert row["value"] == ("" if own["value"] is None else repr(own["value"]))
        assert list(row) == list(own)


def test_sorted_by_score_the_best_is_first_on_each_dataset(tmp_path: Path, inside: Cli) -> None:
    fabricate(tmp_path / "results", Made(architectures=("mlp",), seeds=5, pictures=False, snapshots=0))
    rows = list(_listed(inside, "--sort", "score").values())
    digits = [row["value"] for row in rows if row["dataset"] == "digits" and row["value"] is not None]
    ring = [row["value"] for row in rows if row["dataset"] == "ring8" and row["value"] is not None]
    assert digits == sorted(digits)
    assert ring == sorted(ring, reverse=True)
    assert [row["dataset"] for row in rows] == sorted(row["dataset"] for row in rows)
    sizes = [row["bytes"] for row in _listed(inside, "--sort", "size").values()]
    assert sizes == sorted(sizes, reverse=True)
    ends = [row["ended"] or "" for row in _listed(inside, "--sort", "ended").values()]
    assert ends == sorted(ends, reverse=True)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_no_number_is_cut_at_any_width(tmp_path: Path, width: int) -> None:
    made = Made(losses=("minimax", LONG), architectures=("mlp", f"net-{LONG}"), nasty=True, pictures=False)
    fabricate(tmp_path, made)
    runs = RunList(Store(tmp_path)).runs
    text = lines(runs, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    words = set(text.split())
    for run in runs:
        assert run.id in words
        assert run.score is None or number(run.score.value) in words
        assert not run.bytes or file_size(run.bytes) in text
    assert "\u202e" not in text
    whole = lines(runs)
    assert len(whole.splitlines()) == len(runs) + 1
    assert all(cell in whole for column in columns(runs) for cell in column.cells)
