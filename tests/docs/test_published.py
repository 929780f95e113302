"""The published suites are whole and current, and the baseline is within what is known."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean, geometric_mean

import pytest

import ganbench as gb
from ganbench.analysis import tables
from ganbench.formatting import number
from ganbench.report.text import formats
from ganbench.results.store import Store
from ganbench.results.verify import check
from ganbench.suite.plan_file import load_plan
from tools import quote

ROOT = Path(__file__).parent.parent.parent
PUBLISHED = ROOT / "results" / "published" / "baseline"
SUITES = quote.published()
MANY = 200
"""Runs in a folder from which on its tables take long."""


def _marked(folder: Path) -> object:
    many = len(list(folder.glob("runs/*"))) > MANY
    return pytest.param(folder, id=folder.name, marks=[pytest.mark.slow] if many else [])


@pytest.mark.parametrize("folder", [_marked(folder) for folder in SUITES])
def test_a_published_report_is_whole_and_its_tables_are_those_of_its_records(folder: Path) -> None:
    assert [one for one in check(folder).findings if one.kind != "note"] == []
    layout = load_plan(folder, folder.name)
    assert layout is not None
    built = tables.build(layout, Store(folder))
    for name, text in formats.FORMATS.values():
        path, content = folder / folder.name / name, text(layout, built)
        if content == formats.NONE:  # one dataset has no aggregate
            assert not path.exists()
        else:
            assert path.read_text() == content


def test_the_published_baseline_has_a_page_and_pictures_of_every_run() -> None:
    layout = load_plan(PUBLISHED, "baseline")
    assert layout is not None
    assert len(layout.rows) == 8
    for row in layout.rows:
        for id_ in row.runs.values():
            assert (PUBLISHED / "runs" / id_ / "index.html").is_file()
            assert (PUBLISHED / "runs" / id_ / "film.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("folder", SUITES, ids=lambda path: path.name)
def test_a_published_report_is_made_again_from_its_records(folder: Path, tmp_path: Path) -> None:
    compact = not list(folder.glob("runs/*/index.html"))
    gb.publish(gb.open_results(folder, folder.name), tmp_path / "again", compact=compact)
    now, then = (
        {path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()}
        for place in (tmp_path / "again", folder)
    )
    assert now.keys() == then.keys()
    # figures name the version of matplotlib, the manifest hashes them and names the publisher
    assert [
        path for path in now if path.suffix != ".svg" and path.name != "manifest.json" and now[path] != then[path]
    ] == []


@pytest.mark.parametrize("folder", SUITES, ids=lambda path: path.name)
def test_a_published_report_looks_as_reports_look_now(folder: Path) -> None:
    """A change of style is published too: `python results/publish.py SUITE` needs no training."""
    for path in (folder / "assets").iterdir():
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
