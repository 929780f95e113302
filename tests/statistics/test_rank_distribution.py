"""The permutation of ranks: counted against scipy and a plain count, beyond that within the stated error."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from ganbench.statistics import rank_distribution, significance

few = st.integers(0, 6).map(float)
worst = st.just(float("inf"))


def _counted(a: list[float], b: list[float]) -> float:
    """The two-sided p by a dictionary of (number chosen, doubled rank sum), value after value."""
    ranks = [2 * sum(v < x for v in a + b) + sum(v == x for v in a + b) + 1 for x in a + b]
    ways: Counter[tuple[int, int]] = Counter({(0, 0): 1})
    for rank in ranks:
        taken = {(k + 1, total + rank): count for (k, total), count in ways.items() if k < len(a)}
        ways.update(taken)
    expected = len(a) * (len(ranks) + 1)
    off = abs(sum(ranks[: len(a)]) - expected)
    own = {total: count for (k, total), count in ways.items() if k == len(a)}
    return sum(count for total, count in own.items() if abs(total - expected) >= off) / sum(own.values())


def test_without_ties_it_is_scipys_exact_mann_whitney_test() -> None:
    draws = np.random.default_rng(1)
    for sizes in ((5, 5), (8, 8), (7, 19), (25, 25), (5, 45), (20, 20)):
        a, b = draws.normal(0, 1, sizes[0]).tolist(), draws.normal(0.7, 1, sizes[1]).tolist()
        wanted = scipy_stats.mannwhitneyu(a, b, method="exact").pvalue
        assert significance.rank_permutation(a, b) == pytest.approx(wanted, rel=1e-12, abs=1e-12)
        assert significance.Ranks.of(a, b).counted


def test_with_ties_it_is_scipys_permutation_test_of_all_assignments() -> None:
    draws = np.random.default_rng(2)
    for n, m in ((5, 5), (5, 8), (7, 6)):
        a, b = draws.integers(0, 5, n).astype(float).tolist(), draws.integers(1, 7, m).astype(float).tolist()
        ranks = scipy_stats.rankdata([*a, *b])
        expected = n * (n + m + 1)

        def off(x: Any, _: Any, axis: int, expected: int = expected) -> Any:
            return np.abs(2 * x.sum(axis) - expected)

        found = scipy_stats.permutation_test(
            (ranks[:n], ranks[n:]), off, permutation_type="independent", alternative="greater", n_resamples=np.inf,
            vectorized=True,
        )  # fmt: skip
        assert significance.rank_permutation(a, b) == pytest.approx(found.pvalue, rel=1e-12, abs=1e-12)


@settings(deadline=None, max_examples=150)
@given(st.lists(few | worst, min_size=1, max_size=30), st.lists(few | worst, min_size=1, max_size=30))
def test_it_is_what_a_plain_count_gives(a: list[float], b: list[float]) -> None:
    found = significance.rank_permutation(a, b)
    if significance.Ranks.of(a, b).counted:
        assert found == pytest.approx(_counted(a, b), rel=1e-12, abs=1e-12)
    assert found == pytest.approx(significance.rank_permutation(b, a), rel=1e-9)
    assert found == pytest.approx(significance.rank_permutation([-x for x in a], [-x for x in b]), rel=1e-9)


@pytest.mark.parametrize(("sizes", "levels"), [
    ((60, 60), 1000), ((60, 60), 9), ((60, 60), 6), ((30, 55), 12), ((8, 60), 1000), ((55, 55), 1000), ((100, 100), 9),
])  # fmt: skip
def test_beyond_what_is_counted_the_error_is_below_what_is_documented(sizes: tuple[int, int], levels: int) -> None:
    draws = np.random.default_rng(levels)
    for shift in (0.0, 0.2, 0.5, 0.7):
        a = np.floor(draws.normal(0, 1, sizes[0]) * levels / 5).tolist()
        b = np.floor(draws.normal(shift, 1, sizes[1]) * levels / 5).tolist()
        assert not significance.Ranks.of(a, b).counted
        wanted = _long(a, b)
        if wanted > 1e-5:
            assert significance.rank_permutation(a, b) == pytest.approx(wanted, rel=0.02)


def _long(a: list[float], b: list[float]) -> float:
    """The count, however long it takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rank_distribution, "MAX_COUNTED", 1000)
        return significance.rank_permutation(a, b)


def test_however_far_the_sides_are_apart_there_is_a_probability() -> None:
    for sizes in ((60, 60), (5, 200), (300, 1000)):
        values = np.arange(sum(sizes), dtype=float).tolist()
        least = significance.rank_permutation(values[: sizes[0]], values[sizes[0] :])
        mixed = significance.rank_permutation(values[:: len(values) // sizes[0]][: sizes[0]], values)
        assert 0 <= least < 1e-6 < mixed <= 1
        assert significance.rank_permutation(values, values) == 1


def test_5000_comparisons_of_100_seeds_with_ties_take_less_than_two_seconds() -> None:
    draws = np.random.default_rng(0)
    rows = [np.clip(draws.normal(6, 2, 100).round(), 0, 8).tolist() for _ in range(101)]
    begin = time.process_time()
    found = [significance.rank_permutation(a, b) for i, a in enumerate(rows) for b in rows[:i]]
    assert len(found) == 5050
    assert time.process_time() - begin < 2
