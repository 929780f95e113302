"""Draws of a few seeds: exact where they can be enumerated, and as normal theory says."""

from __future__ import annotations

from itertools import combinations, product
from math import sqrt
from statistics import NormalDist, fmean

import numpy as np
import pytest

from ganbench.statistics.differences import Measure, Sample
from ganbench.statistics.seed_draws import Values, apart, first_share, oriented, winners

NONE = -np.inf
BETTER, WORSE = [5.0, 2.0, 7.0, 4.0, 6.0], [3.0, 4.0, 1.0, 6.5]


def reversed_share(better: Values, worse: Values, k: int) -> float:
    """How often the worse variant has the better mean."""
    return winners(better, worse, k).second


@pytest.mark.parametrize("k", [1, 2, 3])
def test_every_draw_of_one_side_meets_every_draw_of_the_other(k: int) -> None:
    pairs = list(product(combinations(BETTER, k), combinations(WORSE, k)))
    wanted = fmean(fmean(theirs) > fmean(ours) for ours, theirs in pairs)
    assert reversed_share(np.array(BETTER), np.array(WORSE), k) == pytest.approx(wanted)


def test_equal_means_name_no_winner() -> None:
    assert reversed_share(np.array([1.0, 1.0]), np.array([1.0, 2.0]), 1) == 0.5


@pytest.mark.parametrize("k", [1, 4, 16])
def test_normal_values_give_the_share_of_the_normal_distribution(k: int) -> None:
    quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / 400) for i in range(400)])
    gap = 1.0 / sqrt(k)
    found = reversed_share(quantiles + gap, quantiles, k)
    # the difference of two means of k has standard deviation sqrt(2 / k), a little less without replacement
    assert found == pytest.approx(NormalDist().cdf(-gap / sqrt(2 / k)), abs=0.01)


@pytest.mark.parametrize("k", [1, 3])
def test_two_draws_of_one_variant_differ_as_normal_theory_says(k: int) -> None:
    quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / 200) for i in range(200)])
    gaps = apart(quantiles, k)
    for share in (0.5, 0.95):
        wanted = NormalDist().inv_cdf((1 + share) / 2) * sqrt(2 / k)
        assert float(np.quantile(gaps, share)) == pytest.approx(wanted, rel=0.04)


def test_disjoint_draws_need_twice_the_seeds_and_leave_failures_out() -> None:
    values = oriented(Sample({0: 1.0, 1: 2.0, 2: 4.0}, failed=1), Measure("higher"))
    assert sorted(apart(values, 1)) == [1, 2, 3]
    assert len(apart(values, 2)) == 0


def test_more_is_better_and_a_failed_seed_is_the_worst() -> None:
    lower = oriented(Sample({3: 8.0, 1: 2.0}, failed=1), Measure("lower", logs=True))
    assert lower.tolist() == [-np.log(2.0), -np.log(8.0), -np.inf]
    # a failed seed loses against any other, two failed ones are equal
    assert reversed_share(np.array([0.0, -np.inf]), np.array([-5.0, -np.inf]), 1) == 0.25


@pytest.mark.parametrize("k", [1, 2, 3])
def test_of_two_draws_the_one_with_fewer_failures_wins_and_of_equally_many_the_other_seeds_decide(k: int) -> None:
    a, b = [4.0, 1.0, 2.0, NONE], [3.0, 2.0, NONE, NONE]

    def key(drawn: tuple[float, ...]) -> tuple[int, float]:
        return -sum(value == NONE for value in drawn), sum(value for value in drawn if value != NONE)

    pairs = list(product(combinations(a, k), combinations(b, k)))
    found = winners(np.array(a), np.array(b), k)
    assert found.first == pytest.approx(fmean(key(x) > key(y) for x, y in pairs))
    assert found.second == pytest.approx(fmean(key(x) < key(y) for x, y in pairs))


def test_failures_of_both_variants_do_not_hide_which_is_better() -> None:
    quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / 24) for i in range(24)])
    good, poor = (np.concatenate((quantiles + gap, [NONE] * 8)) for gap in (3.0, 0.0))
    few, many = winners(good, poor, 1), winners(good, poor, 8)
    assert few.first + few.second == pytest.approx(1 - (8 / 32) ** 2)  # only two failures are equal
    assert many.first + many.second == pytest.approx(1, abs=1e-9)


def test_variants_that_only_fail_are_equal() -> None:
    assert winners(np.array([NONE] * 3), np.array([NONE] * 4), 2) == (0, 0)


def test_the_first_of_a_table_of_one_seed_each() -> None:
    three = [np.array([1.0, 3.0]), np.array([2.0, 2.0]), np.array([-9.0, -9.0])]
    assert first_share(three, [True, False, False], 1) == pytest.approx(0.5, abs=0.02)
    assert first_share(three, [False, False, True], 1) == 0
    assert first_share([np.array([1.0, 1.0])] * 2, [True, False], 2) == 0.5  # a tie is shared
