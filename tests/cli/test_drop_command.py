"""`ganbench drop`, `table --only-plan`, `table --earlier`: what a table contains, and how that is changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Cli
from factories import commit, make_record, make_spec
from plans import plan_row

from ganbench.results.store import Store
from ganbench.suite.plan_file import PlanRow, SavedPlan, load_plan, save_plan

OWN, ADDED = "minimax", "hinge"


def _row(loss: str, own: tuple[int, ...]) -> PlanRow:
    """Two seeds of a loss, of which the suite asks for `own`."""
    runs = {seed: f"{loss}{seed}" for seed in (0, 1)}
    return replace(plan_row(loss, "mlp", "ring8", runs), evaluation="e0", content="c0", settings="s0", own=own)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A suite of one seed of one loss, to which a seed and a loss were added, and a run from before a change."""
    folder = tmp_path / "results"
    earlier = replace(_row(OWN, (0, 1)), content="c1", runs={0: "before"})
    save_plan(folder, SavedPlan("s", "", "", (_row(OWN, (0,)), _row(ADDED, ())), earlier=(earlier,)))
    runs = [(f"{loss}{seed}", loss, seed) for loss in (OWN, ADDED) for seed in (0, 1)]
    for run_id, loss, seed in [*runs, ("before", OWN, 0)]:
        spec = make_spec(seed, loss, "mlp", "ring8")
        spec = replace(spec, dataset=replace(spec.dataset, content="c1" if run_id == "before" else "c0"))
        commit(Store(folder), make_record(run_id, {"score": 9.0 if run_id == "before" else 1.0}, spec=spec))
    return folder


def _losses(inside: Cli, *options: str) -> dict[str, int]:
    """By loss, the seeds of a table."""
    done = inside("table", "--suite", "s", "--format", "json", *options)
    assert done.code == 0, done.err
    return {row["loss"]: row["n"] for row in json.loads(done.out)}


def test_a_table_has_what_was_added_and_only_plan_has_not(inside: Cli, results: Path) -> None:
    assert _losses(inside) == {OWN: 2, ADDED: 2}
    assert _losses(inside, "--only-plan") == {OWN: 1}
    assert _losses(inside) == {OWN: 2, ADDED: 2}, "the view changed the plan"


def test_runs_of_earlier_data_are_named_with_the_command_that_shows_them(inside: Cli, results: Path) -> None:
    said = "ot shown: 1 earlier run of other data; `ganbench table --suite s --earlier` shows them"
    assert said in inside("table", "--suite", "s").out.replace("\\`", "`")
    assert said in inside("table", "--suite", "s", "--format", "csv").err
    earlier = inside("table", "--suite", "s", "--earlier", "--format", "json")
    (row,) = json.loads(earlier.out)
    assert (row["dataset"], row["scores"]["score"]["values"]) == ("ring8 (data c1, evaluation e0)", [9.0])


@pytest.mark.parametrize("form", ["terminal", "csv"])
def test_the_command_that_shows_earlier_runs_names_the_results_folder(inside: Cli, results: Path, form: str) -> None:
    results.rename(results.with_name("other"))
    done = inside("table", "--suite", "s", "--results", "other", "--format", form)
    said = (done.out + done.err).replace("\\`", "`")
    assert "`ganbench table --suite s --results other --earlier` shows them" in said


def test_what_was_added_is_dropped_and_its_runs_stay(inside: Cli, results: Path) -> None:
    done = inside("drop", f"loss={ADDED}", "--suite", "s")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"1 row of loss={ADDED} dropped from the table of s; the runs stay in results/runs\n"
    assert _losses(inside) == {OWN: 2}
    assert ADDED not in (results / "s" / "table.md").read_text()
    assert (results / "runs" / f"{ADDED}0" / "record.json").is_file()


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (f"loss={OWN}", "is in suite 's' itself"),
        ("loss=hing", "has no loss 'hing'. Did you mean 'hinge'?"),
        ("dataset=ring9", "has no dataset 'ring9'"),
        ("seed=1", "unknown kind 'seed'"),
        (ADDED, "write loss=NAME, architecture=NAME, dataset=NAME or external=LABEL"),
    ],
)
def test_what_cannot_be_dropped_is_said_in_one_sentence(inside: Cli, results: Path, what: str, text: str) -> None:
    before = load_plan(results, "s")
    done = inside("drop", what, "--suite", "s")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert text in done.err
    assert load_plan(results, "s") == before


def test_without_earlier_runs_there_is_nothing_to_show(inside: Cli, results: Path) -> None:
    plan = load_plan(results, "s")
    assert plan is not None
    save_plan(results, replace(plan, earlier=()))
    done = inside("table", "--suite", "s", "--earlier")
    assert (done.code, "has no earlier rows" in done.err) == (2, True)


def test_a_published_report_names_no_run_that_it_does_not_hold_and_stays_as_it_is(
    inside: Cli, results: Path, tmp_path: Path
) -> None:
    published = inside("publish", "--suite", "s", "--to", "site")
    assert published.out.startswith("site/index.html: the report of s, 4 runs")
    plan = load_plan(tmp_path / "site", "s")
    assert plan is not None
    assert {id_ for row in plan.rows for id_ in row.runs.values()} == {
        path.name for path in (tmp_path / "site" / "runs").iterdir()
    }
    assert plan.earlier == ()
    assert "ot shown" not in (tmp_path / "site" / "s" / "table.md").read_text()
    done = inside("drop", f"loss={ADDED}", "--suite", "s", "--results", "site")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "is a published report" in done.err
    assert load_plan(tmp_path / "site", "s") == plan
