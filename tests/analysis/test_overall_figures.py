"""Performance profiles, probabilities of improvement and tiers: the same numbers as counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.analysis.aggregate import places
from ganbench.analysis.figure_data.improvement import MOST, improvement_info
from ganbench.analysis.figure_data.profile import MOST as MOST_LINES
from ganbench.analysis.figure_data.profile import profile_info
from ganbench.analysis.figure_data.tiers import tiers_info
from ganbench.analysis.score_table import Table
from ganbench.api.results import open_results
from ganbench.errors import UsageError
from ganbench.statistics.bootstrap import profile

PUBLISHED = Path(__file__).parents[2] / "results" / "published"
SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def _tables(suite: str) -> list[Table]:
    return open_results(PUBLISHED / suite, suite).score_tables


@settings(max_examples=60, deadline=None)
@given(st.lists(SHARES, min_size=1, max_size=3))
def test_a_profile_falls_from_at_most_one_and_its_band_holds_it(strata: list[list[float]]) -> None:
    levels = np.linspace(0, 1, 21)
    found = profile(strata, levels, repetitions=500)
    by_hand = [np.mean([np.mean([value > level for value in own]) for own in strata]) for level in levels]
    np.testing.assert_allclose(found.share, by_hand)
    assert (np.diff(found.share) <= 1e-12).all()
    assert ((found.low >= 0) & (found.low <= found.high) & (found.high <= 1)).all()
    if all(len(set(own)) == 1 for own in strata):
        np.testing.assert_allclose(found.low, found.high)


def test_the_band_has_the_width_of_a_binomial_share() -> None:
    """With half of many seeds above a level, the interval is that of the normal approximation."""
    count = 400
    found = profile([[0.25] * (count // 2) + [0.75] * (count // 2)], np.array([0.5]))
    half = 1.96 * 0.5 / np.sqrt(count)
    assert found.share[0] == 0.5
    assert found.high[0] - 0.5 == pytest.approx(half, rel=0.1)
    assert 0.5 - found.low[0] == pytest.approx(half, rel=0.1)


def test_profiles_are_of_the_best_variants() -> None:
    tables = _tables("losses")
    found = places(tables)
    assert found is not None
    info = profile_info(tables)
    assert [line.label for line in info.lines] == [one.removesuffix(" x mlp") for one in found.order()[:MOST_LINES]]
    assert info.heading == "over ring8, grid25, digits; mlp"
    assert info.notes[0] == "the best 7 of 23 variants are drawn; choose with --variant"
    first = found.variants[found.order()[0]]
    middle = len(info.levels) // 2
    assert info.lines[0].profile.share[middle] == np.mean([np.mean(np.array(own) > 0.5) for own in first])


def test_improvement_is_against_the_reference_if_there_is_one() -> None:
    info = improvement_info(_tables("losses"))
    assert info.against == "nonsaturating"
    assert len(info.pairs) == 22
    assert "nonsaturating" not in {pair.better for pair in info.pairs}
    found = places(_tables("losses"))
    assert found is not None
    a, b = found.variants["WGAN-GP x mlp"], found.variants["nonsaturating x mlp"]
    by_hand = np.mean([
        np.mean([(x > y) + 0.5 * (x == y) for x in own for y in other]) for own, other in zip(a, b, strict=True)
    ])  # fmt: skip
    value, low, high = next(pair.over for pair in info.pairs if pair.better == "WGAN-GP")
    assert value == pytest.approx(by_hand)
    assert low <= value <= high


def test_improvement_is_of_all_pairs_without_a_reference() -> None:
    info = improvement_info(_tables("lottery"))
    assert len(info.pairs) == MOST
    assert info.against == ""
    assert [pair.over[0] for pair in info.pairs] == sorted((pair.over[0] for pair in info.pairs), reverse=True)
    assert min(pair.over[0] for pair in info.pairs) >= 0.4  # the better mean stands first
    few = improvement_info(_tables("lottery"), ["minimax", "hinge"])
    assert [{pair.better, pair.other} for pair in few.pairs] == [{"minimax", "hinge"}]
    with pytest.raises(UsageError, match="no pair to compare"):
        improvement_info(_tables("lottery"), ["minimax"])


@pytest.mark.parametrize("suite", ["losses", "lottery", "baseline"])
def test_tiers_are_those_of_the_tables(suite: str) -> None:
    tables = _tables(suite)
    info = tiers_info(tables)
    assert info.datasets == tuple(table.dataset for table in tables)
    assert info.scores == tuple(table.primary for table in tables)
    for x, table in enumerate(tables):
        cells = [row[x] for row in info.cells if row[x] is not None]
        rows = [row for row in table.variants if table.primary in row.scores]
        assert sorted(cell.tier for cell in cells if cell) == sorted(row.tier or "" for row in rows)
        assert sum(cell.better for cell in cells if cell) == sum(one.winner is not None for one in table.comparisons)
        assert sum(cell.worse for cell in cells if cell) == sum(one.loser is not None for one in table.comparisons)


def test_one_dataset_has_no_aggregate() -> None:
    for info in (profile_info, improvement_info):
        with pytest.raises(UsageError, match="no aggregate over datasets"):
            info(_tables("fashion"))
