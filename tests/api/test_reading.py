"""Results in Python: tables, runs, records and comparisons, from records alone."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import Cli
from fabricate import NASTY, Made, fabricate

import ganbench as gb
from ganbench.api.plugins import plugin_files
from ganbench.errors import MissingError, UsageError

MADE = Made(losses=("minimax", "nonsaturating"), architectures=("mlp",), seeds=5, snapshots=3, pictures=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder of made-up records."""
    place = tmp_path_factory.mktemp("results")
    fabricate(place, MADE)
    return place


@pytest.fixture(scope="module")
def results(folder: Path) -> gb.Results:
    return gb.open_results(folder)


def test_importing_ganbench_imports_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "scipy", "msgspec", "pandas", "click", "pluggy")
    code = f"import sys, ganbench; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_results_imports_no_torch(folder: Path) -> None:
    code = (
        f"import sys, ganbench as gb; r = gb.open_results({str(folder)!r}); r.table('ring8').to_markdown(); "
        "r.runs().to_csv(); r.compare('minimax', 'nonsaturating'); r.aggregate(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_public_name_is_there() -> None:
    assert [name for name in gb.__all__ if not hasattr(gb, name)] == []
    assert set(gb.__all__) <= set(dir(gb))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gb.nothing


def test_the_exporters_of_a_table_give_the_numbers_of_the_command(
    results: gb.Results, folder: Path, inside: Cli
) -> None:
    table = results.table("ring8")
    printed = json.loads(inside("table", "--suite", "fabricated", "--results", folder, "--format", "json").out)
    assert table.to_dicts() == [row for row in printed if row["dataset"] == "ring8"]
    frame = table.to_pandas()
    for row, own in zip(table.rows, table.to_dicts(), strict=True):
        (line,) = frame[(frame.loss == row.loss) & (frame.architecture == row.architecture)].to_dict("records")
        assert (line["kind"], line["n_ok"], line["n"]) == (own["kind"], own["n_ok"], own["n"])
        for name, score in row.scores.items():
            assert line[name] == score.mean or (pd.isna(line[name]) and score.mean is None)
            assert line[f"{name} low"] == score.low or (pd.isna(line[f"{name} low"]) and score.low is None)
    assert table.to_markdown().startswith("# fabricated\n")
    assert r"\begin{tabular}" in table.to_latex()
    assert {line["dataset"] for line in csv.DictReader(io.StringIO(table.to_csv()))} == {"ring8"}
    assert repr(table).splitlines()[0].startswith("| variant")


def test_the_tables_are_those_of_the_command(results: gb.Results) -> None:
    assert [table.dataset for table in results.tables()] == ["ring8", "digits"]
    equal = results.tables(equal="steps")[0].to_dicts()
    assert equal != results.table("ring8").to_dicts()


def test_one_row_per_run(results: gb.Results, folder: Path) -> None:
    runs = results.runs()
    assert [row["id"] for row in runs.to_dicts()] == results.ids
    by_id = {str(row["id"]): row for row in runs.to_dicts()}
    assert len(by_id) == len(runs) == 20
    for record in results.records:
        row = by_id[record.id]
        assert (row["status"], row["reason"], row["seed"]) == (record.status, record.reason, record.spec.seed)
        assert {name: row[name] for name in record.evaluation.metrics} == record.evaluation.metrics
        assert (row["loss_plugin"], row["train.steps"]) == (record.spec.composition, record.spec.train.steps)
        assert (row["train_seconds"], row["path"]) == (record.cost.train_seconds, record.provenance.path)
    missing = [row for row in runs.to_dicts() if row["status"] == "not run yet"]
    assert len(missing) == len(runs) - len(results.records) == 1
    assert missing[0]["modes"] is None
    assert runs.to_pandas().set_index("id").loc[results.records[0].id, "status"] == results.records[0].status


def test_runs_csv_is_written_beside_the_tables_and_into_reports(results: gb.Results, tmp_path: Path) -> None:
    results.save_tables()
    text = (results.folder / "fabricated" / "runs.csv").read_text()
    assert text == results.runs().to_csv()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["id"] for row in rows] == results.ids
    for row, own in zip(rows, results.runs().to_dicts(), strict=True):
        assert float(row["train_seconds"] or "nan") == pytest.approx(own["train_seconds"] or float("nan"), nan_ok=True)
    report = gb.publish(results, tmp_path / "site")
    assert (report.folder / "fabricated" / "runs.csv").read_text() == text
    assert (report.runs, report.findings) == (len(results.records), ())
    assert gb.verify(tmp_path / "site").holds
    assert gb.diff(results, tmp_path / "site").same
    assert gb.open_results(tmp_path / "site").runs() == results.runs()


def test_no_name_is_markup_or_a_formula(tmp_path: Path) -> None:
    fabricate(tmp_path, Made(losses=("minimax", "=1+1"), seeds=1, snapshots=0, nasty=True, pictures=False))
    results = gb.open_results(tmp_path)
    for html in (results.tables()[0]._repr_html_(), results.runs()._repr_html_()):
        assert "<script" not in html
        assert "<img" not in html
        assert "&lt;script&gt;" in html
    assert ",=1+1" not in results.runs().to_csv()
    assert NASTY[3] not in results.runs().to_latex()


def test_a_record_by_the_beginning_of_its_id(results: gb.Results) -> None:
    record = results.records[3]
    assert results.record(record.id[:9]) == record
    with pytest.raises(UsageError, match="no run 'zz'"):
        results.record("zz")


def test_a_comparison_is_a_sentence(results: gb.Results) -> None:
    found = results.compare("minimax", "nonsaturating", ["SW1"])
    assert [one.dataset for one in found] == ["ring8"]
    assert str(found[0]).startswith("Exploratory, nothing is claimed in SW1 between minimax and nonsaturating on ring8")
    assert repr(found[0]) == f"<{found[0]}>"
    with pytest.raises(UsageError, match="Did you mean 'minimax'"):
        results.compare("minimx", "nonsaturating")


@pytest.mark.parametrize(
    ("folder_name", "suite", "text"),
    [
        ("nowhere", None, "no results folder"),
        ("", "fabricatd", "Did you mean 'fabricated'"),
        ("runs", None, "no suite"),
    ],
)
def test_what_is_not_there_is_one_sentence(folder: Path, folder_name: str, suite: str | None, text: str) -> None:
    with pytest.raises(gb.GanbenchError, match=text):
        gb.open_results(folder / folder_name, suite)


def test_a_table_of_no_dataset_is_refused(results: gb.Results) -> None:
    with pytest.raises(UsageError, match="has the datasets ring8, digits; name one"):
        results.table()
    with pytest.raises(UsageError, match="Did you mean 'ring8'"):
        results.table("rings")


def test_without_pandas_the_error_says_how_to_install_it(results: gb.Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingError, match=r"pip install 'ganbench\[pandas\]'"):
        results.table("ring8").to_pandas()


def test_a_class_without_a_file_is_refused() -> None:
    own = type("Hinge", (), {"__module__": "__main__"})
    with pytest.raises(UsageError, match="save it in a file"):
        plugin_files([own])


def test_modules_and_classes_stand_for_their_file(hinge: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(hinge.parent)
    import my_loss  # type: ignore[import-not-found]

    assert plugin_files(["other.py", hinge, my_loss, my_loss.Hinge]) == (Path("other.py"), hinge)
    unregistered = type("Other", (), {"__module__": "my_loss"})
    with pytest.raises(UsageError, match="class 'Other' is not registered"):
        plugin_files([unregistered])
    del sys.modules["my_loss"]


def test_a_published_report_is_replaced_only_by_a_report(results: gb.Results, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not part of a report"):
        gb.publish(results, tmp_path / "site")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"set": ["train.steps=3"]}, "set must be a mapping"),
        ({"add": "loss=my-hinge"}, "add must be a mapping"),
        ({"filter": "loss"}, "filter must be a mapping"),
        ({"plugins": [3]}, "3 is not a file, a module or a class"),
    ],
)
def test_an_argument_of_the_wrong_type_is_a_usage_error(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        gb.plan("quick", **arguments)
