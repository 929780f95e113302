"""Two variants compared on every data set that both are trained on: the difference, in words too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ganbench import cards, stats
from ganbench.errors import UsageError
from ganbench.numbers import number, p_value
from ganbench.rows import Table, TableRow
from ganbench.strict_yaml import suggestion


class Named(NamedTuple):
    """A name on the command line: a loss, an architecture, or a variant `loss x architecture`."""

    name: str
    kind: str
    rows: list[TableRow]


@dataclass(frozen=True)
class Comparison:
    """a against b in one score on one data set; `setting` is what both have in common there."""

    a: str
    b: str
    dataset: str
    setting: str
    score: str
    better: str
    rows: tuple[TableRow, TableRow]
    difference: stats.Difference | None
    adjusted: float = 1.0
    comparisons: int = 1

    @property
    def verdict(self) -> str:
        """`a better`, `b better`, `no difference seen`, or `too few seeds`."""
        if self.difference is None:
            return "too few seeds"
        if self.adjusted >= stats.LEVEL:
            return "no difference seen"
        return "a better" if self.difference.a_better else "b better"


def compare(a: str, b: str, first: list[Table], second: list[Table], scores: Sequence[str] = ()) -> list[Comparison]:
    """Every comparison of a (of the first tables) with b (of the second), Holm-corrected together.

    `scores`: which, `all` for all; by default each data set's first. Raises `UsageError` for
    unknown names and scores, where nothing is in common, and where protocol cards differ.
    """
    left, right = named(a, first), named(b, second)
    if left.kind != right.kind:
        raise UsageError(
            f"{a!r} is one {left.kind}, {b!r} one {right.kind}: name two losses, two architectures, or two "
            "variants as 'loss x architecture'"
        )
    pairs = [
        (x, y) for x in left.rows for y in right.rows if x.dataset == y.dataset and _rest(left, x) == _rest(right, y)
    ]
    if not pairs:
        raise UsageError(f"{a!r} and {b!r} are trained on no data set in the same setting")
    if first is second and a == b:
        raise UsageError(f"{a!r} is compared with itself; name two variants, or two suites")
    found = [one for x, y in pairs for one in _pair(left, right, x, y, _wanted(x, y, scores, first))]
    if not found:
        known = sorted({score for x, _ in pairs for score in x.scores})
        raise UsageError(f"no score {scores[0]!r} here{suggestion(scores[0], known)}; there are {', '.join(known)}")
    tested = [one for one in found if one.difference is not None]
    adjusted = iter(stats.holm([one.difference.p for one in tested if one.difference]))
    return [
        replace(one, adjusted=next(adjusted) if one.difference else 1.0, comparisons=max(1, len(tested)))
        for one in found
    ]


def named(name: str, tables: list[Table]) -> Named:
    """The rows that a name means. Raises `UsageError` with the nearest name."""
    rows = [row for table in tables for row in table.variants]
    for kind in ("variant", "loss", "architecture"):
        own = [row for row in rows if (row.title if kind == "variant" else getattr(row, kind)) == name]
        if own:
            return Named(name, kind, own)
    known = sorted({text for row in rows for text in (row.loss, row.architecture, row.title)})
    raise UsageError(f"no variant {name!r} in these results{suggestion(name, known)}; there are {', '.join(known)}")


def _rest(side: Named, row: TableRow) -> str:
    """What must be the same on both sides."""
    return {"loss": row.architecture, "architecture": row.loss, "variant": ""}[side.kind]


def _wanted(x: TableRow, y: TableRow, scores: Sequence[str], tables: list[Table]) -> list[str]:
    common = [score for score in x.scores if score in y.scores]
    if "all" in scores:
        return common
    primary = next(table.primary for table in tables if table.dataset == x.dataset)
    return [score for score in scores or [str(primary)] if score in common]


def _pair(left: Named, right: Named, x: TableRow, y: TableRow, scores: list[str]) -> list[Comparison]:
    found = []
    for score in scores:
        cell, other = x.scores[score], y.scores[score]
        if cell.values and other.values:
            cards.check(score, {f"{x.title} on {x.dataset}": cell.card, f"{y.title} (of {right.name})": other.card})
        difference = stats.compare(x.sample(score), y.sample(score), cell.better, cell.scale)
        one = Comparison(left.name, right.name, x.dataset, _rest(left, x), score, cell.better, (x, y), difference)
        found.append(one)
    return found


def sentence(one: Comparison) -> str:
    """The verdict in words that can be quoted."""
    where = f"on {one.dataset}" + (f" with {one.setting}" if one.setting else "")
    means = " against ".join(_mean(row, one.score) for row in one.rows)
    if one.difference is None:
        counts = " and ".join(str(row.sample(one.score).size) for row in one.rows)
        return (
            f"Too few seeds to claim a difference in {one.score} between {one.a} and {one.b} {where}: {means}; "
            f"{counts} seeds, at least {stats.FEWEST} each are needed."
        )
    facts = f"{means} ({'; '.join([*_gap(one.difference), *_evidence(one)])})"
    if one.verdict == "no difference seen":
        return (
            f"No difference in {one.score} seen between {one.a} and {one.b} {where}: {facts}. {_missed(one)}".rstrip()
        )
    better, worse = (one.a, one.b) if one.verdict == "a better" else (one.b, one.a)
    return f"{better} is better than {worse} in {one.score} {where}: {one.a} has {facts}."


def _mean(row: TableRow, score: str) -> str:
    mean = row.scores[score].mean
    failed = f" ({row.n_ok} of {row.n} seeds ok)" if row.n_ok < row.n else ""
    return ("no value" if mean is None else number(mean)) + failed


def _gap(found: stats.Difference) -> list[str]:
    """`difference +1.63, 95 % interval [0.29, 2.97]`, or `0.46 times, ...` of logarithms."""
    if found.value is None:
        return []
    text = (
        f"{number(found.value)} times"
        if found.ratio
        else f"difference {'+' if found.value > 0 else ''}{number(found.value)}"
    )
    if found.low is None or found.high is None:
        return [text]
    return [f"{text}, 95 % interval [{number(found.low)}, {number(found.high)}]"]


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
    """What these seeds would have missed."""
    scale = one.rows[0].scores[one.score].scale
    found = stats.detectable([row.sample(one.score) for row in one.rows], one.comparisons, scale)
    if found is None:
        return ""
    what = "factor" if scale == "log" else "difference"
    return f"A {what} below {number(found)} would be missed more than once in five."


def plain(one: Comparison) -> dict[str, Any]:
    """A comparison as plain data, its sentence included."""
    sides = {
        side: {
            "name": name, "variant": row.title, "mean": row.scores[one.score].mean, "n_ok": row.n_ok, "n": row.n,
            "seeds": row.scores[one.score].card.get("seeds", []), "values": list(row.scores[one.score].values),
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
        "card": one.rows[0].scores[one.score].card,
    }
