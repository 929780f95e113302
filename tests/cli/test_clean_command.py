"""`ganbench clean`: it removes what no plan needs and nothing else, follows no link, and asks first."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import Cli
from factories import commit, make_record, make_reference, make_spec
from plans import plan_reference, plan_row, search_row

from ganbench.formatting import file_size
from ganbench.results import live
from ganbench.results.records import Failure
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, save_plan
from ganbench.suite.search import RowDraw, SavedSearch, save_search

WEIGHTS = "weights.safetensors"
OLD_S = 7200


def _run(store: Store, run_id: str, seed: int = 0, failure: Failure | None = None, evaluated: bool = True) -> None:
    """A run with weights in a results folder."""
    record = make_record(run_id, spec=make_spec(seed, "minimax", "mlp", "ring8"), failure=failure)
    record = record if evaluated else replace(record, evaluation_id=None)
    with store.writing():
        staged = store.stage(run_id)
        (staged / WEIGHTS).write_bytes(run_id.encode())
        sums = {WEIGHTS: sha256(run_id.encode()).hexdigest()}
        store.commit(replace(record, files=sums), staged)


def _checkpoint(store: Store, run_id: str) -> Path:
    path = store.checkpoints / run_id / "000000050-0123456789abcdef.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"state")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A suite of five runs, an earlier one and one of a search; two runs and a reference of no plan."""
    store = Store(tmp_path / "results")
    runs = {0: "a0", 1: "a1", 2: "a2", 3: "a3", 4: "a4"}
    row = replace(plan_row("minimax", "mlp", "ring8", runs), evaluation="e0")
    earlier = replace(plan_row("minimax", "mlp", "ring8", {0: "b0"}), evaluation="e0", content="c1")
    references = (plan_reference("ring8", "real", "r0"),)
    save_plan(store.root, SavedPlan("s", "", "", (row,), references, earlier=(earlier,)))
    draws = (RowDraw(0, {}, {0: "d0"}, "e0"),)
    save_search(store.root, SavedSearch("s+search", "", "", (search_row("minimax", "mlp", "ring8", draws),), ()))
    for seed, run_id in enumerate(("a0", "a1")):
        _run(store, run_id, seed)
    _run(store, "a2", 2, Failure("timeout", "no result after 60 s"))
    _run(store, "a3", 3, evaluated=False)
    for run_id in ("b0", "d0", "f0", "f1"):
        _run(store, run_id)
    commit(store, make_reference("r0"), make_reference("r1"))
    return store


def _files(store: Store) -> set[str]:
    return {path.relative_to(store.root).as_posix() for path in store.root.rglob("*") if path.name != ".lock"}


def _found(inside: Cli, *options: str) -> dict[str, str]:
    """What is listed or removed: path below the results folder and kind."""
    done = inside("clean", "--json", *options)
    assert done.code == 0, done.err
    content = json.loads(done.out)
    assert content["removed"] == ("--yes" in options)
    assert content["bytes"] == sum(one["bytes"] for one in content["items"])
    return {Path(one["path"]).relative_to("results").as_posix(): one["kind"] for one in content["items"]}


def test_what_no_plan_refers_to_is_listed_and_removed_only_on_demand(inside: Cli, store: Store) -> None:
    before = _files(store)
    wanted = {"runs/f0": "run", "runs/f1": "run", "references/r1": "reference"}
    assert _found(inside) == wanted
    assert _files(store) == before, "a dry run changes nothing"
    assert not (store.root / ".lock").stat().st_size
    text = inside("clean").out
    size = sum(path.stat().st_size for name in wanted for path in (store.root / name).rglob("*") if path.is_file())
    total = f"2 runs, 1 reference: {file_size(size)} ({size:,} bytes)"
    assert text.endswith(f"{total} can be removed; --yes removes them\n")
    assert _found(inside, "--yes") == wanted
    gone = before - _files(store)
    assert {"/".join(path.split("/")[:2]) for path in gone} == set(wanted)
    assert inside("clean").out == "nothing in results can be removed\n"
    assert inside("runs", "--status", "ok").code == 0


def test_checkpoints_of_runs_that_have_ended_are_removed(inside: Cli, store: Store) -> None:
    """Not those of runs that would go on: one that timed out, and one that has not ended."""
    kept = [_checkpoint(store, run_id) for run_id in ("a2", "a4")]
    gone = [_checkpoint(store, run_id) for run_id in ("a0", "a3", "cc")]
    (store.runs / "f0" / "record.json").write_text("{")
    kept.append(_checkpoint(store, "f0"))  # of a run that cannot be read, nothing is known
    found = _found(inside, "--yes")
    assert {path for path, kind in found.items() if kind == "checkpoint"} == {
        ".checkpoints/a0", ".checkpoints/a3", ".checkpoints/cc",
    }  # fmt: skip
    assert [path.exists() for path in (*kept, *gone)] == [True] * 3 + [False] * 3


def test_weights_go_only_on_demand_and_only_where_scores_are_complete(inside: Cli, store: Store) -> None:
    snapshot = store.runs / "a0" / "snapshot-000000050.safetensors"
    snapshot.write_bytes(b"s")
    found = _found(inside, "--weights", "--yes")
    weights = {path for path, kind in found.items() if kind == "weights"}
    names = {f"runs/{id_}/{WEIGHTS}" for id_ in ("a0", "a1", "b0", "d0")}
    assert weights == names | {"runs/a0/snapshot-000000050.safetensors"}
    left = {path.parent.name for path in store.runs.glob(f"*/{WEIGHTS}")}
    assert left == {"a2", "a3"}, "one timed out, one has no scores yet: their weights are needed"
    record = store.run("a0", "e0")
    assert record is not None
    assert record.evaluated


def test_filters_limit_what_is_removed_to_these_runs(inside: Cli, store: Store) -> None:
    _checkpoint(store, "a0")
    assert _found(inside, "--suite", "s", "--status", "ok", "--dataset", "ring8") == {
        "runs/f0": "run", "runs/f1": "run", ".checkpoints/a0": "checkpoint",
    }  # fmt: skip
    assert _found(inside, "--status", "timeout", "--weights") == {}
    assert inside("clean", "--loss", "minmax").code == 2


def test_what_killed_commands_left_is_removed(inside: Cli, store: Store) -> None:
    dead = {**live.process(), "pid": 2**22 + 1, "schema": 1, "suite": "s", "updated": live.now()}
    (store.root / live.NAME).write_text(json.dumps(dead))
    staged = store.stage("a4") / "samples.png"
    staged.write_bytes(b"p")
    half = store.runs / "a0" / "scores" / ".e0.json.abc123_9"
    fresh = store.root / "s" / ".table.md.abcd1234"
    others = store.runs / "a0" / ".notes.of.mine"
    for path in (half, fresh, others):
        path.write_text("half")
    os.utime(half, (time.time() - OLD_S,) * 2)
    kept = _checkpoint(store, "a4")
    aside = kept.with_name("000000100-0123456789abcdef.safetensors.damaged")
    aside.write_text("no state")
    left = {".live.json", ".staging/a4", "runs/a0/scores/.e0.json.abc123_9", f".checkpoints/a4/{aside.name}"}
    assert {path for path, kind in _found(inside).items() if kind == "leftover"} == left
    assert {path for path, kind in _found(inside, "--yes").items() if kind == "leftover"} == left
    assert not any(path.exists() for path in (store.root / live.NAME, staged, half, aside))
    assert kept.exists(), "the run goes on from it"
    assert fresh.exists(), "perhaps a command writes it at this moment"
    assert others.exists(), "no file of ganbench"


def test_what_goes_with_its_folder_is_listed_once(inside: Cli, store: Store) -> None:
    half = store.runs / "f0" / ".record.json.abc123_9"
    half.write_text("half")
    os.utime(half, (time.time() - OLD_S,) * 2)
    _checkpoint(store, "a0").with_suffix(".safetensors.damaged").write_text("no state")
    listed = {"runs/f0", "runs/f1", "references/r1", ".checkpoints/a0"}
    assert set(_found(inside, "--weights")) == listed | {f"runs/{id_}/{WEIGHTS}" for id_ in ("a0", "a1", "b0", "d0")}
    assert set(_found(inside, "--yes")) == listed
    assert not half.exists()


def test_a_run_that_was_set_aside_is_put_back_not_removed(inside: Cli, store: Store) -> None:
    aside = store.stage("a1.old/runs")
    (store.runs / "a1").rename(aside / "a1")
    assert "leftover" not in _found(inside).values()
    _found(inside, "--yes")
    assert store.run("a1") is not None


def test_no_link_is_followed(inside: Cli, store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    shutil.move(store.runs / "f0", outside)
    (store.runs / "f0").symlink_to(outside)
    inner = tmp_path / "inner.txt"
    inner.write_text("mine")
    (store.runs / "f1" / "link.txt").symlink_to(inner)
    (store.runs / "f1" / "folder").symlink_to(outside)
    done = inside("clean", "--yes")
    assert done.code == 0
    assert "runs/f0 is a link, or is reached through one; left alone" in done.err
    assert sorted(path.name for path in outside.iterdir()) == ["record.json", "scores", WEIGHTS]
    assert inner.read_text() == "mine"
    assert not (store.runs / "f1").exists()
    assert (store.runs / "f0").is_symlink()


@pytest.mark.parametrize("name", ["runs", "references", ".checkpoints", ".staging"])
def test_a_folder_that_is_a_link_is_left_alone(inside: Cli, store: Store, tmp_path: Path, name: str) -> None:
    _checkpoint(store, "a0")
    store.staging.mkdir(exist_ok=True)
    there = tmp_path / "elsewhere"
    shutil.move(store.root / name, there)
    (store.root / name).symlink_to(there)
    before = sorted(there.rglob("*"))
    done = inside("clean", "--weights", "--yes")
    assert sorted(there.rglob("*")) == before
    assert done.code == (2 if name == ".staging" else 0), "nothing is moved to a stage that is elsewhere"


def test_the_results_folder_itself_may_be_a_link(inside: Cli, store: Store, tmp_path: Path) -> None:
    (tmp_path / "short").symlink_to(store.root)
    assert inside("clean", "--yes", "--results", "short").code == 0
    assert not (store.runs / "f0").exists()


@pytest.fixture
def running(store: Store) -> Iterator[None]:
    """This process runs a suite in the folder."""
    state = {**live.process(), "schema": 1, "suite": "s", "updated": live.now(), "state": "running"}
    with store.writing():
        (store.root / live.NAME).write_text(json.dumps(state))
        yield


@pytest.mark.usefixtures("running")
def test_nothing_is_removed_while_a_suite_runs(inside: Cli, store: Store) -> None:
    _checkpoint(store, "a4")
    _checkpoint(store, "cc")
    store.stage("a4")
    before = _files(store)
    done = inside("clean", "--yes")
    assert (done.code, done.out) == (3, "")
    assert "another ganbench run is writing to results" in done.err
    listed = inside("clean", "--weights")
    assert listed.code == 0
    assert "a suite is running in results" in listed.err
    assert not {"leftover", "checkpoint", "weights"} & {line.split()[0] for line in listed.out.splitlines()}
    assert _files(store) == before


def test_without_a_readable_plan_nothing_is_known(inside: Cli, store: Store) -> None:
    plan = store.root / "s" / "plan.json"
    plan.write_text(plan.read_text().replace("minimax", "minimum"))
    before = _files(store)
    assert inside("clean", "--yes").code == 4
    plan.unlink()
    shutil.rmtree(store.root / "s+search")
    done = inside("clean", "--yes")
    assert done.code == 2
    assert "no suite has a plan in results" in done.err
    assert {path for path in before if path.startswith("runs")} <= _files(store)


def test_a_published_report_is_refused(inside: Cli, store: Store) -> None:
    (store.root / "manifest.json").write_text("{}")
    done = inside("clean")
    assert done.code == 2
    assert "is a published report" in done.err


def test_no_file_may_say_yes(inside: Cli, store: Store, tmp_path: Path) -> None:
    (tmp_path / "ganbench.toml").write_text("[clean]\nyes = true\n")
    done = inside("clean")
    assert done.code == 2
    assert "clean: 'yes' removes results" in done.err
    assert (store.runs / "f0").exists()
