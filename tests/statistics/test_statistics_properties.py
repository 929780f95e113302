"""Properties of the tests and means that hold for any values."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.statistics import best_of_k, means, significance

finite = st.floats(-1e6, 1e6, allow_nan=False)
few = st.lists(st.integers(0, 4).map(float), min_size=1, max_size=5)


@given(few, few)
def test_the_rank_permutation_is_that_of_all_assignments(a: list[float], b: list[float]) -> None:
    """Counted by hand: the share of all choices of a's side whose rank sum is at least as far from its mean."""
    pooled = [*a, *b]
    ranks = [Fraction(sum(x < y for x in pooled) * 2 + sum(x == y for x in pooled) + 1, 2) for y in pooled]
    sums = [sum(ranks[i] for i in chosen) for chosen in combinations(range(len(pooled)), len(a))]
    center = Fraction(len(a) * (len(pooled) + 1), 2)
    off = abs(sum(ranks[: len(a)]) - center)
    exact = Fraction(sum(abs(one - center) >= off for one in sums), len(sums))
    assert significance.rank_permutation(a, b) == pytest.approx(float(exact))


@given(few, few)
def test_the_rank_permutation_is_symmetric(a: list[float], b: list[float]) -> None:
    assert significance.rank_permutation(a, b) == pytest.approx(significance.rank_permutation(b, a))
    assert significance.Ranks.of(a, b).excess == -significance.Ranks.of(b, a).excess


@given(st.integers(5, 9), st.floats(0.5, 8))
def test_constant_differences_are_tested_by_their_signs(count: int, shift: float) -> None:
    """All 2^n assignments of signs: only the two in which all agree are as far from 0."""
    values = [float(i) for i in range(count)]
    gap, _, p, test = significance.paired([value + shift for value in values], values)
    sums = [abs(sum(signs)) for signs in product((-1, 1), repeat=count)]
    assert test == "sign flip"
    assert gap == pytest.approx(shift)
    assert p == sum(one == count for one in sums) / len(sums)


@given(st.lists(finite, min_size=1, max_size=20))
def test_the_mean_is_the_exact_sum_rounded_once(values: list[float]) -> None:
    exact = sum(map(Fraction, values), Fraction(0))
    assert means.mean(values) == float(exact) / len(values)
    assert means.mean(values) == means.mean(sorted(values))


def test_a_mean_of_huge_values_is_finite() -> None:
    assert means.mean([1e308] * 4) == pytest.approx(1e308)


@given(st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=6), st.sampled_from(["higher", "lower"]))
def test_the_expected_best_is_the_mean_over_all_subsets(values: list[float], better: str) -> None:
    best = max if better == "higher" else min
    for k, found in enumerate(best_of_k.expected_best(values, better), start=1):
        chosen = [best(subset) for subset in combinations(values, k)]
        assert found == pytest.approx(sum(chosen) / math.comb(len(values), k))
