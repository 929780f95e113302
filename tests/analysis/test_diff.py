"""Differences between two folders are found and ordered, the worst first; equal folders have none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from factories import commit, make_card, make_evaluation, make_provenance, make_record, make_reference, make_spec
from plans import plan_reference, plan_row

from ganbench.analysis.diff import Side, changes
from ganbench.results.records import Cost, Evaluation, Failure, PluginOrigin, Provenance, Record, Verdict
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, load_plan, save_plan

Change = Callable[[Record], Record]
LEVELS = {"good": (9.0, 2.5), "poor": (1.0, 0.5)}


def _record(run_id: str, loss: str, seed: int, scores: dict[str, float]) -> Record:
    spec = make_spec(seed, loss, "net", "ring")
    plugins = {f"loss:{loss}": PluginOrigin("made-up", "1", "1", "abc")}
    record = make_record(run_id, scores, spec=spec, provenance=make_provenance(spec, plugins=plugins))
    return replace(record, evaluation=replace(record.evaluation, verdict=Verdict("ok", "ok")))


def _folder(
    root: Path, change: Change = lambda record: record, seeds: int = 6, ids: str = "", suite: str = "s",
    history: Callable[[Record], str] = lambda record: "step\n",
) -> Path:  # fmt: skip
    """A results folder of two variants; `change` edits each record before it is stored."""
    store, rows = Store(root), []
    for loss, (level, step) in LEVELS.items():
        runs = {seed: f"{loss}{seed}{ids}" for seed in range(seeds)}
        rows.append(plan_row(loss, "net", "ring", runs))
        for seed, id_ in runs.items():
            record = change(_record(id_, loss, seed, {"score": level + seed * step % 3 * 0.2, "other": 1.0}))
            folder = store.stage(id_)
            (folder / "history.csv").write_text(history(record))
            store.commit(record, folder)
    save_plan(root, SavedPlan(suite, "", "", tuple(rows), (), ()))
    return root


def _one(id_: str, **changes: Any) -> Change:
    return lambda record: replace(record, **changes) if record.id == id_ else record


def _scored(record: Record, scores: dict[str, float], **card: Any) -> Record:
    return replace(record, evaluation=replace(make_evaluation(scores, make_card(**card)), verdict=Verdict("ok", "ok")))


def _changes(a: Path, b: Path) -> list[tuple[str, str, str]]:
    return [(one.kind, one.where, one.text) for one in changes(_side(a), _side(b))]


def _side(folder: Path) -> Side:
    plan = load_plan(folder, "s")
    assert plan is not None
    return Side.read(folder, plan)


def test_a_folder_and_its_copy_are_the_same(inside: Cli, tmp_path: Path) -> None:
    a, b = _folder(tmp_path / "a"), _folder(tmp_path / "b")
    assert _changes(a, b) == []
    assert inside("diff", a, b).code == 0
    assert "The same results." in inside("diff", a, b).out


def test_another_machine_alone_does_not_make_results_different(inside: Cli, tmp_path: Path) -> None:
    def elsewhere(record: Record) -> Record:
        provenance = replace(record.provenance, libraries={"torch": "2.14"})
        return replace(record, provenance=provenance, cost=Cost(train_seconds=3.0))

    a, b = _folder(tmp_path / "a"), _folder(tmp_path / "b", elsewhere)
    assert _changes(a, b) == [("environment", "torch", "2.15 -> 2.14")]
    assert json.loads((ran := inside("diff", a, b, "--json")).out)["same"]
    assert ran.code == 0


def test_a_lost_lead_comes_first(inside: Cli, tmp_path: Path) -> None:
    a = _folder(tmp_path / "a")
    b = _folder(tmp_path / "b", lambda one: _scored(one, {"score": 1.2 + one.spec.seed * 0.1, "other": 1.0}))
    found = _changes(a, b)
    assert found[0] == ("conclusion", "ring", "first by score: good x net -> good x net and poor x net")
    assert ("conclusion", "ring", "tier and rank of poor x net: B 2-2 -> A 1-2") in found
    assert ("conclusion", "ring", "good x net no longer leads in score") in found
    (cell,) = [text for kind, where, text in found if kind == "cell" and where.startswith("good")]
    assert cell.startswith("score 9.25 [")
    assert "-> 1.45 [" in cell
    kinds = [kind for kind, _, _ in found]
    assert kinds == sorted(kinds, key=["conclusion", "cell", "content"].index)
    code, text, _ = inside("diff", a, b)
    assert code == 1
    assert text.index("Conclusions that changed") < text.index("outside the other's 95 % interval")
    assert "... and" in text  # more than ten runs are cut


def test_a_mean_that_stays_inside_the_interval_has_not_moved(tmp_path: Path) -> None:
    a = _folder(tmp_path / "a")
    b = _folder(
        tmp_path / "b",
        _one("good0", evaluation=_scored(_record("", "good", 0, {}), {"score": 9.01, "other": 1.0}).evaluation),
    )
    assert _changes(a, b) == [("content", "good x net on ring, seed 0", "score 9.000 -> 9.010")]


def test_another_end_and_other_files_of_the_same_run(tmp_path: Path) -> None:
    change = _one("good0", failure=Failure("diverged", "not finite"), evaluation=Evaluation())
    b = _folder(tmp_path / "b", change, history=lambda one: "step\n1\n" if one.id == "poor1" else "step\n")
    found = _changes(_folder(tmp_path / "a"), b)
    assert ("status", "good x net on ring, seed 0", "ok -> diverged (not finite)") in found
    assert ("content", "poor x net on ring, seed 1", "same scores, different content of history.csv") in found


def test_runs_of_only_one_folder(tmp_path: Path) -> None:
    a, b = _folder(tmp_path / "a", seeds=8), _folder(tmp_path / "b", seeds=6)
    assert ("only in A", "good x net on ring", "seeds 6-7") in _changes(a, b)
    assert ("only in B", "poor x net on ring", "seeds 6-7") in _changes(b, a)


def test_other_settings_are_named(tmp_path: Path) -> None:
    def slower(record: Record) -> Record:
        spec = replace(record.spec, train=replace(record.spec.train, steps=9))
        if spec.composition == "good":
            return replace(record, spec=spec)
        plugins = {"loss:poor": PluginOrigin("made-up", "1", "2", "d")}
        return replace(record, spec=spec, provenance=replace(record.provenance, protocol=4, plugins=plugins))

    found = _changes(_folder(tmp_path / "a"), _folder(tmp_path / "b", slower, ids="x"))
    assert ("settings", "good x net on ring", "train.steps 5 -> 9 (seeds 0-5)") in found
    text = "train.steps 5 -> 9; code of loss:poor 1 -> 2; protocol version 3 -> 4 (seeds 0-5)"
    assert ("settings", "poor x net on ring", text) in found


def test_scores_under_another_protocol_are_not_compared(tmp_path: Path) -> None:
    def other(record: Record) -> Record:
        return _scored(record, {"score": 3.0 + record.spec.seed}, fake_samples=50)

    found = _changes(_folder(tmp_path / "a"), _folder(tmp_path / "b", other))
    assert ("protocol", "ring", "score: fake_samples 100 -> 50") in found
    assert ("protocol", "ring", "other is only in A") in found
    assert "cell" not in {kind for kind, _, _ in found}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "nowhere"], "no results folder"),
        (["a", "empty"], "holds no suite"),
        (["a", "two"], "name one with --suite"),
        (["a", "two", "--suite", "t"], "suite 't' has not run in"),
        (["a", "a", *["--suite", "s"] * 3], "once, or twice"),
    ],
)  # fmt: skip
def test_wrong_use_is_reported(inside: Cli, tmp_path: Path, arguments: list[str], message: str) -> None:
    _folder(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    _folder(tmp_path / "two")
    _folder(tmp_path / "two", ids="y", suite="u")
    ran = inside("diff", *arguments)
    assert (ran.code, message in ran.err) == (2, True)


def test_one_suite_each_can_be_named(inside: Cli, tmp_path: Path) -> None:
    a = _folder(tmp_path / "a")
    _folder(a, suite="u")
    assert inside("diff", a, a, "--suite", "s", "--suite", "u").code == 0


def test_a_name_cannot_steer_the_terminal(inside: Cli, tmp_path: Path) -> None:
    a = _folder(tmp_path / "a")
    b = _folder(tmp_path / "b", _one("good0", failure=Failure("failed", "\x1b[31m"), evaluation=Evaluation()))
    assert "\x1b" not in inside("diff", a, b).out


def test_references_of_only_one_side_are_reported(tmp_path: Path) -> None:
    a, b = _folder(tmp_path / "a"), _folder(tmp_path / "b")
    commit(Store(a), make_reference("real", {"score": 9.5}))
    content = load_plan(a, "s")
    assert content is not None
    for folder in (a, b):
        save_plan(folder, replace(content, references=(plan_reference("ring", "real", "real"),)))
    assert ("only in A", "ring", "real data") in _changes(a, b)
    assert ("only in B", "ring", "real data") in _changes(b, a)


def test_a_failed_run_without_a_protocol_does_not_differ_in_it(tmp_path: Path) -> None:
    a = _folder(tmp_path / "a", ids="x")
    nothing: dict[str, Any] = {
        "failure": Failure("failed", "boom"),
        "evaluation": Evaluation(),
        "provenance": Provenance(),
    }
    b = _folder(tmp_path / "b", lambda one: replace(one, **nothing) if one.spec.composition == "good" else one)
    assert not any("protocol version" in text for _, _, text in _changes(a, b))
