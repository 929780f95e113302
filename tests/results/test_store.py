"""The store and its tables: no result is lost, no markup is injected, no claim is made from too few seeds."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from factories import make_card, make_evaluation, make_record
from plans import plan_reference, plan_row, skipped

from ganbench.analysis import tables
from ganbench.api.results import Results
from ganbench.errors import MissingError, ResultsError
from ganbench.formatting import number
from ganbench.registry.choice import Choice
from ganbench.report.latex.paper import latex
from ganbench.report.text import formats
from ganbench.report.text.csv import csv_text
from ganbench.report.text.markdown import markdown
from ganbench.report.text.terminal import View, show
from ganbench.results.record_json import SCHEMA
from ganbench.results.records import Failure, Provenance, Record
from ganbench.results.store import Store
from ganbench.runner.run_record import without_local_paths
from ganbench.suite.plan_file import SavedPlan, load_plan, save_plan


def _commit(store: Store, record: Record, **files: str) -> None:
    folder = store.stage(record.id)
    for name, text in files.items():
        (folder / name).write_text(text)
    store.commit(record, folder)


def _scores(store: Store, run_id: str) -> Mapping[str, float]:
    record = store.run(run_id)
    assert record is not None
    return record.evaluation.metrics


def test_a_record_is_committed_whole_with_sums_of_its_files(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        _commit(store, make_record("a1"), history="x")
    found = store.run("a1")
    assert found is not None
    assert found.files == {"history": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}
    assert store.run("b2") is None
    assert [path.name for path in store.find("a")] == ["a1"]
    assert not store.staging.exists()


def test_a_newer_result_replaces_the_older_as_a_whole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        _commit(store, make_record("a1"), old="x")
        _commit(store, make_record("a1", {"score": 2.0}), new="y")
    assert _scores(store, "a1") == {"score": 2.0}
    assert sorted(path.name for path in (tmp_path / "runs" / "a1").iterdir()) == ["new", "record.json", "scores"]


def test_nan_never_becomes_invalid_json(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(ValueError, match="JSON compliant"), store.writing():
        _commit(store, make_record("a1", {"score": math.nan}))
    assert store.run("a1") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"id": 1}',
        "[]",
        '{"schema": "2", "id": "a", "status": "ok", "metrics": {}, "cards": {}}',
        '{"schema": 1, "id": "a", "status": "fine", "metrics": {}, "cards": {}}',
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "runs" / "a1"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(text)
    with pytest.raises(ResultsError, match=r"record\.json is damaged"):
        Store(tmp_path).run("a1")


def test_a_record_in_the_folder_of_another_run_is_never_shown_as_that_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _commit(store, make_record("a1"))
    _commit(store, make_record("b2"))
    shutil.rmtree(store.runs / "b2")
    shutil.copytree(store.runs / "a1", store.runs / "b2")
    assert Store(tmp_path).run("a1") is not None
    for read in (lambda: Store(tmp_path).run("b2"), Store(tmp_path).all_runs, lambda: Store(tmp_path).only("b2")):
        with pytest.raises(
            ResultsError, match=r"b2/record\.json is damaged \(its id is 'a1', that of another folder\)"
        ):
            read()


def test_a_kill_in_the_middle_of_a_replacement_loses_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        _commit(store, make_record("a1"))
    aside = store.staging / "a1.old" / "runs"
    aside.mkdir(parents=True)
    (store.runs / "a1").rename(aside / "a1")  # moved aside, and then the power went
    with store.writing():
        assert _scores(store, "a1") == {"score": 1.0}
    assert not store.staging.exists()


def test_a_newer_schema_is_not_guessed_at(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        _commit(store, make_record("a1"))
    path = store.runs / "a1" / "record.json"
    path.write_text(path.read_text().replace(f'"schema": {SCHEMA}', f'"schema": {SCHEMA + 1}'))
    with pytest.raises(ResultsError, match="newer ganbench"):
        store.run("a1")


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with (
        Store(tmp_path).writing(),
        pytest.raises(MissingError, match="another ganbench run"),
        Store(tmp_path).writing(),
    ):
        pass


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match="cannot be written"), Store(tmp_path / "file").writing():
        pass


def test_a_significant_lead_is_bold_in_every_format(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        for name, level in (("a", 1.0), ("b", 9.0)):
            for seed in range(5):
                _commit(store, make_record(f"{name}{seed}", {"score": level + abs(seed - 4 * (name == "b")) / 10}))
    rows = tuple(plan_row(name, "mlp", "ring8", {seed: f"{name}{seed}" for seed in range(5)}) for name in "ab")
    layout = SavedPlan("s", "", "", rows, (), ())
    built = tables.build(layout, store)
    assert "**9.20 ± 0.20**" in markdown(layout, built)
    assert "**1.20" not in markdown(layout, built)
    assert r"\textbf{9.20} & \gbsmall{$\pm$ 0.20}\,\gbup{A}" in latex(layout, built)
    with store.writing():
        _commit(store, make_record("b4", failure=Failure("diverged", "x")))
    _, table = markdown(layout, tables.build(layout, store)).split("## ring8")
    assert "**" not in table  # the failed seed counts as the worst
    assert [(row["loss"], row["tier"], row["rank"]) for row in json.loads(formats.json_text(layout, built))] == [
        ("b", "A", [1, 1]),
        ("a", "B", [2, 2]),
    ]


EVIL = "<script>alert(1)</script>|`x`_$%&#{}~^\\"


def _layout(store: Store, loss: str = "minimax", note: str = "") -> SavedPlan:
    with store.writing():
        for seed, value in enumerate([1.0, 2.0, 4.0]):
            _commit(store, make_record(f"a{seed}", {"score": value}))
        _commit(store, make_record("a3", failure=Failure("failed", note or "boom")))
    row = plan_row(loss, "mlp", "ring8", {seed: f"a{seed}" for seed in range(5)})
    return SavedPlan("s", "", "", (row,), (), (skipped("minimax", "dcgan", "ring8", "needs images"),))


def test_a_table_shows_means_intervals_and_what_failed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    layout = _layout(store)
    (table,) = tables.build(layout, store)
    row = table.rows[0]
    assert (row.n_ok, row.n, row.failed) == (3, 5, 1)
    assert row.scores["score"].values == (1.0, 2.0, 4.0)
    assert set(row.notes) == {"1 of 5 seeds failed: boom", "1 of 5 seeds not run yet"}
    text = markdown(layout, [table])
    assert "| minimax x mlp" in text
    assert "3/5" in text
    assert "| 1.00-4.00 (3 seeds) |" in text
    assert (row.scores["score"].low, row.scores["score"].high) == (None, None)
    assert "score ↑" in text
    assert "not applicable: needs images" in text
    assert "too few seeds for a claim" in text


def test_scores_that_a_metric_lost_are_one_note_per_reason(tmp_path: Path) -> None:
    """The note names the table's columns, or the metric if it gave no score anywhere; the seed counts as the worst."""
    store = Store(tmp_path)
    card = make_card(metric=Choice("kid"), better="lower")
    with store.writing():
        for seed in range(8):
            for variant, value in (("a", 1.0 + seed / 10), ("b", 2.0 + seed / 10)):
                missing = {"other": "boom"} if variant == "a" else {}
                scores = {"FID": 3.0, "KID": value}
                if variant == "b" and seed > 5:
                    scores, missing = {"FID": 3.0}, {"kid": "no root", "other": "boom"}
                evaluation = make_evaluation(scores, card)
                cards = {**evaluation.cards, "FID": replace(evaluation.cards["FID"], metric=Choice("fid"))}
                evaluation = replace(evaluation, cards=cards, missing=missing)
                _commit(store, make_record(f"{variant}{seed}", evaluation=evaluation))
    rows = tuple(plan_row(name, "mlp", "ring8", {seed: f"{name}{seed}" for seed in range(8)}) for name in "ab")
    results = Results(SavedPlan("s", "", "", rows, (), ()), store)
    (table,) = results.score_tables
    a, b = table.rows
    assert a.notes == ("metric other: no score in 8 of 8 seeds: boom",)
    assert b.notes == (
        "KID: no score in 2 of 8 seeds: no root",
        "metric other: no score in 2 of 8 seeds: boom",
    )
    assert b.n_ok == b.n == 8
    assert b.sample("FID").failed == 0
    assert b.sample("KID").failed == 2
    assert not results.complete
    assert results.missing[1] == "b x mlp on ring8: KID: no score in 2 of 8 seeds: no root"


def test_seeds_trained_in_several_ways_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        for seed, path in enumerate(["compiled", "stacked", "compiled"]):
            _commit(store, make_record(f"a{seed}", provenance=Provenance(path=path)))
    for count, wanted in ((1, 0), (3, 1)):
        row = plan_row("minimax", "mlp", "ring8", {seed: f"a{seed}" for seed in range(count)})
        (table,) = tables.build(SavedPlan("s", "", "", (row,), (), ()), store)
        assert len([note for note in table.rows[0].notes if "(compiled, stacked)" in note]) == wanted


def test_seeds_that_no_rerun_repeats_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        for seed, (device, deterministic) in enumerate([("cuda:0 H100", False), ("cpu", False), ("cuda:0 H100", True)]):
            record = make_record(f"a{seed}", provenance=Provenance(device=device))
            train = replace(record.spec.train, deterministic=deterministic)
            _commit(store, replace(record, spec=replace(record.spec, train=train)))
    row = plan_row("minimax", "mlp", "ring8", {seed: f"a{seed}" for seed in range(3)})
    (table,) = tables.build(SavedPlan("s", "", "", (row,), (), ()), store)
    assert [note for note in table.rows[0].notes if "rerun" in note] == [
        "1 of 3 seeds were trained with `deterministic: false`: a rerun differs in rounding"
    ]


def test_the_json_has_the_pinned_keys(tmp_path: Path) -> None:
    store = Store(tmp_path)
    layout = _layout(store)
    rows = json.loads(formats.json_text(layout, tables.build(layout, store)))
    assert [row["kind"] for row in rows] == ["variant", "variant"]
    for row in rows:
        pinned = {"dataset", "loss", "architecture", "kind", "n_ok", "n", "tier", "rank", "scores", "notes"}
        assert set(row) == pinned | {"verdict", "faulty", "cost"}
        assert set(row["scores"]["score"]) == {"mean", "low", "high", "values", "better", "card"}
    assert rows[0]["scores"]["score"]["mean"] == pytest.approx(7 / 3)
    assert rows[1]["scores"]["score"]["mean"] is None


def test_markup_is_inert_in_every_format(tmp_path: Path) -> None:
    store = Store(tmp_path)
    layout = _layout(store, loss=EVIL, note=f"=cmd()|{EVIL}\nnext line")
    built = tables.build(layout, store)
    text = markdown(layout, built)
    assert "<script>" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    tex = latex(layout, built)
    assert r"\textless{}script\textgreater{}alert(1)" in tex
    whole = re.sub(r"\\\\|\\(?:begin|end)\{tabular\}(\[t\]\{@\{\}l@\{\}\})?", "", tex)  # a long name is on lines
    assert r"\_\$\%\&\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}" in whole
    parsed = list(csv.DictReader(io.StringIO(csv_text(layout, built))))
    assert parsed[0]["loss"] == EVIL
    spread = tables.build(_layout(Store(tmp_path / "two"), loss="=HYPERLINK(1)"), Store(tmp_path / "two"))
    (first, *_) = csv.DictReader(io.StringIO(csv_text(layout, spread)))
    assert first["loss"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-2.7e-12, "0"), (1234.5, "1234"), (44.64, "44.6"), (0.0123, "0.0123"), (8, "8.00"), (-0.5, "-0.500"),
     (3.2e12, "3.20e+12"), (151266, "151266")],
)  # fmt: skip
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_plan_is_saved_and_read_back(tmp_path: Path) -> None:
    layout = SavedPlan(
        "s",
        "about",
        "abc",
        (plan_row("l", "a", "d", {3: "x"}),),
        (plan_reference("d", "real", "y"),),
        (skipped("l", "b", "d", "no"),),
    )
    save_plan(tmp_path, layout)
    assert load_plan(tmp_path, "s") == layout
    assert load_plan(tmp_path, "t") is None
    (tmp_path / "s" / "plan.json").write_text("{}")
    with pytest.raises(ResultsError, match="is damaged"):
        load_plan(tmp_path, "s")


def test_latex_compiles_to_balanced_tables(tmp_path: Path) -> None:
    store = Store(tmp_path)
    tex = latex(_layout(store), tables.build(_layout(store), store))
    assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}") == 1
    assert tex.count("{") - tex.count(r"\{") == tex.count("}") - tex.count(r"\}")
    body = tex.split(r"\midrule", 1)[1].split(r"\bottomrule")[0]
    assert len({line.count("&") for line in body.splitlines() if line.endswith(r"\\")}) == 1


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_narrow_terminal_cuts_no_number(tmp_path: Path, width: int) -> None:
    from rich.console import Console

    store = Store(tmp_path)
    names = [f"score{i}[some-extractor]" for i in range(9)]
    with store.writing():
        for seed in range(2):
            scores = dict.fromkeys(names, 123456.0 + seed)
            _commit(store, make_record(f"a{seed}", scores, make_card(better="lower")))
    layout = SavedPlan("s", "", "", (plan_row("minimax", "mlp", "ring8", {0: "a0", 1: "a1"}),), (), ())
    console = Console(width=width, record=True, file=io.StringIO())
    show(console, layout, tables.build(layout, store), view=View(wide=True))
    text = console.export_text()
    assert "…" not in text
    assert text.count("123456-123457") == 9
    assert text.count("(2 seeds)") == 9
    assert text.count("[some-extractor]") == 9
    assert all(len(line) <= width for line in text.splitlines())


@pytest.mark.parametrize("home", ["/home/somebody", "/", None])
def test_a_traceback_does_not_show_local_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    text = f"""  File "{tmp_path}/losses/mine.py", line 9, in d_loss
  File "{Path(os.__file__)}", line 1, in walk
  File "/elsewhere/other.py", line 2, in f
OSError: /home/somebody/data and /data"""
    assert without_local_paths(text).splitlines() == [
        '  File "losses/mine.py", line 9, in d_loss',
        '  File "os.py", line 1, in walk',
        '  File "other.py", line 2, in f',
        "OSError: ~/data and /data" if home == "/home/somebody" else "OSError: /home/somebody/data and /data",
    ]


def _under(record: Record, evaluation: str, score: float) -> Record:
    """The same training under another evaluation."""
    return replace(record, evaluation_id=evaluation, evaluation=make_evaluation({"score": score}))


def _ids(store: Store) -> dict[str, float]:
    found = {name: store.run("a1", name) for name in store.evaluations("a1")}
    return {name: record.evaluation.metrics["score"] for name, record in found.items() if record and record.evaluated}


def test_merging_two_folders_unites_scores(tmp_path: Path) -> None:
    record = make_record("a1")
    stores = Store(tmp_path / "a"), Store(tmp_path / "b")
    for store, name, score in zip(stores, ("e1", "e2"), (1.0, 2.0), strict=True):
        with store.writing():
            _commit(store, _under(record, name, score), **{"weights.safetensors": "same"})
    shutil.copytree(stores[1].runs, stores[0].runs, dirs_exist_ok=True)
    assert _ids(stores[0]) == {"e1": 1.0, "e2": 2.0}


def test_a_run_trained_again_keeps_the_scores_of_the_same_weights_alone(tmp_path: Path) -> None:
    store, record = Store(tmp_path), make_record("a1")
    with store.writing():
        _commit(store, _under(record, "e1", 1.0), **{"weights.safetensors": "same"})
        _commit(store, _under(record, "e2", 2.0), **{"weights.safetensors": "same"})
        assert _ids(store) == {"e1": 1.0, "e2": 2.0}
        _commit(store, _under(record, "e3", 3.0), **{"weights.safetensors": "other"})
    assert _ids(store) == {"e3": 3.0}


def test_without_an_evaluation_the_last_scores_are_read(tmp_path: Path) -> None:
    store, record = Store(tmp_path), make_record("a1")
    with store.writing():
        for name, score, time in (("e1", 1.0, "2026-11-26T10:00:00Z"), ("e0", 2.0, "2026-11-26T11:00:00Z")):
            one = replace(_under(record, name, score), scored_by=Provenance(time=time))
            _commit(store, one, **{"weights.safetensors": "same"})
    assert _scores(store, "a1") == {"score": 2.0}
    missing = store.run("a1", "e9")
    assert missing is not None
    assert (missing.evaluated, missing.ok, missing.evaluation.metrics) == (False, True, {})


def test_scores_are_added_to_a_run_without_touching_its_record(tmp_path: Path) -> None:
    store, record = Store(tmp_path), make_record("a1")
    with store.writing():
        _commit(store, _under(record, "e1", 1.0), **{"weights.safetensors": "same"})
        before = (store.runs / "a1" / "record.json").read_bytes()
        stored = store.run("a1")
        assert stored is not None
        store.add_scores(_under(stored, "e2", 2.0))
    assert (store.runs / "a1" / "record.json").read_bytes() == before
    assert _ids(store) == {"e1": 1.0, "e2": 2.0}
