"""Variants over all datasets: normalized between noise and real data, failures count as 0, none from too few seeds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import commit, make_card, make_evaluation, make_record, make_reference, make_spec
from plans import plan_reference, plan_row
from scipy import stats as scipy_stats

from ganbench.analysis import aggregate, tables
from ganbench.analysis.run_table import run_table
from ganbench.report.text import formats
from ganbench.report.text.markdown import markdown
from ganbench.results.records import EqualCounts, Failure
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


def _at(count: int, **scores: float) -> EqualCounts:
    return EqualCounts(count, scores, scores)


def _with_few_real_images(folder: Path, measured: bool) -> tuple[SavedPlan, Store]:
    """The images of a suite whose real data are 50 of 100: scored at 50 too, where FID is twice as large."""
    layout = _suite(folder / "whole")[0]
    again = Store(folder / "again")
    for row in layout.rows:
        for seed, id_ in row.runs.items():
            score = CARDS[row.dataset.text].score
            value = float(VALUES[row.texts[0], row.dataset.text][seed])
            at = _at(50, **{score: 2 * value if score == "FID" else value}) if measured else None
            evaluation = make_evaluation({score: value}, CARDS[row.dataset.text], at_reference_counts=at)
            commit(again, replace(make_record(id_, {score: value}, CARDS[row.dataset.text], make_spec(seed)),
                                  evaluation=evaluation))  # fmt: skip
    references = []
    for dataset, ends in ENDS.items():
        score, card = CARDS[dataset].score, CARDS[dataset]
        for name, value in zip(("noise", "real", "gaussian"), (*ends, {"points": 4.0, "images": 100.0}[dataset]),
                               strict=True):  # fmt: skip
            few = name == "real" and dataset == "images"
            at = _at(50, **{score: value if few or score != "FID" else 2 * value}) if measured else None
            own = replace(card, fake_samples=50 if few else 100)
            evaluation = make_evaluation({score: value}, own, at_reference_counts=at)
            made = make_reference(f"{name}{dataset}", {score: value}, own, name, evaluation=evaluation)
            commit(again, replace(made, samples=own.fake_samples))
            references.append(plan_reference(dataset, name, f"{name}{dataset}"))
    return SavedPlan("s", "", "", layout.rows, tuple(references), ()), again


def test_variants_are_normalized_at_the_count_of_real_data(tmp_path: Path) -> None:
    layout, store = _with_few_real_images(tmp_path, measured=True)
    built = tables.build(layout, store)
    found = aggregate.build(built)
    assert found is not None
    points = np.array(VALUES["a", "points"]) / 8
    images = 1 - np.log(2 * np.array(VALUES["a", "images"]) / 10) / np.log(200)  # noise at 50 samples: 2,000
    assert found.rows[0].iqm[0] == pytest.approx(scipy_stats.trim_mean(np.concatenate([points, images]), 0.25))
    assert not any("equal counts" in note for note in found.notes)
    (gaussian,) = found.references
    assert gaussian.title == "Gaussian fit"
    assert gaussian.iqm[0] == pytest.approx((4 / 8 + 1 - np.log(20) / np.log(200)) / 2)
    text = markdown(layout, built)
    assert "Real data: 50 samples, so that its scores are no ceiling for those of 100. At 50 samples FID is " in text
    assert "10.0 for real data" in text
    assert "50 samples (variants: 100): not a ceiling" in text
    line = next(line for line in text.split("## over all datasets")[1].splitlines() if "Gaussian fit" in line)
    assert f"{gaussian.iqm[0]:.3f}" in line
    written = json.loads(formats.overall_text(layout, built))
    assert written["references"] == [{"reference": "Gaussian fit", "iqm": pytest.approx(gaussian.iqm[0])}]


def test_scores_that_are_not_known_at_equal_counts_are_said_to_be_compared_at_others(tmp_path: Path) -> None:
    layout, store = _with_few_real_images(tmp_path, measured=False)
    built = tables.build(layout, store)
    found = aggregate.build(built)
    assert found is not None
    assert found.rows[0].iqm[0] == pytest.approx(scipy_stats.trim_mean(_placed("a"), 0.25))
    said = "not at equal counts: images: real data 50 samples, variants 100; evaluate them again"
    assert said in found.notes
    assert "no ceiling for those of 100.\n" in markdown(layout, built)
