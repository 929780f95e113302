"""A score in words: its mean with its interval, or its range, or the one value that all seeds have."""

from __future__ import annotations

from math import floor, log10
from typing import NamedTuple

from ganbench.analysis.score_table import Score
from ganbench.formatting import number
from ganbench.statistics.differences import MIN_SEEDS
from ganbench.statistics.intervals import varies

MAX_DIGITS = 9
"""Digits of the ends of a narrow interval."""
MAX_PLACES = 8
"""Decimal places of a mean with half of its interval; a narrower interval is printed by its ends."""


class Shown(NamedTuple):
    """The number, and what stands beside or below it; both are empty if there is no value.

    `half` says that `beside` is ± half of an interval.
    """

    text: str = ""
    beside: str = ""
    half: bool = False

    def __str__(self) -> str:
        return f"{self.text} {self.beside}".strip()


def shown(score: Score, asked: int | None = None) -> Shown:
    """`0.773 ± 0.024`, `37.2 [28.2, 47.3]`, `6.38 (4-8)`, `8 of 8 in all 8 seeds`, `6-8 (2 seeds)`, or one number.

    `asked` is the number of seeds that were requested, if known: seeds that did not finish are then not called all.
    """
    if score.mean is None:
        return Shown()
    if score.beside:
        return Shown(number(score.mean), score.beside)
    count = len(score.seeds)
    if not count:  # a reference or a publication: one value, which is no seed
        return Shown(_value(score, score.mean))
    if count == 1:
        return Shown(_value(score, score.mean), "(1 seed)")
    if not varies(score.values):
        of = f" of {score.most}" if score.most is not None else ""
        return Shown(_value(score, score.values[0]) + of, f"in all {count} {_finished(count, asked)}seeds")
    if count < MIN_SEEDS:
        return Shown(_range(score), f"({count} seeds)")
    if score.low is None or score.high is None:
        return Shown(number(score.mean), f"({_range(score)})")
    return _interval(score, score.mean, score.low, score.high)


def compact(score: Score) -> Shown:
    """As `shown`, for a narrow table: `8` and `of 8` if all seeds have it, `6-8` and `(n = 2)` of fewer than five."""
    count = len(score.seeds)
    found = shown(score)
    if count == 1 or (1 < count < MIN_SEEDS and varies(score.values)):
        return found._replace(beside=f"(n = {count})")
    if not count or varies(score.values):
        return found
    return Shown(_value(score, score.values[0]), "" if score.most is None else f"of {score.most}")


def _finished(count: int, asked: int | None) -> str:
    return "finished " if asked is not None and count < asked else ""


def _value(score: Score, value: float) -> str:
    return f"{value:.0f}" if score.kind == "count" and value == int(value) else number(value)


def _range(score: Score) -> str:
    low, high = (_value(score, end) for end in (min(score.values), max(score.values)))
    if low == high:
        return low
    return f"{low} to {high}" if "-" in low + high else f"{low}-{high}"


def _interval(score: Score, mean: float, low: float, high: float) -> Shown:
    """± half of a symmetric interval, with as many places as show a digit of it; otherwise both ends."""
    text, half = number(mean), (high - low) / 2
    places = max(len(text.partition(".")[2]), -floor(log10(half)))
    uneven = score.logs or abs((high - mean) - (mean - low)) > 1e-6 * half
    if uneven or "e" in text or places > MAX_PLACES:
        digits = next((some for some in range(3, MAX_DIGITS) if number(low, some) != number(high, some)), MAX_DIGITS)
        return Shown(number(mean, digits), f"[{number(low, digits)}, {number(high, digits)}]")
    return Shown(f"{mean:.{places}f}", f"± {half:.{places}f}", True)
