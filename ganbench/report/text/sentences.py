"""A comparison in words that can be quoted, and as plain data."""

from __future__ import annotations

from math import exp, log
from typing import Any

from ganbench.analysis.comparison import Comparison
from ganbench.analysis.score_table import TableRow
from ganbench.formatting import number, p_value
from ganbench.statistics import ranking


def sentence(one: Comparison) -> str:
    """The verdict, both means, the difference with its interval, the seeds, p and the test."""
    means = " against ".join(_mean(row, one) for row in one.rows)
    if one.difference is None:
        counts = " and ".join(str(row.sample(one.score).size) for row in one.rows)
        return (
            f"Too few seeds to claim a difference in {one.score} between {one.a} and {one.b} {one.where}: {means}; "
            f"{counts} seeds, at least {ranking.MIN_SEEDS} each are needed."
        )
    facts = f"{means} ({'; '.join([*_gap(one.difference, one.comparisons > 1), *_evidence(one)])})"
    if one.verdict == "no difference seen":
        said = f"No difference in {one.score} seen between {one.a} and {one.b} {one.where}: {facts}."
        return f"{said} {_missed(one)}".rstrip()
    better, worse = (one.a, one.b) if one.verdict == "a better" else (one.b, one.a)
    return f"{better} is better than {worse} in {one.score} {one.where}: {one.a} has {facts}."


def _mean(row: TableRow, one: Comparison) -> str:
    mean = centre(row, one)
    failed = f" ({row.n_ok} of {row.n_ok + row.failed} seeds finished)" if row.failed else ""
    failed += f" ({row.n - row.n_ok - row.failed} of {row.n} seeds not run)" if row.n > row.n_ok + row.failed else ""
    geometric = "geometric mean " if one.difference and one.difference.ratio and row is one.rows[0] else ""
    return ("no value" if mean is None else geometric + number(mean)) + failed


def centre(row: TableRow, one: Comparison) -> float | None:
    """The mean that the difference is one of: geometric where it is a ratio."""
    score = row.scores[one.score]
    if one.difference is not None and one.difference.ratio and score.values:
        return exp(sum(log(value) for value in score.values) / len(score.values))
    return score.mean


def _gap(found: ranking.Difference, many: bool) -> list[str]:
    """`difference +1.63, 95 % interval [0.29, 2.97]`, or `0.46 times, ...` of logarithms."""
    if found.value is None:
        return []
    sign = "+" if found.value > 0 else ""
    text = f"{number(found.value)} times" if found.ratio else f"difference {sign}{number(found.value)}"
    if found.low is None or found.high is None:
        return [text]
    return [f"{text}, 95 % interval {'of this one ' if many else ''}[{number(found.low)}, {number(found.high)}]"]


def _evidence(one: Comparison) -> list[str]:
    found = one.difference
    assert found is not None
    counts = " and ".join(str(row.sample(one.score).size) for row in one.rows)
    failed = any(row.failed for row in one.rows)
    holm = f", {p_value(one.adjusted)} after Holm for {one.comparisons} comparisons" if one.comparisons > 1 else ""
    return [
        f"{found.pairs} paired seeds" if found.pairs else f"{counts} seeds",
        f"{p_value(found.p)}{holm}, {found.test} test" + (", failed seeds counted as the worst" if failed else ""),
    ]


def _missed(one: Comparison) -> str:
    """What these seeds would have missed; known for the paired t test alone."""
    if one.difference is None or one.difference.test != "paired t":
        return ""
    scale = "log" if one.difference.ratio else "linear"
    found = ranking.detectable([row.sample(one.score) for row in one.rows], one.comparisons, scale)
    if found is None:
        return ""
    what = "factor" if one.difference.ratio else "difference"
    return f"A {what} below {number(found.gap)} would be missed more than once in five."


def plain(one: Comparison) -> dict[str, Any]:
    """A comparison as plain data, its sentence included."""
    sides = {
        side: {
            "name": name, "variant": row.title, "mean": row.scores[one.score].mean, "centre": centre(row, one),
            "n_ok": row.n_ok, "n": row.n, "seeds": list(row.scores[one.score].seeds),
            "values": list(row.scores[one.score].values),
        }
        for side, name, row in zip(("a", "b"), (one.a, one.b), one.rows, strict=True)
    }  # fmt: skip
    found = one.difference
    return {
        "dataset": one.dataset,
        "setting": one.setting,
        "score": one.score,
        "better": one.better,
        **sides,
        "difference": None if found is None else {**found._asdict(), "p_holm": one.adjusted},
        "comparisons": one.comparisons,
        "verdict": one.verdict,
        "sentence": sentence(one),
        "card": one.rows[0].scores[one.score].protocol.plain(),
    }
