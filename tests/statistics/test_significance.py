"""Bootstraps and scaled scores, against scipy and against what must hold whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ganbench.statistics import bootstrap

RNG = np.random.default_rng(0)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Every test draws the same numbers, in whatever order the tests run."""
    RNG.bit_generator.state = START


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
