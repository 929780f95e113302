"""How the rank sum of one side is distributed over all assignments of tied values to two sides.

The ties are given as `counts`: how many values are equal to the smallest one, to the next one, and so on. Ranks are
doubled midranks, which are integers. The `excess` of a side is its doubled rank sum less the expected one.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb, copysign, erfc, exp, gcd, log, pi, prod, sinh, sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

MAX_COUNTED = 50
"""Values outside the largest tie up to which the distribution is counted."""
MAX_LISTED = 5_000
"""Ways to divide the ties, the largest one aside, up to which they are listed."""
NEWTON_STEPS = 50
"""Steps after which the search for a saddlepoint ends; five are usual."""
ACCURACY = 1e-12
"""The gain of a step below which it is the last."""
NEAR = 1e-4
"""Below so many standard deviations the normal approximation is all that is needed."""


def two_sided(few: int, counts: tuple[int, ...], excess: int) -> float:
    """The probability that the excess of a side of `few` values is as far from 0 as `excess`, or farther.

    It is exact where `is_counted` says so, and otherwise approximated by saddlepoints: within 2 % if it is above 1e-5.
    """
    off = abs(excess)
    few = min(few, sum(counts) - few)  # the other side has the opposite excess
    if off == 0 or few == 0 or len(counts) < 2:
        return 1.0
    if is_counted(counts):
        excesses, chances = _distribution(few, counts)
        return min(1.0, float(chances[np.abs(excesses) >= off].sum()))
    ranks = _centered(counts)
    upper = _upper_tail(few, counts, ranks, off)
    lower = upper if 2 * few == sum(counts) else _upper_tail(few, counts, -ranks, off)
    return min(1.0, upper + lower)


def is_counted(counts: tuple[int, ...]) -> bool:
    """Whether the distribution is exact: by the number of values, and by their ties, but not by the sides."""
    largest = max(counts)
    return sum(counts) - largest <= MAX_COUNTED or prod(count + 1 for count in counts) <= MAX_LISTED * (largest + 1)


def _centered(counts: tuple[int, ...]) -> Integers:
    """The doubled midrank of each tie, less the mean of all."""
    sizes = np.array(counts, dtype=np.int64)
    return np.asarray(2 * np.cumsum(sizes) - sizes - sizes.sum(), dtype=np.int64)


@lru_cache(maxsize=256)
def _distribution(few: int, counts: tuple[int, ...]) -> tuple[Integers, Array]:
    """Every excess of a side of `few` values, and its probability.

    What is chosen outside the largest tie determines what is chosen of it.
    """
    ranks, largest = _centered(counts), int(np.argmax(counts))
    rest = [(counts[i], int(ranks[i] - ranks[largest])) for i in range(len(counts)) if i != largest]
    listed = prod(count + 1 for count, _ in rest) <= MAX_LISTED
    chosen, sums, ways = _listed(rest, few) if listed else _counted(rest, few)
    size = counts[largest]
    possible = (chosen >= few - size) & (chosen <= few)
    chosen, sums, ways = chosen[possible], sums[possible], ways[possible]
    all_ways = comb(sum(counts), few)
    filled = np.array([comb(size, few - k) / all_ways if 0 <= few - k <= size else 0.0 for k in range(few + 1)])
    return sums + few * int(ranks[largest]), ways * filled[chosen]


def _listed(ties: list[tuple[int, int]], few: int) -> tuple[Integers, Integers, Array]:
    """How many values are chosen of some ties, their rank sum, and in how many ways: every way to divide the ties."""
    chosen, sums, ways = np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1)
    for count, rank in ties:
        own = np.arange(min(count, few) + 1)
        chosen = np.add.outer(chosen, own).ravel()
        sums = np.add.outer(sums, own * rank).ravel()
        ways = np.multiply.outer(ways, [float(comb(count, k)) for k in own.tolist()]).ravel()
    return chosen, sums, ways


def _counted(ties: list[tuple[int, int]], few: int) -> tuple[Integers, Integers, Array]:
    """The same by adding value after value to a table of numbers chosen and rank sums (Streitberg and Roehmel 1986)."""
    unit = gcd(*(rank for _, rank in ties))
    steps = [rank // unit for count, rank in ties for _ in range(count)]
    least = min(steps)
    steps = sorted(step - least for step in steps)
    table = np.zeros((few + 1, sum(steps[-few:]) + 1))
    table[0, 0] = 1
    top = 0
    for done, step in enumerate(steps):
        rows, top = min(done + 1, few), min(top + step, table.shape[1] - 1)
        table[1 : rows + 1, step : top + 1] += table[:rows, : top + 1 - step].copy()
    chosen, sums = np.nonzero(table)
    return chosen, (sums + least * chosen) * unit, table[chosen, sums]


def _upper_tail(few: int, counts: tuple[int, ...], ranks: Integers, off: int) -> float:
    """The probability of an excess of `off` or more, by a double saddlepoint with a correction for the lattice.

    The side is a set of independent choices of each value, given that `few` are chosen (Skovgaard 1987; Booth and
    Butler 1990, section 3).
    """
    unit = gcd(*(int(rank - ranks[0]) for rank in ranks[1:]))
    deviation = _deviation(few, counts, ranks)
    point, step = (off - unit / 2) / deviation, unit / deviation
    if off > _most(few, counts, ranks):
        return 0.0
    sizes, scaled = np.array(counts, dtype=float), ranks / deviation
    size = sum(counts)
    start, information = log(few / (size - few)), few * (size - few) / size
    tilt, height, determinant = _saddlepoint(sizes, scaled, few, point, start)
    signed = copysign(sqrt(2 * max(0.0, size * log(1 + exp(start)) - start * few - height)), tilt)
    tail = erfc(signed / sqrt(2)) / 2
    if abs(signed) < NEAR:
        return tail
    slope = 2 / step * sinh(step * tilt / 2) * sqrt(determinant / information)
    return float(tail + exp(-(signed**2) / 2) / sqrt(2 * pi) * (1 / slope - 1 / signed))


def _deviation(few: int, counts: tuple[int, ...], ranks: Integers) -> float:
    """The standard deviation of the excess."""
    size = sum(counts)
    return sqrt(few * (size - few) / size / (size - 1) * float(np.dot(counts, ranks.astype(float) ** 2)))


def _most(few: int, counts: tuple[int, ...], ranks: Integers) -> int:
    """The largest excess."""
    found, left = 0, few
    for rank, count in sorted(zip(ranks.tolist(), counts, strict=True), reverse=True):
        taken = min(left, count)
        found, left = found + taken * rank, left - taken
    return found


def _saddlepoint(sizes: Array, ranks: Array, few: int, point: float, start: float) -> tuple[float, float, float]:
    """The least of K(s, t) - few s - point t over both: its t, its height, and the determinant of K'' there.

    K is the cumulant generating function of the number and the ranks of values that are chosen independently. By
    Newton's method from the normal approximation, with steps halved where they would climb.
    """
    s, t = start, point
    height = _height(sizes, ranks, few, point, s, t)
    for _ in range(NEWTON_STEPS):
        chances = np.exp(-np.logaddexp(0, -(s + t * ranks)))
        means = sizes * chances
        spreads = means * (1 - chances)
        turned = spreads * ranks
        a, b, c = float(spreads.sum()), float(turned.sum()), float(turned @ ranks)
        off, far = float(means.sum()) - few, float(means @ ranks) - point
        determinant = a * c - b * b
        down, along = (c * off - b * far) / determinant, (a * far - b * off) / determinant
        gain, part = down * off + along * far, 1.0
        while (then := _height(sizes, ranks, few, point, s - part * down, t - part * along)) > height and part > 1e-6:
            part /= 2
        s, t, height = s - part * down, t - part * along, min(height, then)
        if gain < ACCURACY:
            break
    return t, height, determinant


def _height(sizes: Array, ranks: Array, few: int, point: float, s: float, t: float) -> float:
    return float(sizes @ np.logaddexp(0, s + t * ranks)) - few * s - point * t
