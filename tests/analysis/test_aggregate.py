"""Variants over all datasets: normalized between noise and real data, failures count as 0, none from too few seeds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import commit, make_card, make_record, make_reference, make_spec
from plans import plan_reference, plan_row
from scipy import stats as scipy_stats

from ganbench.analysis import aggregate, tables
from ganbench.analysis.run_table import run_table
from ganbench.report.text import formats
from ganbench.report.text.markdown import markdown
from ganbench.results.records import Failure
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan

CARDS = {
    "points": make_card(score="modes"),
    "images": make_card(score="FID", better="lower", kind="log"),
}
VALUES: dict[tuple[str, str], list[float]] = {
    ("a", "points"): [8.0, 7.0, 8.0, 8.0, 6.0], ("a", "images"): [20.0, 25.0, 40.0, 30.0, 22.0],
    ("b", "points"): [4.0, 5.0, 3.0, 6.0, 5.0], ("b", "images"): [80.0, 60.0, 70.0, 90.0, 100.0],
    ("c", "points"): [8.0] * 5,
}  # fmt: skip
ENDS = {"points": (0.0, 8.0), "images": (1000.0, 10.0)}


def _suite(folder: Path, failed: int = 0) -> tuple[SavedPlan, Store]:
    store = Store(folder)
    rows, references = [], []
    for (name, dataset), values in VALUES.items():
        card = CARDS[dataset]
        runs = {seed: f"{name}{dataset}{seed}" for seed in range(len(values))}
        for seed, value in enumerate(values):
            failure = Failure("diverged", "boom") if name == "a" and seed < failed else None
            commit(store, make_record(runs[seed], {card.score: float(value)}, card, make_spec(seed), failure))
        rows.append(plan_row(name, "mlp", dataset, runs))
    for dataset, ends in ENDS.items():
        for name, value in zip(("noise", "real"), ends, strict=True):
            card = CARDS[dataset]
            commit(store, make_reference(f"{name}{dataset}", {card.score: value}, card))
            references.append(plan_reference(dataset, name, f"{name}{dataset}"))
    return SavedPlan("s", "", "", tuple(rows), tuple(references), ()), store


def _placed(name: str) -> np.ndarray:
    points = np.array(VALUES[name, "points"]) / 8
    images = 1 - np.log(np.array(VALUES[name, "images"]) / 10) / np.log(100)
    return np.concatenate([points, images])


def test_variants_on_all_datasets_are_aggregated(tmp_path: Path) -> None:
    layout, store = _suite(tmp_path)
    found = aggregate.build(tables.build(layout, store))
    assert found is not None
    assert found.scores == {"points": "modes", "images": "FID"}
    assert [row.title for row in found.rows] == ["a x mlp", "b x mlp"]
    for row, name in zip(found.rows, "ab", strict=True):
        assert row.iqm[0] == pytest.approx(scipy_stats.trim_mean(_placed(name), 0.25))
        assert row.iqm[1] < row.iqm[0] < row.iqm[2]
    wins = [
        scipy_stats.mannwhitneyu(_placed("a")[part], _placed("b")[part]).statistic / 25
        for part in (slice(0, 5), slice(5, 10))
    ]
    assert found.rows[0].over_next is not None
    assert found.rows[0].over_next[0] == pytest.approx(np.mean(wins))
    assert found.rows[1].over_next is None
    assert any(note.startswith("c x mlp: left out") for note in found.notes)


def test_a_failed_seed_counts_as_zero(tmp_path: Path) -> None:
    layout, store = _suite(tmp_path, failed=3)
    overall = aggregate.build(tables.build(layout, store))
    assert overall is not None
    found = {row.title: row for row in overall.rows}
    values = _placed("a")
    values[[0, 1, 2, 5, 6, 7]] = 0
    assert found["a x mlp"].iqm[0] == pytest.approx(scipy_stats.trim_mean(values, 0.25))
    assert found["a x mlp"].failed == 6


def test_it_is_printed_and_written(tmp_path: Path) -> None:
    layout, store = _suite(tmp_path)
    built = tables.build(layout, store)
    assert "## over all datasets" in markdown(layout, built)
    formats.write_all(tmp_path / "s", layout, built, run_table(layout, store))
    written = json.loads((tmp_path / "s" / "overall.json").read_text())
    assert [row["variant"] for row in written["rows"]] == ["a x mlp", "b x mlp"]


@pytest.mark.parametrize("without", ["real", "noise", "seeds"])
def test_without_references_or_seeds_there_is_none(tmp_path: Path, without: str) -> None:
    layout, store = _suite(tmp_path)
    rows = tuple(replace(r, runs=dict(list(r.runs.items())[:4])) for r in layout.rows)
    references = tuple(r for r in layout.references if (r.dataset.text, r.reference) != ("images", without))
    short = SavedPlan("s", "", "", rows if without == "seeds" else layout.rows, references, ())
    assert aggregate.build(tables.build(short, store)) is None
    assert "over all datasets" not in markdown(short, tables.build(short, store))
