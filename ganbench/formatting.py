"""Formats numbers, axis ticks, durations and seed ranges, shortens names, and suggests similar ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from math import floor, log10


def number(value: float, digits: int = 3) -> str:
    """`digits` significant digits, without an exponent for ordinary sizes; values below 1e-9 are 0."""
    if abs(value) < 1e-9:
        return "0"
    places = digits - 1 - floor(log10(abs(value)))
    if places > 8 or places < -6:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(0, places)}f}"


SIGNIFICANT_DIGITS = 12
"""Digits of derived numbers in `table.csv` and `table.json`; the last few would depend on versions of libraries."""


def rounded(value: float) -> float:
    """A derived number (a mean, the end of an interval) with `SIGNIFICANT_DIGITS` digits; integers are not changed."""
    return value if isinstance(value, int) else float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def amount(value: float) -> str:
    """A cost: from 100 on a whole number with separated thousands, otherwise three significant digits."""
    return f"{value:,.0f}" if value >= 100 else number(value)


def tick(value: float) -> str:
    """The label of an axis tick, as short as possible: `0.05`, `300`, `20k`, `2e6`."""
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-3:
        mantissa, _, exponent = f"{value:.9e}".partition("e")
        text = f"{float(mantissa):g}e{int(exponent)}"
    else:
        text = f"{value / 1000:.10g}k" if abs(value) >= 10_000 else f"{value:.10g}"
    return text.replace("-", "\N{MINUS SIGN}")


def shortened(text: str, count: int) -> str:
    """A name shortened to `count` characters by omitting its middle, because variants differ at both ends."""
    if count >= len(text):
        return text
    return f"{text[: count - count // 2]}…{text[len(text) - count // 2 :]}"


def p_value(p: float) -> str:
    """`p = .031`, `p < .001`."""
    if p < 0.001:
        return "p < .001"
    return f"p = {p:.3f}".replace("0.", ".") if p < 0.1 else f"p = {p:.2f}".replace("0.", ".")


def duration(seconds: float) -> str:
    """`42 s`, `3 min 5 s`, `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def file_size(count: int) -> str:
    """A number of bytes: `812 B`, `4.3 KiB`, `31 MiB`."""
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1000:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"


def counted(count: int, noun: str) -> str:
    """`1 run`, `2 runs`: a number with a noun whose plural ends in s."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def enumerated(names: Sequence[str], most: int) -> str:
    """`a`, `a and b`, `a, b and c`; of more than `most`, the first ones and the number of the others."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def ranges(seeds: list[int]) -> str:
    """Integers as ranges: `0-7, 9`."""
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def joined(name: str, known: Iterable[str]) -> list[str]:
    """The known names of which a text consists, whatever stands between them: `rpgan-r1r2` are `rpgan`, `r1`, `r2`.

    The fewest possible; empty if it does not consist of several different ones.
    """
    text, words = _bare(name), {_bare(one): one for one in known}
    words.pop("", None)
    best: dict[int, list[str]] = {0: []}
    for end in range(1, len(text) + 1):
        ways = [
            [*best[start], words[text[start:end]]] for start in range(end) if start in best and text[start:end] in words
        ]
        if ways:
            best[end] = min(ways, key=len)
    found = best.get(len(text), [])
    return found if 1 < len(found) == len(set(found)) else []


def _bare(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())


def suggestion(name: str, known: list[str]) -> str:
    """`. Did you mean 'x'?` if a known name is similar, otherwise a list of all known names."""
    near = get_close_matches(name, known, n=1, cutoff=0.6 if len(name) > 2 else 0.5)
    if near:
        return f". Did you mean {near[0]!r}?"
    return f". Known: {', '.join(sorted(known))}." if known else "."
