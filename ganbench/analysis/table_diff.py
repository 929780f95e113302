"""Differences between two sets of tables: conclusions, means, protocols."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganbench.analysis.score_table import Score, Table, TableRow
from ganbench.formatting import number
from ganbench.results import protocol
from ganbench.results.protocol_card import ProtocolCard

Kind = Literal[
    "conclusion", "protocol", "cell", "status", "content", "settings", "only in A", "only in B", "environment"
]
ORDER: tuple[Kind, ...] = (
    "conclusion", "protocol", "status", "cell", "content", "settings", "only in A", "only in B", "environment",
)  # fmt: skip
"""Worst first. A different environment is not a difference of results."""
SAME = 1e-6
"""Relative gap up to which two values without an interval are the same: float32 cannot resolve less."""


@dataclass(frozen=True)
class Change:
    """One thing that differs; `size` orders changes of a kind, the largest first."""

    kind: Kind
    where: str
    text: str
    size: float = 0.0


def table_changes(a: list[Table], b: list[Table]) -> Iterator[Change]:
    """What changed in the tables of the datasets that both have."""
    left, right = ({table.dataset: table for table in tables} for tables in (a, b))
    for dataset in left:
        if dataset in right:
            yield from _conclusions(left[dataset], right[dataset])
            rows = {(row.kind, row.title): row for row in right[dataset].rows}
            for row in left[dataset].rows:
                if (row.kind, row.title) in rows:
                    yield from _cells(dataset, row, rows[row.kind, row.title])
            yield from _alone(left[dataset], right[dataset])
            yield from _protocols(left[dataset], right[dataset])


def _alone(a: Table, b: Table) -> Iterator[Change]:
    """References that only one side has measured."""
    sides: tuple[tuple[Kind, Table, Table], ...] = (("only in A", a, b), ("only in B", b, a))
    for kind, own, other in sides:
        there = {row.title for row in other.rows if row.kind == "reference" and row.n_ok}
        gone = [row.title for row in own.rows if row.kind == "reference" and row.n_ok and row.title not in there]
        if gone:
            yield Change(kind, own.dataset, ", ".join(gone))


def _conclusions(a: Table, b: Table) -> Iterator[Change]:
    """Changes of the first place, of other ranks, of significant leads, and of verdicts."""
    rows = {row.title: row for row in b.variants}
    both = [(row, rows[row.title]) for row in a.variants if row.title in rows]
    firsts = [[row.title for row in table.variants if row.rank and row.rank[0] == 1] for table in (a, b)]
    if a.primary == b.primary and sorted(firsts[0]) != sorted(firsts[1]):
        text = " -> ".join(" and ".join(names) or "nobody" for names in firsts)
        yield Change("conclusion", a.dataset, f"first by {a.primary}: {text}", 4)
    for one, two in both:
        if (one.tier, one.rank) != (two.tier, two.rank):
            text = f"tier and rank of {one.title}: {_place(one)} -> {_place(two)}"
            yield Change("conclusion", a.dataset, text, 3)
        gone, new = (sorted(x.led - y.led) for x, y in ((one, two), (two, one)))
        if gone or new:
            parts = [
                f"{word} {', '.join(names)}"
                for word, names in (("no longer leads in", gone), ("now leads in", new))
                if names
            ]
            yield Change("conclusion", a.dataset, f"{one.title} {' and '.join(parts)}", 2)
        if one.verdict != two.verdict:
            yield Change("conclusion", a.dataset, f"verdict of {one.title}: {one.verdict} -> {two.verdict}", 1)


def _place(row: TableRow) -> str:
    return (row.tier or "-") + (f" {row.rank[0]}-{row.rank[1]}" if row.rank else "")


def _cells(dataset: str, a: TableRow, b: TableRow) -> Iterator[Change]:
    """Scores of one row whose mean left the interval of the other side."""
    for name in a.scores:
        if name in b.scores and not protocol.differences(a.scores[name].protocol, b.scores[name].protocol):
            gap = _moved(a.scores[name], b.scores[name])
            if gap is not None:
                ends = " -> ".join(_cell(row.scores[name]) for row in (a, b))
                yield Change("cell", f"{a.title} on {dataset}", f"{name} {ends}", gap)


def _moved(a: Score, b: Score) -> float | None:
    """By how many half-widths of the wider interval a mean moved, if it left an interval; else None.

    Where there is no interval, the range of the seeds stands for it.
    """
    if a.mean is None or b.mean is None:
        return None if a.mean == b.mean else float("inf")
    if relative(a.mean, b.mean) <= SAME:
        return None
    if a.ends is None or b.ends is None:
        return relative(a.mean, b.mean)
    if a.ends[0] <= b.mean <= a.ends[1] and b.ends[0] <= a.mean <= b.ends[1]:
        return None
    half = max(high - low for low, high in (a.ends, b.ends)) / 2
    return abs(a.mean - b.mean) / half if half else float("inf")


def _cell(score: Score) -> str:
    if score.mean is None:
        return "none"
    ends = "" if score.ends is None else f" [{number(score.ends[0])}, {number(score.ends[1])}]"
    return number(score.mean) + ends


def _protocols(a: Table, b: Table) -> Iterator[Change]:
    """Scores that were measured under another protocol, or on one side only; their values are not compared."""
    for name in dict.fromkeys([*a.columns, *b.columns]):
        if name not in a.columns or name not in b.columns:
            yield Change("protocol", a.dataset, f"{name} is only in {'A' if name in a.columns else 'B'}")
            continue
        ours, theirs = (_first(table, name) for table in (a, b))
        found = protocol.differences(ours, theirs) if ours and theirs else {}
        if found:
            what = "; ".join(f"{field} {protocol.shown(x)} -> {protocol.shown(y)}" for field, (x, y) in found.items())
            yield Change("protocol", a.dataset, f"{name}: {what}", 1)


def _first(table: Table, name: str) -> ProtocolCard | None:
    return next((row.scores[name].protocol for row in table.variants if row.scores[name].values), None)


def relative(a: float | None, b: float | None) -> float:
    if a is None or b is None:
        return float("inf")
    return abs(a - b) / max(abs(a), abs(b)) if a != b else 0.0


def value_text(value: float | None) -> str:
    return "none" if value is None else number(value, 4)
