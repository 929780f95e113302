"""What changed between two folders is found, the worst is said first, and nothing is made of nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganbench.analysis.diff import Side, changes
from ganbench.results.record_json import SCHEMA
from ganbench.results.store import Store
from ganbench.suite.plan_file import PlanRow, SavedPlan, load_plan, save_plan

Change = Callable[[dict[str, Any]], Any]
LEVELS = {"good": (9.0, 2.5), "poor": (1.0, 0.5)}
CARD = {
    "metric": {"name": "m", "params": {}},
    "better": "higher",
    "fake_samples": 100,
    "real_samples": 100,
    "split": "train",
}


def _folder(root: Path, change: Change = lambda record: None, seeds: int = 6, ids: str = "", suite: str = "s") -> Path:
    """A results folder of two variants; `change` edits each record before it is stored."""
    store, rows = Store(root), []
    for loss, (level, step) in LEVELS.items():
        runs = {seed: f"{loss}{seed}{ids}" for seed in range(seeds)}
        rows.append(PlanRow(loss, "net", "ring", runs))
        for seed, id_ in runs.items():
            record = {
                "schema": SCHEMA, "id": id_, "suite": suite, "status": "ok", "reason": "",
                "spec": {"loss": {"name": loss, "params": {}}, "seed": seed, "train": {"steps": 5}},
                "metrics": {"score": level + seed * step % 3 * 0.2, "other": 1.0},
                "cards": {"score": CARD, "other": CARD},
                "verdict": {"fault": "ok", "text": "ok", "by": {}},
                "provenance": {"python": "3.11", "libraries": {"torch": "2.15"}, "protocol": 2,
                               "plugins": {f"loss:{loss}": {"code": "1", "source": "abc", "version": "1"}}},
            }  # fmt: skip
            change(record)
            folder = store.stage(id_)
            (folder / "history.csv").write_text(record.pop("history", "step\n"))
            store.commit(record, folder)
    save_plan(root, SavedPlan(suite, "", "", tuple(rows), (), ()))
    return root


def _of(loss: str, **changes: Any) -> Change:
    return lambda record: record.update(changes) if record["spec"]["loss"]["name"] == loss else None


def _one(id_: str, **changes: Any) -> Change:
    return lambda record: record.update(changes) if record["id"] == id_ else None


def _changes(a: Path, b: Path) -> list[tuple[str, str, str]]:
    sides = (Side.read(folder, load_plan(folder, "s")) for folder in (a, b))
    return [(one.kind, one.where, one.text) for one in changes(*sides)]


def test_a_folder_and_its_copy_are_the_same(cli, tmp_path: Path) -> None:
    a, b = _folder(tmp_path / "a"), _folder(tmp_path / "b")
    assert _changes(a, b) == []
    assert cli("diff", a, b).code == 0
    assert "The same results." in cli("diff", a, b).out


def test_another_machine_alone_is_no_difference_of_results(cli, tmp_path: Path) -> None:
    def elsewhere(record: dict[str, Any]) -> None:
        record["provenance"]["libraries"]["torch"] = "2.14"
        record["cost"] = {"train_seconds": 3.0}

    a, b = _folder(tmp_path / "a"), _folder(tmp_path / "b", elsewhere)
    assert _changes(a, b) == [("environment", "torch", "2.15 -> 2.14")]
    assert json.loads((ran := cli("diff", a, b, "--json")).out)["same"]
    assert ran.code == 0


def test_who_leads_no_longer_is_said_first(cli, tmp_path: Path) -> None:
    a = _folder(tmp_path / "a")
    b = _folder(tmp_path / "b", lambda record: record["metrics"].update(score=1.2 + record["spec"]["seed"] * 0.1))
    found = _changes(a, b)
    assert found[0] == ("conclusion", "ring", "first by score: good x net -> good x net and poor x net")
    assert ("conclusion", "ring", "rank of poor x net: 2 -> 1") in found
    assert ("conclusion", "ring", "good x net no longer leads in score") in found
    (cell,) = [text for kind, where, text in found if kind == "cell" and where.startswith("good")]
    assert cell.startswith("score 9.25 [")
    assert "-> 1.45 [" in cell
    kinds = [kind for kind, _, _ in found]
    assert kinds == sorted(kinds, key=["conclusion", "cell", "content"].index)
    code, text, _ = cli("diff", a, b)
    assert code == 1
    assert text.index("Conclusions that changed") < text.index("left the other's 95 % interval")
    assert "... and" in text  # twelve runs are more than one screen wants


def test_a_mean_that_stays_inside_the_interval_has_not_moved(tmp_path: Path) -> None:
    a = _folder(tmp_path / "a")
    b = _folder(tmp_path / "b", _one("good0", metrics={"score": 9.01, "other": 1.0}))
    assert _changes(a, b) == [("content", "good x net on ring, seed 0", "score 9.000 -> 9.010")]


def test_another_end_and_other_files_of_the_same_run(tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        _one("good0", status="diverged", reason="not finite", metrics={}, cards={})(record)
        _one("poor1", history="step\n1\n")(record)

    found = _changes(_folder(tmp_path / "a"), _folder(tmp_path / "b", change))
    assert ("status", "good x net on ring, seed 0", "ok -> diverged (not finite)") in found
    assert ("content", "poor x net on ring, seed 1", "same scores, other bytes of history.csv") in found


def test_runs_that_one_folder_alone_has(tmp_path: Path) -> None:
    a, b = _folder(tmp_path / "a", seeds=8), _folder(tmp_path / "b", seeds=6)
    assert ("only in A", "good x net on ring", "seeds 6-7") in _changes(a, b)
    assert ("only in B", "poor x net on ring", "seeds 6-7") in _changes(b, a)


def test_other_settings_are_named(tmp_path: Path) -> None:
    def slower(record: dict[str, Any]) -> None:
        record["spec"]["train"]["steps"] = 9
        _of("poor", provenance={"protocol": 3, "plugins": {"loss:poor": {"code": "2", "source": "d"}}})(record)

    found = _changes(_folder(tmp_path / "a"), _folder(tmp_path / "b", slower, ids="x"))
    assert ("settings", "good x net on ring", "train.steps 5 -> 9 (seeds 0-5)") in found
    text = "train.steps 5 -> 9; code of loss:poor 1 -> 2; protocol version 2 -> 3 (seeds 0-5)"
    assert ("settings", "poor x net on ring", text) in found


def test_scores_under_another_protocol_are_not_compared(tmp_path: Path) -> None:
    def other(record: dict[str, Any]) -> None:
        record["cards"] = {"score": {**CARD, "fake_samples": 50}}
        record["metrics"] = {"score": 3.0 + record["spec"]["seed"]}

    found = _changes(_folder(tmp_path / "a"), _folder(tmp_path / "b", other))
    assert ("protocol", "ring", "score: fake_samples 100 -> 50") in found
    assert ("protocol", "ring", "other is only in A") in found
    assert "cell" not in {kind for kind, _, _ in found}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["a", "nowhere"], "no folder"), (["a", "empty"], "holds no suite"), (["a", "two"], "name one with --suite"),
     (["a", "two", "--suite", "t"], "suite 't' is not in"), (["a", "a", *["--suite", "s"] * 3], "once, or twice")],
)  # fmt: skip
def test_wrong_use_is_said(cli, tmp_path: Path, arguments: list[str], said: str) -> None:
    _folder(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    _folder(tmp_path / "two")
    _folder(tmp_path / "two", ids="y", suite="u")
    ran = cli("diff", *arguments)
    assert (ran.code, said in ran.err) == (2, True)


def test_one_suite_each_can_be_named(cli, tmp_path: Path) -> None:
    a = _folder(tmp_path / "a")
    _folder(a, suite="u")
    assert cli("diff", a, a, "--suite", "s", "--suite", "u").code == 0


def test_a_name_cannot_steer_the_terminal(cli, tmp_path: Path) -> None:
    a = _folder(tmp_path / "a")
    b = _folder(tmp_path / "b", _one("good0", status="failed", reason="\x1b[31m", metrics={}, cards={}))
    assert "\x1b" not in cli("diff", a, b).out


def test_yardsticks_that_one_side_alone_has_are_told(tmp_path: Path) -> None:
    a, b = _folder(tmp_path / "a"), _folder(tmp_path / "b")
    store = Store(a)
    record = {
        "schema": SCHEMA, "id": "real", "suite": None, "status": "ok", "reason": "",
        "spec": {"reference": "real", "evaluation": {"samples": 100}},
        "metrics": {"score": 9.5}, "cards": {"score": CARD}, "provenance": {}, "samples": 100, "notes": [],
    }  # fmt: skip
    store.commit(record, store.stage("real"), references=True)
    content = load_plan(a, "s")
    assert content is not None
    for folder in (a, b):
        save_plan(folder, replace(content, references=(("ring", "real", "real"),)))
    assert ("only in A", "ring", "real data") in _changes(a, b)
    assert ("only in B", "ring", "real data") in _changes(b, a)


def test_a_failed_run_states_no_protocol_and_none_is_said_to_differ(tmp_path: Path) -> None:
    a = _folder(tmp_path / "a", ids="x")
    b = _folder(tmp_path / "b", _of("good", status="failed", reason="boom", metrics={}, cards={}, provenance={}))
    assert not any("protocol version" in text for _, _, text in _changes(a, b))
