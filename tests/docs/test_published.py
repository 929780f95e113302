"""The published baseline is whole, current, and within what is known."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean, geometric_mean

import pytest

from ganbench.analysis import tables
from ganbench.formatting import number
from ganbench.report.text import formats
from ganbench.results.store import Store
from ganbench.results.verify import check
from ganbench.suite.plan_file import load_plan

ROOT = Path(__file__).parent.parent.parent
PUBLISHED = ROOT / "results" / "published" / "baseline"


def test_the_published_report_is_whole_and_its_tables_are_those_of_its_records() -> None:
    assert [one for one in check(PUBLISHED).findings if one.kind != "note"] == []
    layout = load_plan(PUBLISHED, "baseline")
    assert layout is not None
    assert len(layout.rows) == 8
    built = tables.build(layout, Store(PUBLISHED))
    for name, text in formats.FORMATS.values():
        assert (PUBLISHED / "baseline" / name).read_text() == text(layout, built)
    for row in layout.rows:
        for id_ in row.runs.values():
            assert (PUBLISHED / "runs" / id_ / "index.html").is_file()
            assert (PUBLISHED / "runs" / id_ / "film.png").is_file()


def test_the_published_report_looks_as_reports_look_now() -> None:
    """A change of style is published too: `python results/publish.py baseline` needs no training."""
    for path in (PUBLISHED / "assets").iterdir():
        assert path.read_bytes() == (ROOT / "ganbench" / "report" / "html" / "assets" / path.name).read_bytes(), (
            path.name
        )


def test_the_published_tables_are_their_own_numbers() -> None:
    text = (PUBLISHED / "baseline" / "table.md").read_text()
    rows = json.loads((PUBLISHED / "baseline" / "table.json").read_text())
    variants = [row for row in rows if row["kind"] == "variant" and row["n"]]
    assert len(variants) == 8
    for row in variants:
        (line, *_) = [
            line
            for section in text.split("## ")
            if section.startswith(row["dataset"])
            for line in section.splitlines()
            if line.startswith(f"| {row['loss']} x {row['architecture']} ")
        ]
        for name, score in row["scores"].items():
            column = [
                value for one in variants if one["dataset"] == row["dataset"] for value in one["scores"][name]["values"]
            ]
            logs = score["card"]["kind"] == "log" and min(column) > 0
            mean = geometric_mean if logs else fmean
            assert score["mean"] == pytest.approx(mean(score["values"]))
            constant = score["card"]["kind"] == "count" and len(set(score["values"])) == 1
            assert (f"| {score['mean']:g} of " if constant else number(score["mean"])) in line


def test_the_published_baseline_is_within_what_is_known() -> None:
    rows = json.loads((PUBLISHED / "baseline" / "table.json").read_text())
    scores = {(row["loss"], row["architecture"], row["dataset"]): row["scores"] for row in rows if row["n_ok"]}
    assert scores["minimax", "mlp", "ring8"]["modes"]["mean"] >= 6.5  # 96 other seeds: 7.58, standard deviation 0.83
    assert scores["minimax", "mlp", "digits"]["FID[digits16]"]["mean"] < 80
    assert scores["minimax", "mlp", "digits"]["IS[digits16]"]["mean"] > 7.5
