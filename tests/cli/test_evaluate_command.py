"""Samples made elsewhere are a row under the protocol of a suite, in every format, and nothing loses them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SUITE, Cli, Ran
from running import read_records

Row = dict[str, Any]


def _rows(inside: Cli) -> dict[str, Row]:
    """The external rows of the table by their labels."""
    rows: list[Row] = json.loads(inside("table", "--suite", "small", "--format", "json").out)
    return {row["loss"]: row for row in rows if row["kind"] == "external"}


def _write(path: Path, seed: int = 0, count: int = 2500) -> None:
    np.savez(path, np.random.default_rng(seed).normal(size=(count, 2)).astype(np.float32))


@pytest.mark.slow
def test_own_samples_have_their_own_scores_again(cli: Cli, inside: Cli, trained: Ran, tmp_path: Path) -> None:
    record = next(one for one in read_records(tmp_path / "results").values() if one["spec"]["seed"] == 1)
    assert inside("sample", record["id"], "--n", 2500, "--to", "own.npz", "--device", "cpu").code == 0
    done = cli("evaluate", "own.npz", "--suite", "small.yaml", "--label", "own = it")
    assert done.code == 0, done.err
    assert "own = it (external)" in done.out
    row = _rows(inside)["own = it"]
    assert {name: score["mean"] for name, score in row["scores"].items() if score["values"]} == {
        name: pytest.approx(value, rel=1e-11) for name, value in record["metrics"].items()
    }
    assert (row["tier"], row["rank"], row["n_ok"], row["n"], row["architecture"]) == (None, None, 1, 1, "")
    assert {(score["low"], score["high"]) for score in row["scores"].values()} == {(None, None)}
    assert "one set has no training seeds, so that there is no interval and no claim" in row["notes"][0]
    assert row["scores"]["HQ"]["card"]["generator"] == "external"


def test_a_row_stays_through_runs_reports_and_merges(cli: Cli, inside: Cli, trained: Ran, tmp_path: Path) -> None:
    for seed in (0, 1):
        _write(tmp_path / f"{seed}.npz", seed, 3000)
    done = cli("evaluate", "0.npz", "1.npz", "--suite", "small.yaml", "--label", "<b>mine</b>")
    assert done.code == 0, done.err
    row = _rows(inside)["<b>mine</b>"]
    assert row["n_ok"] == 2
    assert len(set(row["scores"]["SW1"]["values"])) == 2
    assert "2 sets of samples made elsewhere" in row["notes"][0]
    assert "2,500 of 3,000 samples, drawn at random" in row["notes"]
    (tmp_path / "0.npz").unlink()
    assert inside("run", "--suite", "small.yaml").code == 0
    assert _rows(inside) == {"<b>mine</b>": row}
    formats = {name: inside("table", "--suite", "small", "--format", name).out for name in ("markdown", "latex", "csv")}
    assert all("mine" in text and "external" in text for text in formats.values())
    published = inside("publish", "--suite", "small", "--to", "site")
    assert published.code == 0, published.err
    page = (tmp_path / "site" / "index.html").read_text()
    assert "Samples made elsewhere, measured under the same protocol" in page
    assert "&lt;b&gt;mine&lt;/b&gt; (external)" in page
    assert inside("verify", "site").code == 0
    (changed, *_) = [path for path in (tmp_path / "site" / "references").glob("*/record.json")
                     if '"reference": "external"' in path.read_text()]  # fmt: skip
    shutil.copytree(tmp_path / "results", tmp_path / "merged")
    assert inside("diff", "results", "merged", "--suite", "small").code == 0
    assert inside("replay", changed.parent.name, "--results", "results").code == 2
    changed.write_text(changed.read_text().replace('"samples": 2500', '"samples": 2501'))
    assert inside("verify", "site").code == 1


@pytest.mark.slow
def test_a_suite_lists_samples_made_elsewhere(cli: Cli, inside: Cli, trained: Ran, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    _write(tmp_path / "data" / "a.npz", count=100)
    listed = SUITE + "external: [{label: theirs, samples: data/a.npz}]\n"
    suite.write_text(listed)
    done = cli("run", "--suite", "small.yaml")
    assert done.code == 0, done.err
    assert "4 runs done, 0 new" in done.err
    row = _rows(inside)["theirs"]
    assert row["notes"][1:2] == ["100 samples (variants: 2,500): scores that depend on their number differ"]
    again = inside("run", "--suite", "small.yaml")
    assert "samples theirs" not in again.err
    _write(tmp_path / "data" / "a.npz", seed=3, count=2500)
    done = cli("run", "--suite", "small.yaml")
    assert "done  ring8: samples theirs" in done.err
    assert _rows(inside)["theirs"]["scores"]["SW1"]["values"] != row["scores"]["SW1"]["values"]
    suite.write_text(SUITE.replace("samples: 2500,", "samples: 2400,"))
    assert cli("run", "--suite", "small.yaml").code == 0
    row = _rows(inside)["theirs"]
    assert (row["n_ok"], "measured under another protocol" in row["notes"][-1]) == (0, True)
    assert inside("drop", "external=their", "--suite", "small").code == 2
    dropped = inside("drop", "external=theirs", "--suite", "small")
    assert (dropped.code, dropped.out[:28]) == (0, "1 row of external=theirs dro")
    assert _rows(inside) == {}


@pytest.mark.parametrize(
    ("external", "said"),
    [
        ("theirs", "'external' must be a list"),
        ("[theirs]", "an entry of 'external' must be {label: TEXT"),
        ("[{samples: a.npz}]", "needs a label"),
        ("[{label: 'a, b', samples: a.npz}]", "label must be one line of text, at most 80 characters without commas"),
        ("[{label: a}]", "'samples' must be an .npz or .npy file"),
        ("[{label: a, samples: [a.npz, 3]}]", "'samples' must be an .npz or .npy file"),
        ("[{label: a, samples: a.npz, dataset: ring}]", "the suite has no dataset 'ring'"),
        ("[{label: a, samples: a.npz, data: ring8}]", "unknown key 'data'"),
        ("[{label: a, samples: a.npz}, {label: a, samples: b.npz}]", "listed twice"),
    ],
)
def test_wrong_entries_are_problems_of_the_suite(
    inside: Cli, suite: Path, tmp_path: Path, external: str, said: str
) -> None:
    suite.write_text(f"{SUITE}external: {external}\n")
    done = inside("run", "--suite", "small.yaml", "--dry-run")
    assert (done.code, said in done.err) == (2, True), done.err
    assert "small.yaml:9:" in done.err


def test_what_cannot_be_measured_is_said_before_anything_is_written(inside: Cli, suite: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", np.zeros((5, 3)))
    for arguments, code, said in (
        (("a.npz",), 2, "samples of shape (5, 3), wanted (N, 2)"),
        (("b.npz",), 2, "there are no samples at b.npz"),
        (("a.npz", "--dataset", "ring9"), 2, "has no dataset 'ring9'. Did you mean 'ring8'?"),
    ):
        done = inside("evaluate", *arguments, "--suite", "small.yaml", "--label", "x")
        assert (done.code, said in done.err) == (code, True), done.err
    for label in (" ", "a, b", "a\nb"):
        assert inside("evaluate", "a.npz", "--suite", "small.yaml", "--label", label).code == 2, label
    suite.write_text(f"{SUITE}external: [{{label: a, samples: gone.npz}}]\n")
    done = inside("run", "--suite", "small.yaml")
    assert (done.code, "gone.npz" in done.err) == (3, True), done.err
    assert not (tmp_path / "results").exists()
