"""`ganbench run` from end to end: what is trained, written and printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Cli, Ran
from PIL import Image
from running import read_records, record_times
from safetensors.torch import load_file

from ganbench_architectures.mlp import Mlp


def _rows(done: Ran) -> dict[tuple[str, str, str], dict[str, Any]]:
    return {(row["loss"], row["architecture"], row["dataset"]): row for row in json.loads(done.out)}


def test_a_suite_is_trained_once_and_tabled(inside: Cli, trained: Ran, suite: Path, tmp_path: Path) -> None:
    results, done = tmp_path / "results", trained
    for text in ("| minimax x mlp", "| nonsaturating x mlp", "2/2", "| real data", "| Gaussian fit", "| uniform noise",
                 "not applicable: convolutions need images", "modes ↑", "SW1 ↓"):  # fmt: skip
        assert text in done.out
    assert "\x1b" not in done.out + done.err
    assert "4 new" in done.err
    records = read_records(results)
    assert len(records) == 4
    for run_id, record in records.items():
        assert set(record) == {
            "schema", "id", "suite", "spec", "status", "reason", "failure", "metrics", "cards", "verdict", "snapshots",
            "cost", "signals", "diagnosis", "provenance", "files", "film", "histogram", "neighbours", "evaluation_id",
            "weights", "scored_by", "at_reference_counts", "shape",
        }  # fmt: skip
        assert record["id"] == run_id
        assert record["status"] == "ok"
        assert set(record["files"]) == {"history.csv", "samples.png", "film.png", "weights.safetensors"}
        assert set(record["cost"]) == {"train_seconds", "images", "images_per_second", "peak_memory_bytes"}
        assert record["cost"]["images"] == 60 * 32
        assert record["provenance"]["path"] == "stacked"
        assert (
            record["provenance"]["plugins"][
                "loss:minimax" if record["spec"]["loss"][0]["name"] == "minimax" else "loss:nonsaturating"
            ]["distribution"]
            == "ganbench"
        )
        folder = results / "runs" / run_id
        assert (folder / "samples.png").read_bytes().startswith(b"\x89PNG")
        assert len((folder / "history.csv").read_text().splitlines()) == 61
    assert sorted(path.name for path in (results / "small").iterdir()) == [
        "plan.json",
        "runs.csv",
        "table.csv",
        "table.json",
        "table.md",
        "table.tex",
    ]
    before = record_times(results)
    again = inside("run", "--suite", suite)
    assert again.code == 0
    assert again.out == done.out
    assert "0 new" in again.err
    assert "worker" not in again.err
    assert record_times(results) == before
    assert inside("table", "--suite", "small").out == done.out
    assert (results / "small" / "table.md").read_text() == done.out
    forced = inside("run", "--suite", suite, "--force", "--filter", "loss=minimax")
    assert forced.code == 0
    changed = [run_id for run_id, stamp in record_times(results).items() if stamp != before[run_id]]
    assert {records[run_id]["spec"]["loss"][0]["name"] for run_id in changed} == {"minimax"}
    assert len(changed) == 2
    for run_id, record in read_records(results).items():
        assert record["metrics"] == records[run_id]["metrics"]  # the same spec, the same bits
    assert "nonsaturating" not in forced.out
    assert "nonsaturating" in (results / "small" / "table.md").read_text()  # a filter hides no row for good


@pytest.mark.slow
def test_a_seed_alone_gives_the_same_weights_as_among_others(inside: Cli, suite: Path, tmp_path: Path) -> None:
    options = ("run", "--suite", suite, "--filter", "loss=minimax")
    assert inside(*options, "--seeds", "0-7", "--results", "all").code == 0
    alone = inside(*options, "--seeds", "3", "--results", "one")
    assert alone.code == 0
    assert "1/1" in alone.out
    (run_id,) = read_records(tmp_path / "one")
    one, among = (load_file(tmp_path / name / "runs" / run_id / "weights.safetensors") for name in ("one", "all"))
    assert one.keys() == among.keys()
    generator = Mlp().generator((2,))
    loaded = {name.removeprefix("generator."): t for name, t in one.items() if name.startswith("generator.")}
    generator.load_state_dict(loaded)  # the weights are anybody's, by name
    assert all(torch.equal(one[name], among[name]) for name in one)
    metrics = [read_records(tmp_path / name)[run_id]["metrics"] for name in ("one", "all")]
    assert metrics[0] == metrics[1]


@pytest.mark.slow
def test_a_third_party_loss_joins_without_retraining_the_others(
    inside: Cli, trained: Ran, suite: Path, hinge: Path, tmp_path: Path
) -> None:
    before = record_times(tmp_path / "results")
    done = inside("run", "--suite", suite, "--plugin", hinge, "--add", "loss=my-hinge")
    assert done.code == 0, done.err
    assert "2 new" in done.err
    after = record_times(tmp_path / "results")
    assert len(after) == 6
    assert {run_id: after[run_id] for run_id in before} == before
    assert all(f"| {loss} x mlp" in done.out for loss in ("minimax", "nonsaturating", "my-hinge"))
    rows = _rows(inside("table", "--suite", "small", "--format", "json"))
    assert rows["my-hinge", "mlp", "ring8"]["n_ok"] == 2
    assert rows["my-hinge", "mlp", "ring8"]["scores"]["modes"]["card"]["fake_samples"] == 2500
    hinge.write_text(hinge.read_text().replace("(1 - critic.real)", "(2 - critic.real)"))
    edited = inside("run", "--suite", suite, "--plugin", hinge, "--add", "loss=my-hinge", "--dry-run")
    assert edited.out.count("2 new") == 1  # an edited file is another loss; its old runs are not shown as its own


def test_snapshots_are_scores_during_training(inside: Cli, suite: Path, tmp_path: Path) -> None:
    assert inside("run", "--suite", suite, "--set", "evaluation.snapshots=2", "--set", "train.steps=100").code == 0
    for record in read_records(tmp_path / "results").values():
        assert [snapshot["step"] for snapshot in record["snapshots"]] == [50, 100]
        assert record["snapshots"][1]["metrics"] == record["metrics"]
        assert record["film"]["steps"] == [50, 100]
        with Image.open(tmp_path / "results" / "runs" / record["id"] / "film.png") as strip:
            assert strip.size == (2 * record["film"]["side"], record["film"]["side"])


@pytest.mark.slow
def test_settings_make_another_suite_beside_the_first(inside: Cli, trained: Ran, suite: Path, tmp_path: Path) -> None:
    done = inside("run", "--suite", suite, "--set", "train.steps=10")
    assert "# small+train.steps=10" in done.out
    assert (tmp_path / "results" / "small+train.steps=10" / "table.md").read_text() == done.out
    assert inside("table", "--suite", "small").out != done.out
    assert inside("table", "--suite", suite, "--set", "train.steps=10").out == done.out


def test_arrows_are_printed_whatever_the_locale(cli: Cli, trained: Ran, suite: Path) -> None:
    done = cli("run", "--suite", suite, PYTHONIOENCODING="cp1252", LC_ALL="C")
    assert done.code == 0, done.err
    assert "modes ↑" in done.out
    assert done.out == trained.out
