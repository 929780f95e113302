"""What a table says, in sentences that can be quoted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ganbench.analysis.comparison import Comparison
from ganbench.analysis.score_table import Table, TableRow
from ganbench.formatting import p_value
from ganbench.report.text import sentences
from ganbench.statistics import ranking

SAID = 3
"""Comparisons with the leader that are said in full; the others are counted."""
LISTED = 8
"""Variants that are named for what went wrong with them; the others are counted."""


def conclusions(table: Table) -> list[str]:
    """Who is better than whom by the table's first score, or why nothing can be said; then what went wrong."""
    score = table.primary
    variants = table.variants
    if score is None or not variants:
        return ["Nothing has finished here yet."]
    return [*_compared(table, score, variants), *_budgets(variants), *_faults(variants)]


def comparisons(table: Table, score: str) -> list[Comparison]:
    """Every pair of variants by one score, corrected over the whole table as the ranks are."""
    index = [(str(i), row) for i, row in enumerate(table.rows) if row.kind == "variant" and row.n]
    return [one for pair in combinations(index, 2) if (one := _pair(table, score, *pair))]


def _pair(table: Table, score: str, one: tuple[str, TableRow], other: tuple[str, TableRow]) -> Comparison | None:
    (i, first), (j, second) = one, other
    found = table.ranking.pairs.get((score, i, j))
    if found is None:
        return None
    difference, adjusted = found
    return Comparison(
        first.title, second.title, table.dataset, "", score, table.columns[score], (first, second),
        difference, adjusted, len(table.ranking.pairs),
    )  # fmt: skip


def _compared(table: Table, score: str, variants: list[TableRow]) -> Iterator[str]:
    """What the table's tests show by its first score. A variant whose seeds all failed is the worst of them."""
    enough = [row for row in variants if row.sample(score).size >= ranking.MIN_SEEDS]
    if len(variants) < 2:
        yield f"One variant on {table.dataset}: there is nothing to compare it with."
        return
    if len(enough) < 2:
        yield (
            f"Too few seeds on {table.dataset} to claim a difference: "
            f"at least {ranking.MIN_SEEDS} a variant are needed."
        )
        return
    wins = [(winner, one) for one in comparisons(table, score) if (winner := _better(one)) is not None]
    if not wins:
        yield from _nothing_seen(table, score, enough)
        return
    best = _best(score, [winner for winner, _ in wins])
    clear = sorted((one for winner, one in wins if winner is best), key=lambda one: one.adjusted)
    for one in clear[:SAID]:
        yield sentences.sentence(one)
    if len(clear) > SAID:
        yield f"By {score}, {best.title} is also better than {len(clear) - SAID} more variants beyond noise."
    tied = [row.title for row in enough if row.rank.get(score) == 1 and row is not best]
    if tied and best.rank.get(score) == 1:
        yield f"{best.title} cannot be told apart from {_listed(tied)} by {score} on {table.dataset}."


def _best(score: str, winners: list[TableRow]) -> TableRow:
    """The variant that a sentence begins with: one that nobody beats, of those that beat somebody."""
    first = [row for row in winners if row.rank.get(score) == 1]
    return min(first or winners, key=lambda row: row.place(score))


def _better(one: Comparison) -> TableRow | None:
    return {"a better": one.rows[0], "b better": one.rows[1]}.get(one.verdict)


def _nothing_seen(table: Table, score: str, enough: list[TableRow]) -> Iterator[str]:
    pairs = comparisons(table, score)
    if len(enough) == 2 and pairs:
        yield sentences.sentence(pairs[0])
        return
    seen = ""
    if pairs:
        nearest = min(pairs, key=lambda one: one.adjusted)
        seen = f" (smallest p: {nearest.a} against {nearest.b}, {p_value(nearest.adjusted)} after Holm)"
    yield f"No difference in {score} seen on {table.dataset} between any two of its {len(enough)} variants{seen}."


def _budgets(variants: list[TableRow]) -> Iterator[str]:
    """That some variants saw more data than others, where they did."""
    seen: dict[float, list[str]] = {}
    for row in variants:
        images = row.cost.get("images")
        if images is not None and row.n_ok:
            seen.setdefault(round(images), []).append(row.title)
    if len(seen) > 1:
        told = (f"{_listed(titles)} {count:,.0f}" for count, titles in sorted(seen.items(), reverse=True))
        yield f"Budgets differ; real samples seen by a seed: {'; '.join(told)}."


def _listed(titles: list[str]) -> str:
    return ", ".join(titles[:SAID]) + (f" and {len(titles) - SAID} more" if len(titles) > SAID else "")


def _faults(variants: list[TableRow]) -> Iterator[str]:
    """Failures, collapse and other verdicts that a mean hides."""
    said = {
        "Seeds that failed or diverged": [f"{row.title} {row.failed} of {row.n}" for row in variants if row.failed],
        "Seeds that have not run yet": [
            f"{row.title} {row.n - row.n_ok - row.failed} of {row.n}"
            for row in variants
            if row.n > row.n_ok + row.failed
        ],
        "Verdicts on samples": [f"{row.title} {row.verdict}" for row in variants if row.verdict not in ("", "ok")],
    }
    for what, found in said.items():
        if found:
            more = f"; and {len(found) - LISTED} more" if len(found) > LISTED else ""
            yield f"{what}: {'; '.join(found[:LISTED])}{more}."
