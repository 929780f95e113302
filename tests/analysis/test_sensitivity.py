"""The table of a search: default, median and best of k, in every format."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import search_store
from plans import search_row
from rich.console import Console

from ganbench.analysis import sensitivity
from ganbench.errors import UsageError
from ganbench.report.text import search as search_table


def test_choosing_on_the_reported_seeds_flatters_and_the_other_half_does_not() -> None:
    """All draws are equally good, seeds are noise: the best of 10 looks better than it is, held out it does not."""
    generator = np.random.default_rng(2)
    naive, fair = [], []
    for _ in range(200):
        draws = [
            sensitivity.DrawResult(i, {}, "ok", "", dict(enumerate(generator.normal(0, 1, 4))), 0, (), None)
            for i in range(1, 11)
        ]
        draws = [replace(draw, counted=draw.score) for draw in draws]
        row = sensitivity.Variation(search_row("a", "b", "c", ()), "higher", draws[0], tuple(draws), 10)
        naive.append(row.best[-1])
        fair.append(row.held_out[-1])
    assert np.mean(naive) > 0.6
    assert abs(np.mean(fair)) < 0.1


def test_a_failed_draw_counts_as_the_worst_and_a_missing_one_not_at_all(tmp_path: Path) -> None:
    layout, store = search_store(tmp_path)
    (table,) = sensitivity.build(layout, store)
    (row,) = table.rows
    assert (table.score, table.worst) == ("score", 7.0)
    assert [draw.status for draw in row.draws] == ["ok", "ok", "failed"]
    assert row.counted == [2.5, 1.5, 7.0]
    assert (row.n_ok, row.asked, row.default.score, row.median) == (2, 4, 3.5, 2.5)
    assert row.best == pytest.approx([11 / 3, (1.5 + 1.5 + 2.5) / 3, 1.5])
    assert row.held_out[-1] == pytest.approx(1.5)
    assert row.winner is not None
    assert row.winner.number == 2
    assert (table.trainings, table.seconds) == (8, 16.0)
    said = search_table.notes(table)
    assert any(
        "1 of 3 draws failed and count as 7.00" in note and "draw 3: 1 of 2 seeds diverged" in note for note in said
    )
    assert any("1 of 4 draws not run yet" in note for note in said)
    assert any("best is draw 2 (1.50): lr=0.25" in note for note in said)


def test_the_worst_is_worse_than_every_reference_and_draw(tmp_path: Path) -> None:
    layout, store = search_store(tmp_path)
    (table,) = sensitivity.build(replace(layout, references=()), store)
    assert table.worst == 3.5  # the default's mean


def test_every_format_escapes_and_says_the_same(tmp_path: Path) -> None:
    layout, store = search_store(tmp_path)
    tables = sensitivity.build(layout, store)
    text = search_table.markdown(layout, tables)
    assert "=evil\\|&lt;b&gt; x mlp" in text
    assert "2/3" in text
    lines = list(csv.DictReader(io.StringIO(search_table.csv_text(layout, tables))))
    assert {line["loss"] for line in lines} == {"'=evil|<b>"}
    (row,) = json.loads(search_table.json_text(layout, tables))[0]["rows"]
    best = [line for line in lines if line["kind"] == "best"]
    assert [float(line["value"]) for line in best] == [one["mean"] for one in row["best"]]
    assert [line["number"] for line in best] == ["1", "2", "3"]
    assert row["draws"][2]["status"] == "failed"
    assert row["draws"][2]["mean"] == 0.5
    assert row["draws"][2]["counted"] == 7.0


def test_a_terminal_gets_intervals_below_values(tmp_path: Path) -> None:
    layout, store = search_store(tmp_path)
    printed = io.StringIO()
    console = Console(file=printed, width=200)
    search_table.show(console, layout, sensitivity.build(layout, store))
    text = printed.getvalue()
    assert "s+search: ring8: score ↓" in text
    assert "=evil|<b> x mlp" in text
    low, high = sensitivity.build(layout, store)[0].rows[0].intervals[0]
    (line,) = [line for line in text.splitlines() if "[1.50, 7.00]" in line and "3.67" not in line]
    assert (low, high) == pytest.approx((1.5, 7.0))
    assert "mlp" not in line
    search_table.show(console, layout, [])
    assert "No draw has finished yet." in printed.getvalue()


def test_draws_that_are_equally_good_are_counted(tmp_path: Path) -> None:
    layout, store = search_store(tmp_path)
    (variant,) = layout.variants
    twin = replace(variant.draws[2], number=5)
    tables = sensitivity.build(replace(layout, variants=(replace(variant, draws=(*variant.draws, twin)),)), store)
    assert any("best is draw 2 (1.50, tied with 1 other): lr=0.25" in note for note in search_table.notes(tables[0]))


def test_a_metric_by_its_name_with_or_without_its_extractor(tmp_path: Path) -> None:
    layout, store = search_store(tmp_path)
    assert [table.score for table in sensitivity.build(layout, store, ("other", "score"))] == [
        "other[extractor]",
        "score",
    ]
    with pytest.raises(UsageError, match=r"no score 'scor' in this search\. Did you mean 'score'\?"):
        sensitivity.build(layout, store, ("scor",))
