"""The expected best of k draws: exact over all subsets, with intervals that are always the same."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ganbench.statistics import best_of_k


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_the_best_of_k_is_the_mean_over_all_subsets(better: str) -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
    best = max if better == "higher" else min
    brute = [np.mean([best(subset) for subset in combinations(values, k)]) for k in range(1, 9)]
    assert best_of_k.expected_best(values, better) == pytest.approx(brute)
    assert best_of_k.expected_best(values, better)[0] == pytest.approx(np.mean(values))
    assert best_of_k.expected_best(values, better)[-1] == best(values)


def test_what_is_chosen_by_one_half_is_reported_by_the_other() -> None:
    """Against every subset, ties broken evenly."""
    chosen, reported = [1.0, 2.0, 2.0, 5.0, 3.0], [0.1, 0.9, 0.3, 0.2, 0.7]
    brute = []
    for k in range(1, 6):
        means = []
        for subset in combinations(range(5), k):
            least = min(chosen[i] for i in subset)
            means.append(np.mean([reported[i] for i in subset if chosen[i] == least]))
        brute.append(np.mean(means))
    assert best_of_k.expected_best(chosen, "lower", reported) == pytest.approx(brute)


def test_weights_are_a_distribution_and_do_not_overflow() -> None:
    found = best_of_k.weights(1000)
    assert np.all(found >= 0)
    assert found.sum(axis=1) == pytest.approx(np.ones(1000))
    assert best_of_k.weights(6)[2] == pytest.approx([10 / 20, 6 / 20, 3 / 20, 1 / 20, 0, 0])


def test_the_interval_of_one_draw_is_that_of_a_mean() -> None:
    values = np.random.default_rng(1).normal(3, 1, 40).tolist()
    low, high = best_of_k.intervals(values, "lower")[0]
    reference = scipy_stats.bootstrap((values,), np.mean, method="percentile", random_state=0).confidence_interval
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=0.05)
    assert best_of_k.intervals(values, "lower") == best_of_k.intervals(values, "lower")
    assert best_of_k.intervals(values, "lower")[-1][0] == min(values)  # nothing better than the best one seen
