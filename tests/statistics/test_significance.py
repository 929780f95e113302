"""Intervals, tests, ranks and bootstraps, against scipy and against what must hold whatever the numbers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from math import exp

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ganbench.statistics import bootstrap, ranking, significance
from ganbench.statistics.ranking import Column, Sample

RNG = np.random.default_rng(0)


def _sample(values: Iterable[float], failed: int = 0, first: int = 0) -> Sample:
    return Sample({first + i: float(value) for i, value in enumerate(values)}, failed)


def _compared(a: Sample, b: Sample, better: str, scale: str = "linear") -> ranking.Difference:
    found = ranking.compare(a, b, better, scale)
    assert found is not None
    return found


def _detectable(samples: list[Sample], comparisons: int, scale: str = "linear") -> ranking.Power:
    found = ranking.detectable(samples, comparisons, scale)
    assert found is not None
    return found


def test_the_interval_is_students() -> None:
    values = [1.0, 2.0, 4.0, 3.5, 2.5]
    mean, low, high = significance.mean_interval(values)
    wanted = scipy_stats.t.interval(0.95, 4, loc=np.mean(values), scale=scipy_stats.sem(values))
    assert (mean, low, high) == pytest.approx((np.mean(values), *wanted))
    assert significance.mean_interval([3.0]) == (3.0, None, None)
    assert significance.mean_interval([3.0, 3.0]) == (3.0, 3.0, 3.0)
    with pytest.raises(ValueError, match="no values"):
        significance.mean_interval([])


def test_the_interval_of_a_log_score_is_students_of_its_logarithms() -> None:
    values = [30.0, 40.0, 90.0, 35.0, 55.0]
    mean, low, high = significance.mean_interval(values, scale="log")
    logs = np.log(values)
    wanted = scipy_stats.t.interval(0.95, 4, loc=logs.mean(), scale=scipy_stats.sem(logs))
    assert mean == pytest.approx(50.0)
    assert (low, high) == pytest.approx(tuple(np.exp(wanted)))
    doubled = significance.mean_interval([2 * value for value in values], scale="log")
    assert low is not None
    assert high is not None
    assert doubled == pytest.approx((2 * mean, 2 * low, 2 * high))
    assert significance.mean_interval([0.0, 1.0, 2.0], scale="log") == significance.mean_interval([0.0, 1.0, 2.0])


def test_seeds_in_common_are_compared_one_to_one_with_scipys_paired_test() -> None:
    for _ in range(20):
        a, b = RNG.normal(0, 1, 8), RNG.normal(0.5, 1, 8)
        found = _compared(_sample(a), _sample(b), "higher")
        wanted = scipy_stats.ttest_rel(a, b)
        interval = wanted.confidence_interval()
        assert found.p == pytest.approx(wanted.pvalue, rel=1e-9)
        assert (found.value, found.low, found.high) == pytest.approx(((a - b).mean(), interval.low, interval.high))
        assert (found.test, found.pairs, found.ratio) == ("paired t", 8, False)
        assert found.a_better == (a.mean() > b.mean())
        assert found.value is not None
        turned = _compared(_sample(b), _sample(a), "higher")
        assert (turned.p, turned.value, turned.a_better) == pytest.approx((found.p, -found.value, not found.a_better))


def test_other_seeds_are_compared_with_scipys_welch_test() -> None:
    for _ in range(20):
        a, b = RNG.normal(0, 1, 8), RNG.normal(0.5, 3, 6)
        found = _compared(_sample(a), _sample(b, first=100), "lower")
        wanted = scipy_stats.ttest_ind(a, b, equal_var=False)
        interval = wanted.confidence_interval()
        assert (found.p, found.low, found.high) == pytest.approx((wanted.pvalue, interval.low, interval.high))
        assert (found.test, found.pairs) == ("Welch t", 0)


def test_a_log_score_is_compared_by_its_ratio() -> None:
    a, b = [30.0, 40.0, 90.0, 35.0, 55.0], [60.0, 70.0, 95.0, 80.0, 100.0]
    found = _compared(_sample(a), _sample(b), "lower", "log")
    gaps = np.log(a) - np.log(b)
    assert found.ratio
    assert found.value == pytest.approx(exp(gaps.mean()))
    assert found.p == pytest.approx(scipy_stats.ttest_1samp(gaps, 0).pvalue)
    assert found.a_better
    scaled = _compared(_sample([7 * x for x in a]), _sample([7 * x for x in b]), "lower", "log")
    assert scaled[:4] == pytest.approx(found[:4])


def test_fewer_than_five_seeds_claim_nothing() -> None:
    assert ranking.compare(_sample([1, 1, 1, 1]), _sample([9, 9, 9, 9, 9]), "higher") is None
    found = ranking.ranked({"x": Column("higher", {"a": _sample([1, 2]), "b": _sample([9, 9.5])})})
    assert found.ranks == {"x": {"a": None, "b": None}}


def test_sides_without_any_noise_are_compared_by_permutation() -> None:
    same = _compared(_sample([8] * 5), _sample([8] * 5), "higher")
    assert (same.p, same.value) == (1.0, 0.0)
    other = _compared(_sample([8] * 5), _sample([7] * 5), "higher")
    assert other.p == pytest.approx(2 / 252)
    assert (other.test, other.pairs) == ("rank permutation", 0)
    apart = _compared(_sample([8] * 5), _sample([7] * 5, first=10), "higher")
    assert apart.p == pytest.approx(2 / 252)
    for first in (0, 10):
        rounded = _compared(_sample([0.3] * 5), _sample([0.1 + 0.2] * 5, first=first), "higher")
        assert rounded.p == 1.0


def test_a_constant_difference_of_paired_seeds_is_compared_by_its_signs() -> None:
    values = np.arange(4.0, 12.0)
    found = _compared(_sample(values + 1), _sample(values), "higher")
    assert (found.p, found.test, found.pairs) == (2 / 2**8, "sign flip", 8)


def test_unequal_seeds_are_not_paired_so_that_no_value_is_dropped() -> None:
    a, b = [5.5, 5.6, 5.4, 5.7, 5.55, 1.0, 1.0, 1.0], [5.0, 5.05, 4.95, 5.0, 5.1]
    found = _compared(_sample(a), _sample(b), "higher")
    assert (found.test, found.pairs) == ("Welch t", 0)
    assert found.value == pytest.approx(np.mean(a) - np.mean(b))


@pytest.mark.parametrize("ties", [False, True])
def test_the_rank_permutation_is_counted_exactly(ties: bool) -> None:
    for _ in range(10):
        a, b = RNG.normal(0, 1, 5), RNG.normal(1, 1, 6)
        a, b = (a.round(), b.round()) if ties else (a, b)
        pooled = scipy_stats.rankdata([*a, *b])
        sums = np.array([pooled[list(rows)].sum() for rows in combinations(range(11), 5)])
        off = abs(pooled[:5].sum() - sums.mean())
        assert significance.rank_permutation(list(a), list(b)) == pytest.approx(
            np.mean(np.abs(sums - sums.mean()) >= off - 1e-9)
        )
    many = RNG.normal(0, 1, 150), RNG.normal(0.2, 1, 150)
    wanted = scipy_stats.mannwhitneyu(*many, use_continuity=False, method="asymptotic").pvalue
    assert significance.rank_permutation(*map(list, many)) == pytest.approx(wanted, rel=1e-6)


def test_a_failed_seed_counts_as_the_worst() -> None:
    good = _sample([5, 6, 7, 8, 9, 10, 11, 12])
    for better, sign in (("higher", 1), ("lower", -1)):
        a = Sample({seed: sign * value for seed, value in good.values.items()})
        b = Sample({seed: sign * value for seed, value in enumerate([50, 60, 70])}, failed=5)
        found = _compared(a, b, better)
        assert found.test == "rank permutation"
        assert (found.low, found.high) == (None, None)
        values = [-1e9 if sign == 1 else 1e9] * 5
        assert found.p == pytest.approx(
            significance.rank_permutation(list(a.values.values()), [*b.values.values(), *values])
        )
        assert found.a_better  # though the survivors' mean is far better
    everything = _compared(good, Sample({}, failed=8), "higher")
    assert everything.value is None
    assert everything.p < 0.001
    assert everything.a_better


def test_holm_steps_down() -> None:
    assert significance.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert significance.holm([]) == []


def test_ranks_are_shared_without_a_significant_difference() -> None:
    values = {"a": [1.0, 1.1, 0.9, 1.05, 0.95], "b": [1.02, 1.1, 0.92, 1.0, 0.97], "c": [5.0, 5.1, 4.9, 5.2, 4.8]}
    samples = {name: _sample(own) for name, own in values.items()}
    found = ranking.ranked({"down": Column("lower", samples), "up": Column("higher", samples)}).ranks
    assert found["down"] == {"a": 1, "b": 1, "c": 3}
    assert found["up"] == {"a": 2, "b": 2, "c": 1}


def test_holm_counts_every_comparison_of_the_table() -> None:
    """A p of .03 stands alone, and falls beside nine others."""
    samples = {"a": _sample([0, 1, 2, 3, 4]), "b": _sample([0.9, 2.0, 3.4, 3.8, 6.7])}
    p = _compared(samples["a"], samples["b"], "higher").p
    assert 0.01 < p < 0.05
    assert ranking.ranked({"x": Column("higher", samples)}).ranks["x"] == {"a": 2, "b": 1}
    many = ranking.ranked({f"x{i}": Column("higher", samples) for i in range(10)})
    assert all(found == {"a": 1, "b": 1} for found in many.ranks.values())
    assert many.pairs["x0", "a", "b"][1] == pytest.approx(min(1, 10 * p))


def test_the_order_of_variants_and_seeds_changes_nothing() -> None:
    samples = {name: _sample(RNG.normal(shift, 1, 8)) for name, shift in (("a", 0), ("b", 3), ("c", 0.2))}
    found = ranking.ranked({"x": Column("higher", samples)}).ranks["x"]
    turned = {name: Sample(dict(reversed(list(samples[name].values.items())))) for name in ("c", "a", "b")}
    assert ranking.ranked({"x": Column("higher", turned)}).ranks["x"] == found


@pytest.mark.parametrize("comparisons", [1, 10])
def test_a_detectable_difference_is_detected_four_times_in_five(comparisons: int) -> None:
    """Simulated: differences with the noise of the sample, shifted by what is said to be detectable."""
    a, b = RNG.normal(0, 1, 8), RNG.normal(0, 1, 8)
    gap, seeds = _detectable([_sample(a), _sample(b)], comparisons)
    assert seeds == 8
    noise = np.std(a - b, ddof=1)
    drawn = np.random.default_rng(1).normal(gap, noise, (20_000, 8))
    found = scipy_stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05 / comparisons
    assert found.mean() == pytest.approx(0.8, abs=0.015)


def test_there_is_no_power_without_noise_or_seeds() -> None:
    assert ranking.detectable([_sample([8] * 5), _sample([8] * 5)], 1) is None
    assert ranking.detectable([_sample([1, 2, 3]), _sample([2, 2, 3])], 1) is None
    factor, seeds = _detectable([_sample([1, 2, 3, 4, 5]), _sample([2, 2, 3, 5, 4]), _sample([1, 2])], 1, "log")
    assert factor > 1
    assert seeds == 5  # the third sample is not compared, and says nothing
    assert ranking.detectable([_sample([1, 2, 3, 4, 6]), _sample([2, 2, 3, 5], failed=1)], 1) is None


def test_the_interquartile_mean_is_scipys_trimmed_mean_and_its_interval_scipys_bootstrap() -> None:
    strata = [RNG.random(8), RNG.random(8), RNG.random(5)]
    found, low, high = bootstrap.iqm(strata)
    assert found == pytest.approx(scipy_stats.trim_mean(np.concatenate(strata), 0.25))
    draws = np.random.default_rng(7)
    again = [
        scipy_stats.trim_mean(np.concatenate([draws.choice(side, len(side)) for side in strata]), 0.25)
        for _ in range(4_000)
    ]
    assert (low, high) == pytest.approx(tuple(np.quantile(again, [0.025, 0.975])), abs=0.02)
    assert bootstrap.iqm(strata) == (found, low, high)
    assert bootstrap.iqm(strata, seed=1)[1:] != (low, high)


def test_the_probability_of_improvement_is_scipys_u() -> None:
    a = [RNG.random(8).round(1), RNG.random(5)]
    b = [RNG.random(8).round(1) + 0.1, RNG.random(6)]
    found, low, high = bootstrap.improvement(a, b)
    wanted = [scipy_stats.mannwhitneyu(x, y).statistic / len(x) / len(y) for x, y in zip(a, b, strict=True)]
    assert found == pytest.approx(np.mean(wanted))
    draws = np.random.default_rng(7)
    again = [
        np.mean([np.mean(_wins(draws.choice(x, len(x)), draws.choice(y, len(y)))) for x, y in zip(a, b, strict=True)])
        for _ in range(4_000)
    ]
    assert (low, high) == pytest.approx(tuple(np.quantile(again, [0.025, 0.975])), abs=0.02)
    assert bootstrap.improvement(b, a)[0] == pytest.approx(1 - found)


def _wins(x: bootstrap.Array, y: bootstrap.Array) -> bootstrap.Array:
    return np.asarray(np.greater.outer(x, y) + 0.5 * np.equal.outer(x, y))


def test_scores_are_placed_between_references() -> None:
    assert bootstrap.normalized(4, 0, 8) == 0.5
    assert bootstrap.normalized(-3, 0, 8) == 0
    assert bootstrap.normalized(100, 1000, 10, "log") == pytest.approx(0.5)
    assert bootstrap.normalized(5, 1000, 10, "log") == bootstrap.normalized(-1, 1000, 10, "log") == 1
    assert bootstrap.normalized(-1, 10, 1000, "log") == 0
    for ends, scale in (((3, 3), "linear"), ((0, 3), "log")):
        with pytest.raises(ValueError, match="references"):
            bootstrap.normalized(1, *ends, scale)


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_the_test_holds_its_level_and_finds_what_is_there(shift: float) -> None:
    draws = np.random.default_rng(3)
    claims = [
        _compared(_sample(draws.normal(0, 1, 8)), _sample(draws.normal(shift, 1, 8)), "higher").p < 0.05
        for _ in range(1000)
    ]
    assert (np.mean(claims) <= 0.07) if shift == 0 else (np.mean(claims) > 0.8)


def test_only_who_is_better_than_another_leads() -> None:
    """b lies highest, but so widely that it cannot be told from either."""
    samples = {
        "a": _sample([10, 10.1, 9.9, 10.2, 9.8]),
        "b": _sample([-8, 20, 4, 60, 54]),
        "c": _sample([0, 0.1, -0.1, 0, 0.2]),
    }
    found = ranking.ranked({"x": Column("higher", samples)})
    assert found.ranks["x"] == {"a": 1, "b": 1, "c": 2}
    assert [name for name in samples if "x" in found.leads(name)] == ["a"]
