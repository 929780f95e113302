"""What a table says of counts, shares and scores on logarithms, from records to text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from factories import commit, make_card, make_evaluation, make_record, make_reference, make_spec
from plans import plan_reference, plan_row

from ganbench.analysis import tables
from ganbench.analysis.score_table import Table
from ganbench.registry.contracts import ScoreKind
from ganbench.report.text import grid
from ganbench.results.records import Histogram
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan


def _built(folder: Path, values: Sequence[float], kind: ScoreKind, real: float = 8.0) -> Table:
    """A table of one variant and of real data with a histogram of eight modes."""
    store = Store(folder)
    for seed, value in enumerate(values):
        found = make_evaluation({"score": value}, make_card(kind=kind))
        commit(store, make_record(f"a{seed}", spec=make_spec(seed), evaluation=found))
    card = make_card(kind=kind, generator="reference: real", checkpoint=None)
    histogram = Histogram("modes", (10,) * 8, 80)
    commit(store, make_reference("r0", evaluation=make_evaluation({"score": real}, card, histogram=histogram)))
    row = plan_row("game", "network", "points", {seed: f"a{seed}" for seed in range(len(values))})
    (table,) = tables.build(SavedPlan("s", "", "", (row,), (plan_reference("points", "real", "r0"),), ()), store)
    return table


@pytest.mark.parametrize(
    ("values", "real", "wanted"),
    [
        ([8] * 8, 8, ["8 of 8 in all 8 seeds", "8"]),
        ([8] * 8, 7, ["8 in all 8 seeds", "7"]),  # real data do not reach it: the score counts something else
        ([9] * 8, 8, ["9 in all 8 seeds", "8"]),  # more than there are modes
        ([4, 7, 8, 7, 6, 8, 7, 4], 8, ["6.38 (4-8)", "8"]),
        ([6, 8], 8, ["6-8 (2 seeds)", "8"]),
    ],
)
def test_counts_have_their_range(tmp_path: Path, values: list[float], real: float, wanted: list[str]) -> None:
    table = _built(tmp_path, values, "count", real)
    assert [grid.cell(row, "score") for row in table.rows] == wanted
    assert (table.rows[0].scores["score"].low, table.rows[0].scores["score"].high) == (None, None)


def test_a_collapsed_seed_leaves_the_mean_inside_its_interval(tmp_path: Path) -> None:
    table = _built(tmp_path, [40.0] * 7 + [2888.0], "log", 7.0)
    assert grid.cell(table.rows[0], "score") == "68.3 [19.3, 242]"


def test_a_score_of_factors_with_a_value_below_zero_is_no_factor_anywhere(tmp_path: Path) -> None:
    table = _built(tmp_path, [-290.0, 16.0, 30.0, 22.0, 41.0, 12.0], "log", 16.0)
    score = table.rows[0].scores["score"]
    assert score.averaged == "linear"
    assert score.mean == pytest.approx(-28.1666666667)
    assert "±" in grid.cell(table.rows[0], "score")
    assert any(note.startswith("Not computed on logarithms") for note in table.notes)
