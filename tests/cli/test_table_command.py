"""`ganbench table`: what cannot be written is printed all the same; every format has the columns that are asked for."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from conftest import Cli
from factories import commit, make_record
from plans import plan_row

from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, save_plan

PUBLISHED = Path(__file__).parents[2] / "results" / "published" / "baseline"
NAMES = ["dataset", "loss", "architecture", "kind"]
SCORE = ["score", "better", "score_kind", "mean", "low", "high"]
WHOLE = json.loads((PUBLISHED / "baseline" / "table.json").read_text())


def test_a_table_that_cannot_be_written_is_printed(inside: Cli, tmp_path: Path) -> None:
    results = tmp_path / "results"
    commit(Store(results), make_record("a1"))
    save_plan(results, SavedPlan("s", "", "", (plan_row("game", "net", "points", {0: "a1"}),)))
    (results / "s" / "table.md" / "in the way").mkdir(parents=True)
    done = inside("table", "--suite", "s")
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert "| game x net " in done.out
    assert "the tables are not written to results/s: " in done.err


def _printed(inside: Cli, form: str, *options: str) -> str:
    done = inside("table", "--suite", "baseline", "--results", PUBLISHED, "--format", form, *options)
    assert done.code == 0, done.err
    return done.out


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ("ok,modes", ["n_ok", "n", *SCORE, "values", "protocol"]),
        ("tier,HQ", [*SCORE, "tier", "faulty", "values", "protocol"]),
        ("verdict,rank", ["verdict", "rank_low", "rank_high"]),
        ("HQ", [*SCORE, "values", "protocol"]),
    ],
)
def test_csv_has_the_columns_that_are_asked_for(inside: Cli, columns: str, fields: list[str]) -> None:
    text = _printed(inside, "csv", "--columns", columns)
    lines = list(csv.DictReader(io.StringIO(text)))
    assert list(lines[0]) == ["suite", *NAMES, *fields]
    scores = {name for name in columns.split(",") if name in ("modes", "HQ")}
    assert {line["score"].split("[")[0] for line in lines if line.get("score")} == scores
    mixtures = [row for row in WHOLE if row["dataset"] != "digits"]
    shown = [line for line in lines if line["dataset"] != "digits"]
    assert [[line[name] for name in NAMES] for line in shown] == [[row[name] for name in NAMES] for row in mixtures]
    if "tier" in fields:
        assert [line["tier"] or None for line in shown] == [row["tier"] for row in mixtures]
    if "rank_low" in fields:
        assert [line["rank_low"] for line in shown] == [str(row["rank"][0]) if row["rank"] else "" for row in mixtures]


@pytest.mark.parametrize(
    ("columns", "keys"),
    [
        ("ok,modes", {"n_ok", "n", "scores"}),
        ("tier", {"tier", "faulty"}),
        ("rank,verdict", {"rank", "verdict"}),
        ("HQ", {"scores"}),
    ],
)
def test_json_has_the_columns_that_are_asked_for(inside: Cli, columns: str, keys: set[str]) -> None:
    rows = json.loads(_printed(inside, "json", "--columns", columns))
    asked = [row for row in WHOLE if "scores" not in keys or row["dataset"] != "digits"]
    found = [row for row in rows if "scores" not in keys or row["dataset"] != "digits"]
    wanted = columns.split(",")
    for row in asked:
        row = {key: row[key] for key in (*NAMES, *keys)}
        if "scores" in keys:
            row["scores"] = {name: row["scores"][name] for name in wanted if name in row["scores"]}
        assert row in found
    assert len(found) == len(asked)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_metric_narrows_the_scores_and_keeps_the_rest(inside: Cli, form: str) -> None:
    text = _printed(inside, form, "--metric", "HQ")
    if form == "csv":
        whole = list(csv.DictReader(io.StringIO(_printed(inside, form))))
        assert list(csv.DictReader(io.StringIO(text))) == [line for line in whole if line["score"] == "HQ"]
    else:
        assert json.loads(text) == [
            {**row, "scores": {name: own for name, own in row["scores"].items() if name == "HQ"}} for row in WHOLE
        ]


@pytest.mark.parametrize("view", [("--format", "overall"), ("--reach", "modes=8")])
@pytest.mark.parametrize("option", [("--metric", "HQ"), ("--columns", "ok"), ("--sort", "name"), ("--wide",)])
def test_what_has_no_columns_refuses_a_choice_of_them(
    inside: Cli, view: tuple[str, ...], option: tuple[str, ...]
) -> None:
    done = inside("table", "--suite", "baseline", "--results", PUBLISHED, *view, *option)
    with_ = "--reach" if "--reach" in view else "--format overall"
    assert (done.code, done.out) == (2, "")
    assert done.err.strip().endswith(f"{option[0]} applies to a suite's table; with {with_}, leave it out")
