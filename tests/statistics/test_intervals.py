"""The mean of a few seeds and its interval, by the kind of the score."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from ganbench.statistics.intervals import Kind, mean_of, summary, usable_kind

KINDS: tuple[Kind, ...] = get_args(Kind)
kinds = st.sampled_from(KINDS)
shares = st.lists(st.floats(0, 1), min_size=1, max_size=12)
anything = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12)


def test_the_interval_is_students() -> None:
    values = [1.0, 2.0, 4.0, 3.5, 2.5]
    wanted = scipy_stats.t.interval(0.95, 4, loc=np.mean(values), scale=scipy_stats.sem(values))
    assert summary(values) == pytest.approx((np.mean(values), *wanted))
    with pytest.raises(ValueError, match="no values"):
        summary([])


def test_the_interval_of_a_log_score_is_students_of_its_logarithms_around_the_geometric_mean() -> None:
    values = [30.0, 40.0, 90.0, 35.0, 55.0]
    logs = np.log(values)
    wanted = scipy_stats.t.interval(0.95, 4, loc=logs.mean(), scale=scipy_stats.sem(logs))
    found = summary(values, "log")
    assert found == pytest.approx(tuple(np.exp([logs.mean(), *wanted])))
    assert summary([2 * value for value in values], "log") == pytest.approx(
        tuple(2 * x for x in np.exp([logs.mean(), *wanted]))
    )


def test_one_collapsed_seed_of_eight_leaves_the_mean_inside_its_interval() -> None:
    mean, low, high = summary([40.0] * 7 + [2888.0], "log")
    assert low is not None
    assert high is not None
    assert mean == pytest.approx(40 * (2888 / 40) ** (1 / 8))
    assert low < mean < high


def test_a_log_column_with_a_value_that_is_not_positive_is_linear() -> None:
    values = [-3.0, 1.0, 2.0, 5.0, 4.0]
    assert usable_kind("log", values) == "linear"
    assert usable_kind("log", [1.0, 2.0]) == "log"
    assert usable_kind("log", []) == "log"
    assert summary(values, "log") == summary(values, "linear")


def test_the_interval_of_a_share_ends_at_its_bounds() -> None:
    high = summary([0.99, 1.0, 1.0, 0.9, 1.0], "share")
    low = summary([0.01, 0.0, 0.0, 0.1, 0.0], "share")
    assert high.high == 1
    assert low.low == 0
    percent = [99.0, 100.0, 100.0, 90.0, 100.0]
    assert usable_kind("share", percent) == "linear"
    assert summary(percent, "share") == summary(percent)


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_no_interval_below_five_seeds_or_without_variation(kind: Kind) -> None:
    assert summary([0.5, 0.25, 0.5, 0.25], kind)[1:] == (None, None)
    assert summary([0.5], kind)[1:] == (None, None)
    assert summary([0.7] * 8, kind) == (0.7, None, None)
    jitter = [0.7, 0.7 + 1e-16, 0.7 - 1e-16, 0.7, 0.7]
    assert summary(jitter, kind)[1:] == (None, None)


def test_counts_have_no_interval() -> None:
    assert summary([4, 7, 8, 7, 6, 8, 7, 4], "count") == (6.375, None, None)


@given(anything, kinds)
def test_a_mean_lies_between_its_values_and_inside_its_interval(values: list[float], kind: Kind) -> None:
    mean, low, high = summary(values, kind)
    assert min(values) <= mean <= max(values)
    assert mean == mean_of(values, kind)
    assert (low is None) == (high is None)
    if low is not None and high is not None:
        assert low <= mean <= high


@given(shares)
def test_the_interval_of_shares_is_of_shares(values: list[float]) -> None:
    mean, low, high = summary(values, "share")
    assert 0 <= (mean if low is None else low) <= mean <= (mean if high is None else high) <= 1


@given(st.lists(st.floats(1e-6, 1e6), min_size=5, max_size=12))
def test_the_interval_of_a_log_score_is_above_zero(values: list[float]) -> None:
    low = summary(values, "log").low
    assert low is None or low >= 0
