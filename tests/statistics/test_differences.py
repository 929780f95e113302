"""Differences of two variants, what they show and what they would have shown, against scipy and by simulation."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from ganbench.statistics import claims, differences, significance
from ganbench.statistics.differences import Measure, Sample

RNG = np.random.default_rng(0)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Every test draws the same numbers, in whatever order the tests run."""
    RNG.bit_generator.state = START


UP, DOWN = Measure("higher"), Measure("lower")
COUNTS = Measure("higher", ranks=True)
FACTORS = Measure("lower", logs=True)
PAIRED = Measure("higher", paired=True)


def _sample(values: Iterable[float], failed: int = 0, first: int = 0) -> Sample:
    return Sample({first + i: float(value) for i, value in enumerate(values)}, failed)


def _compared(a: Sample, b: Sample, measure: Measure = UP, level: float = 0.95) -> differences.Difference:
    found = differences.compare(a, b, measure, level)
    assert found is not None
    return found


@pytest.mark.parametrize("level", [0.95, 1 - 0.05 / 12])
def test_two_sides_are_compared_with_scipys_welch_test_even_with_the_same_seeds(level: float) -> None:
    for _ in range(20):
        a, b = RNG.normal(0, 1, 8), RNG.normal(0.5, 3, 6)
        found = _compared(_sample(a), _sample(b), DOWN, level)
        wanted = scipy_stats.ttest_ind(a, b, equal_var=False)
        interval = wanted.confidence_interval(level)
        assert (found.p, found.low, found.high) == pytest.approx((wanted.pvalue, interval.low, interval.high))
        assert (found.test, found.pairs) == ("Welch t", 0)
        assert found.a_better == (a.mean() < b.mean())


def test_seeds_are_paired_only_where_the_measure_says_so_with_scipys_paired_test() -> None:
    for _ in range(20):
        a, b = RNG.normal(0, 1, 8), RNG.normal(0.5, 1, 8)
        found = _compared(_sample(a), _sample(b), PAIRED)
        wanted = scipy_stats.ttest_rel(a, b)
        interval = wanted.confidence_interval()
        assert found.p == pytest.approx(wanted.pvalue, rel=1e-9)
        assert (found.value, found.low, found.high) == pytest.approx(((a - b).mean(), interval.low, interval.high))
        assert (found.test, found.pairs, found.ratio) == ("paired t", 8, False)


def test_pairing_uses_the_seeds_of_both_sides() -> None:
    a, b = RNG.normal(0, 1, 9), RNG.normal(0, 1, 8)
    found = _compared(_sample(a), _sample(b, first=2), PAIRED)
    assert found.p == pytest.approx(scipy_stats.ttest_rel(a[2:], b[:7]).pvalue)
    assert found.pairs == 7
    assert differences.compare(_sample(a), _sample(b, first=6), PAIRED) is None


def test_counts_are_compared_by_exact_ranks_even_where_the_suite_pairs() -> None:
    """Ring8's known difference of the field notes: eight modes in all seeds against 4 to 8."""
    a, b = [8.0] * 8, [7.0, 7, 8, 4, 6, 4, 7, 8]
    for measure in (COUNTS, Measure("higher", ranks=True, paired=True)):
        found = _compared(_sample(a), _sample(b), measure)
        assert found.p == pytest.approx(0.0070, abs=5e-5)
        assert found.p == pytest.approx(significance.rank_permutation(a, b))
        assert (found.test, found.pairs, found.low, found.high, found.a_better) == (
            differences.RANKS,
            0,
            None,
            None,
            True,
        )
        assert found.value == 1.0  # the median of the 64 differences


def test_a_log_score_is_compared_by_its_ratio() -> None:
    a, b = [30.0, 40.0, 90.0, 35.0, 55.0], [60.0, 70.0, 95.0, 80.0, 100.0]
    found = _compared(_sample(a), _sample(b), FACTORS)
    wanted = scipy_stats.ttest_ind(np.log(a), np.log(b), equal_var=False)
    interval = wanted.confidence_interval()
    assert found.ratio
    assert found.value == pytest.approx(exp(np.log(a).mean() - np.log(b).mean()))
    assert (found.p, found.low, found.high) == pytest.approx((wanted.pvalue, exp(interval.low), exp(interval.high)))
    assert found.a_better
    scaled = _compared(_sample([7 * x for x in a]), _sample([7 * x for x in b]), FACTORS)
    assert scaled[:4] == pytest.approx(found[:4])


def test_sides_without_any_noise_are_compared_by_permutation() -> None:
    for measure in (UP, PAIRED, COUNTS):
        same = _compared(_sample([8] * 5), _sample([8] * 5), measure)
        assert (same.p, same.value) == (1.0, 0.0)
    for measure in (UP, COUNTS):
        other = _compared(_sample([8] * 5), _sample([7] * 5), measure)
        assert other.p == pytest.approx(2 / 252)
        assert (other.test, other.pairs) == (differences.RANKS, 0)
    assert _compared(_sample([0.3] * 5), _sample([0.1 + 0.2] * 5)).p == 1.0


def test_a_constant_difference_of_paired_seeds_is_compared_by_its_signs() -> None:
    values = np.arange(4.0, 12.0)
    found = _compared(_sample(values + 1), _sample(values), PAIRED)
    assert (found.p, found.test, found.pairs) == (2 / 2**8, "sign flip", 8)


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_failed_seed_counts_as_the_worst(sign: int, paired: bool) -> None:
    measure = Measure("higher" if sign == 1 else "lower", paired=paired)
    a = _sample(sign * np.arange(5.0, 13))
    b = _sample([sign * value for value in (50, 60, 70)], failed=5)
    found = _compared(a, b, measure)
    assert (found.test, found.value, found.low, found.high) == (differences.RANKS, None, None, None)
    values = [-sign * 1e9] * 5
    assert found.p == pytest.approx(
        significance.rank_permutation(list(a.values.values()), [*b.values.values(), *values])
    )
    assert found.a_better  # though the survivors' mean is far better
    assert _compared(a, Sample({}, failed=8), measure).p < 0.001


values_ = st.lists(st.floats(0.001, 1000), min_size=5, max_size=9)
counts_ = st.lists(st.integers(0, 9).map(float), min_size=5, max_size=9)
families = st.integers(1, 40)


@given(values_, values_, families, st.booleans(), st.booleans())
def test_the_interval_excludes_none_exactly_if_a_difference_is_claimed(
    a: list[float], b: list[float], m: int, logs: bool, paired: bool
) -> None:
    found = claims.decide(_sample(a), _sample(b), Measure("lower", logs=logs, paired=paired), m)
    gap = found.difference
    if gap is None or gap.low is None or gap.high is None:
        return
    none = 1.0 if gap.ratio else 0.0
    if min(abs(gap.low - none), abs(gap.high - none)) < 1e-9:
        return  # on the border, to within rounding
    assert (found.claim in ("better", "worse")) == (not gap.low < none < gap.high)
    if found.claim == "better":
        assert gap.high < none
    if found.claim == "worse":
        assert gap.low > none


@given(counts_, counts_, families)
def test_the_median_difference_of_counts_never_contradicts_the_claim(a: list[float], b: list[float], m: int) -> None:
    found = claims.decide(_sample(a), _sample(b), COUNTS, m)
    assert found.difference is not None
    assert found.difference.value is not None
    if found.claim in ("better", "worse"):
        assert (found.difference.value >= 0) if found.claim == "better" else (found.difference.value <= 0)
        assert not found.hopeless


@given(values_, values_, families, st.sampled_from([UP, COUNTS, FACTORS, Measure("lower", margin=3.0)]))
def test_the_order_of_the_two_turns_the_judgment(a: list[float], b: list[float], m: int, measure: Measure) -> None:
    one, two = (
        claims.decide(_sample(a), _sample(b), measure, m),
        claims.decide(_sample(b), _sample(a), measure, m).turned,
    )
    assert one.claim == two.claim
    assert one.p == pytest.approx(two.p)
    assert one.difference is not None
    assert two.difference is not None
    for ours, theirs in zip(one.difference[:3], two.difference[:3], strict=True):
        assert ours == theirs if ours is None or theirs is None else ours == pytest.approx(theirs, rel=1e-6, abs=1e-9)


def test_bonferroni_multiplies_p_by_the_size_of_the_family() -> None:
    a, b = _sample([0, 1, 2, 3, 4]), _sample([0.9, 2.0, 3.4, 3.8, 6.7])
    p = _compared(a, b).p
    assert 0.05 < p < 0.5
    assert claims.decide(a, b, UP, 2).p_adjusted == pytest.approx(2 * p)
    assert claims.decide(a, b, UP, 100).p_adjusted == 1.0
    c = _sample([4.0, 5, 6, 7, 8])
    alone = claims.decide(c, a, UP, 1)
    assert (alone.claim, alone.level) == ("better", 0.95)
    assert claims.decide(c, a, UP, 100).claim == "inconclusive"


def test_fewer_than_five_seeds_claim_nothing() -> None:
    for measure in (UP, COUNTS, PAIRED):
        found = claims.decide(_sample([1, 1, 1, 1]), _sample([9, 9, 9, 9, 9]), measure, 1)
        assert (found.claim, found.difference, found.p, found.p_adjusted) == ("too few seeds", None, None, None)


def test_five_seeds_of_counts_are_hopeless_in_a_family_of_seven() -> None:
    """The smallest p of five against five is 2/252: 6 times it is below .05, 7 times is not."""
    a, b = _sample([8] * 5), _sample([1] * 5)
    assert claims.decide(a, b, COUNTS, 6).claim == "better"
    found = claims.decide(a, b, COUNTS, 7)
    assert (found.claim, found.hopeless, found.detectable) == ("inconclusive", True, None)


def test_equal_is_said_only_where_the_whole_interval_is_within_the_margin() -> None:
    stream = np.random.default_rng(1)  # two samples of one law whose difference is not significant
    a, b = stream.normal(10, 0.1, 8), stream.normal(10, 0.1, 8)
    interval = scipy_stats.ttest_ind(a, b, equal_var=False).confidence_interval(1 - 0.05 / 3)
    reach = max(-interval.low, interval.high)
    wide, narrow = (Measure("higher", margin=reach * factor) for factor in (1.001, 0.999))
    assert claims.decide(_sample(a), _sample(b), wide, 3).claim == "equal"
    assert claims.decide(_sample(a), _sample(b), narrow, 3).claim == "inconclusive"
    assert claims.decide(_sample(a), _sample(b), UP, 3).claim == "inconclusive"
    logs = [Measure("higher", logs=True, margin=exp(reach * factor)) for factor in (1.001, 0.999)]
    found = [claims.decide(_sample(np.exp(a)), _sample(np.exp(b)), measure, 3).claim for measure in logs]
    assert found == ["equal", "inconclusive"]
    assert claims.decide(_sample(a, failed=1), _sample(b), wide, 3).claim == "inconclusive"


def test_counts_are_equal_if_the_exact_test_refuses_both_margins() -> None:
    measure = Measure("higher", ranks=True, margin=0.5)
    assert claims.decide(_sample([8] * 8), _sample([8] * 8), measure, 3).claim == "equal"
    assert claims.decide(_sample([8] * 8), _sample([8] * 7 + [7]), measure, 3).claim == "equal"
    assert claims.decide(_sample([8] * 8), _sample([8] * 5 + [7] * 3), measure, 3).claim == "inconclusive"
    assert claims.decide(_sample([8] * 8), _sample([7] * 8), measure, 3).claim == "better"


def test_a_claimed_difference_can_be_within_the_margin() -> None:
    found = claims.decide(_sample(RNG.normal(0, 1, 8)), _sample(RNG.normal(9, 1, 8)), Measure("lower", margin=30.0), 3)
    assert (found.claim, found.within) == ("better", True)


def test_without_variation_there_is_nothing_to_test() -> None:
    assert not differences.varies([_sample([8] * 5), _sample([8] * 5)])
    assert not differences.varies([_sample([0.3] * 5), _sample([0.1 + 0.2] * 5)])
    assert not differences.varies([Sample({}, failed=5), Sample({}, failed=5)])
    assert differences.varies([_sample([8] * 5), _sample([8] * 4, failed=1)])
    assert differences.varies([_sample([8] * 5), _sample([7] * 5)])


@pytest.mark.parametrize(("comparisons", "wanted"), [(1, 1.51), (3, 1.81), (6, 1.99), (36, 2.47)])
def test_the_detectable_difference_of_eight_seeds_is_that_of_the_noncentral_t(comparisons: int, wanted: float) -> None:
    values = np.linspace(-1, 1, 8)
    one = _sample(values / values.std(ddof=1))
    assert differences.detectable(one, one, UP, 0.05 / comparisons) == pytest.approx(wanted, abs=0.005)


@pytest.mark.parametrize("comparisons", [1, 10])
@pytest.mark.parametrize("paired", [False, True])
def test_a_detectable_difference_is_detected_four_times_in_five(comparisons: int, paired: bool) -> None:
    """Simulated: sides with the noise of the samples, shifted by what is said to be detectable."""
    a, b = RNG.normal(0, 1, 8), RNG.normal(0, 2, 8)
    gap = differences.detectable(_sample(a), _sample(b), Measure("higher", paired=paired), 0.05 / comparisons)
    assert gap is not None
    draws = np.random.default_rng(1)
    if paired:
        found = scipy_stats.ttest_1samp(draws.normal(gap, np.std(a - b, ddof=1), (20_000, 8)), 0, axis=1)
    else:
        sides = [draws.normal(m, np.std(side, ddof=1), (20_000, 8)) for m, side in ((gap, a), (0, b))]
        found = scipy_stats.ttest_ind(*sides, axis=1, equal_var=False)
    assert np.mean(found.pvalue < 0.05 / comparisons) == pytest.approx(0.8, abs=0.02)


def test_a_detectable_difference_of_counts_is_found_by_ranks_about_four_times_in_five() -> None:
    draws = np.random.default_rng(2)
    spread = [draws.integers(0, 10, 12) for _ in range(2)]
    gap = differences.detectable(_sample(spread[0]), _sample(spread[1]), COUNTS, 0.05 / 3)
    assert gap is not None
    noise = np.sqrt(np.mean([side.var(ddof=1) for side in spread]))
    sides = [draws.normal(m, noise, (1500, 12)).tolist() for m in (gap, 0)]
    found = np.mean([significance.rank_permutation(x, y) < 0.05 / 3 for x, y in zip(*sides, strict=True)])
    assert found == pytest.approx(0.8, abs=0.05)


def test_there_is_no_power_without_noise_or_seeds() -> None:
    flat, few, noisy = _sample([8] * 5), _sample([1, 2, 3]), _sample([1, 2, 3, 4, 6])
    for measure in (UP, COUNTS, PAIRED):
        assert differences.detectable(flat, flat, measure) is None
        assert differences.detectable(few, noisy, measure) is None
        assert differences.detectable(noisy, _sample([2, 2, 3, 5], failed=1), measure) is None
    factor = differences.detectable(noisy, noisy, FACTORS)
    assert factor is not None
    logs = _sample([log(value) for value in noisy.values.values()])
    assert factor == pytest.approx(exp(differences.detectable(logs, logs, UP) or 0))
