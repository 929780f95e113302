"""Intervals and ranks at few seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

FEWEST = 5
"""With fewer seeds a side no difference can be shown: even the best case of a permutation test of
3 against 3 has p = .10."""


def mean_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float | None, float | None]:
    """The mean and its Student t interval; no interval for a single value.

    Raises `ValueError` for no values.
    """
    count = len(values)
    if not count:
        raise ValueError("no values")
    mean = sum(values) / count
    if count == 1:
        return mean, None, None
    from scipy.special import stdtrit

    deviation = sqrt(sum((value - mean) ** 2 for value in values) / (count - 1))
    half = float(stdtrit(count - 1, 0.5 + level / 2)) * deviation / sqrt(count)
    return mean, mean - half, mean + half


def welch(a: Sequence[float], b: Sequence[float]) -> float:
    """The two-sided p of Welch's t test (unequal variances); each side needs two values."""
    from scipy.special import stdtr

    (mean_a, part_a), (mean_b, part_b) = _moments(a), _moments(b)
    if part_a + part_b == 0:
        return 1.0 if mean_a == mean_b else 0.0
    t = (mean_a - mean_b) / sqrt(part_a + part_b)
    freedom = (part_a + part_b) ** 2 / (part_a**2 / (len(a) - 1) + part_b**2 / (len(b) - 1))
    return 2 * float(stdtr(freedom, -abs(t)))


def _moments(values: Sequence[float]) -> tuple[float, float]:
    """The mean and its squared standard error."""
    mean = sum(values) / len(values)
    return mean, sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values)


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down correction: adjusted p values, in the given order."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = highest
    return adjusted


def ranks(
    table: Mapping[str, tuple[str, Mapping[str, Sequence[float]]]], level: float = 0.05
) -> dict[str, dict[str, int | None]]:
    """Shared ranks for every score of a table {score: (better, {variant: values})}.

    A rank is 1 + the number of variants that are better by Welch's test, Holm-corrected over all
    pairs and scores of the table: variants that cannot be told apart share one. A variant with
    fewer than five values cannot be ranked: None.
    """
    able = {score: [name for name, own in values.items() if len(own) >= FEWEST] for score, (_, values) in table.items()}
    pairs = [(score, a, b) for score, names in able.items() for i, a in enumerate(names) for b in names[i + 1 :]]
    adjusted = holm([welch(table[score][1][a], table[score][1][b]) for score, a, b in pairs])
    result: dict[str, dict[str, int | None]] = {
        score: {name: 1 if name in able[score] else None for name in values} for score, (_, values) in table.items()
    }
    for (score, a, b), p in zip(pairs, adjusted, strict=True):
        if p < level:
            better, values = table[score]
            a_is_higher = sum(values[a]) / len(values[a]) > sum(values[b]) / len(values[b])
            worse = b if a_is_higher == (better == "higher") else a
            result[score][worse] = (result[score][worse] or 0) + 1
    return result
