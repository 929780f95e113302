"""What a comparison or a table shows, in sentences that can be quoted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ganbench.analysis.comparison import Comparison
from ganbench.analysis.score_table import Table, TableRow
from ganbench.formatting import number, p_value
from ganbench.statistics import ranking
from ganbench.statistics.means import geometric_mean


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
        found = f"No significant difference in {one.score} between {one.a} and {one.b} {one.where}: {facts}."
        return f"{found} {_missed(one)}".rstrip()
    better, worse = (one.a, one.b) if one.verdict == "a better" else (one.b, one.a)
    return f"{better} is better than {worse} in {one.score} {one.where}: {one.a} has {facts}."


def _mean(row: TableRow, one: Comparison) -> str:
    mean = centre(row, one)
    failed = f" ({row.n_ok} of {row.n_ok + row.failed} seeds finished)" if row.failed else ""
    failed += f" ({row.n - row.n_ok - row.failed} of {row.n} seeds not run)" if row.n > row.n_ok + row.failed else ""
    geometric = "geometric mean " if one.difference and one.difference.ratio and row is one.rows[0] else ""
    return ("no value" if mean is None else geometric + number(mean)) + failed


def centre(row: TableRow, one: Comparison) -> float | None:
    """The mean that the difference refers to: geometric if it is a ratio."""
    score = row.scores[one.score]
    if one.difference is not None and one.difference.ratio and score.values:
        return geometric_mean(score.values)
    return score.mean


def _gap(found: ranking.Difference, many: bool) -> list[str]:
    """`difference +1.63, 95 % interval [0.29, 2.97]`, or `0.46 times, ...` on logarithms."""
    if found.value is None:
        return []
    sign = "+" if found.value > 0 else ""
    text = f"{number(found.value)} times" if found.ratio else f"difference {sign}{number(found.value)}"
    if found.low is None or found.high is None:
        return [text]
    return [f"{text}, 95 % interval {'of this pair alone ' if many else ''}[{number(found.low)}, {number(found.high)}]"]


def _evidence(one: Comparison) -> list[str]:
    found = one.difference
    assert found is not None
    counts = " and ".join(str(row.sample(one.score).size) for row in one.rows)
    failed = any(row.failed for row in one.rows)
    holm = ""
    if one.comparisons > 1:
        holm = f", {p_value(one.adjusted)} after Holm correction for {one.comparisons} comparisons"
    return [
        f"{found.pairs} paired seeds" if found.pairs else f"{counts} seeds",
        f"{p_value(found.p)}{holm}, {found.test} test" + (", failed seeds counted as the worst" if failed else ""),
    ]


def _missed(one: Comparison) -> str:
    """The smallest difference that these seeds detect with 80 % power; known only for the paired t test."""
    if one.difference is None or one.difference.test != "paired t":
        return ""
    scale = "log" if one.difference.ratio else "linear"
    found = ranking.detectable([row.sample(one.score) for row in one.rows], one.comparisons, scale)
    if found is None:
        return ""
    what = "factor" if one.difference.ratio else "difference"
    return f"A {what} below {number(found.gap)} is detected with less than 80 % power."


def comparison_data(one: Comparison) -> dict[str, object]:
    """A comparison as JSON data, its sentence included."""
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


MAX_COMPARISONS = 3
"""The most comparisons with the best variant that are given in full; the others are counted."""
MAX_LISTED = 8
"""The most variants that are named for a failure; the others are counted."""


def conclusions(table: Table) -> list[str]:
    """Which variants are better by the table's first score, or why no claim is possible; then what failed."""
    score = table.primary
    variants = table.variants
    if score is None or not variants:
        return ["No run has finished yet."]
    return [*_compared(table, score, variants), *_budgets(variants), *_faults(variants)]


def comparisons(table: Table, score: str) -> list[Comparison]:
    """Every pair of variants by one score, corrected over the whole table like the ranks."""
    return [one for pair in combinations(table.variants, 2) if (one := _pair(table, score, *pair))]


def _pair(table: Table, score: str, first: TableRow, second: TableRow) -> Comparison | None:
    found = table.ranking.pairs.get((score, first.key, second.key))
    if found is None:
        return None
    difference, adjusted = found
    return Comparison(
        first.title, second.title, table.dataset, "", score, table.columns[score], (first, second),
        difference, adjusted, len(table.ranking.pairs),
    )  # fmt: skip


def _compared(table: Table, score: str, variants: list[TableRow]) -> Iterator[str]:
    """What the table's tests show by its first score; a variant whose seeds all failed is the worst."""
    enough = [row for row in variants if row.sample(score).size >= ranking.MIN_SEEDS]
    if len(variants) < 2:
        yield f"There is only one variant on {table.dataset}, so there is nothing to compare."
        return
    if len(enough) < 2:
        yield (
            f"Too few seeds on {table.dataset} to claim a difference: "
            f"at least {ranking.MIN_SEEDS} per variant are needed."
        )
        return
    wins = [(winner, one) for one in comparisons(table, score) if (winner := _better(one)) is not None]
    if not wins:
        yield from _nothing_seen(table, score, enough)
        return
    best = _best(score, [winner for winner, _ in wins])
    clear = sorted((one for winner, one in wins if winner is best), key=lambda one: one.adjusted)
    for one in clear[:MAX_COMPARISONS]:
        yield sentence(one)
    if len(clear) > MAX_COMPARISONS:
        more = len(clear) - MAX_COMPARISONS
        yield f"By {score}, {best.title} is also significantly better than {more} more variants."
    tied = [row.title for row in enough if row.rank.get(score) == 1 and row is not best]
    if tied and best.rank.get(score) == 1:
        yield f"{best.title} does not differ significantly from {_listed(tied)} in {score} on {table.dataset}."


def _best(score: str, winners: list[TableRow]) -> TableRow:
    """The variant to begin with: one that no variant beats, of those that beat another."""
    first = [row for row in winners if row.rank.get(score) == 1]
    return min(first or winners, key=lambda row: row.place(score))


def _better(one: Comparison) -> TableRow | None:
    return {"a better": one.rows[0], "b better": one.rows[1]}.get(one.verdict)


def _nothing_seen(table: Table, score: str, enough: list[TableRow]) -> Iterator[str]:
    pairs = comparisons(table, score)
    if len(enough) == 2 and pairs:
        yield sentence(pairs[0])
        return
    seen = ""
    if pairs:
        nearest = min(pairs, key=lambda one: one.adjusted)
        seen = f" (smallest p: {nearest.a} against {nearest.b}, {p_value(nearest.adjusted)} after Holm correction)"
    among = f"any two of the {len(enough)} variants on {table.dataset}"
    yield f"No significant difference in {score} between {among}{seen}."


def _budgets(variants: list[TableRow]) -> Iterator[str]:
    """A sentence if some variants saw more data than others."""
    seen: dict[float, list[str]] = {}
    for row in variants:
        images = row.cost.get("images")
        if images is not None and row.n_ok:
            seen.setdefault(round(images), []).append(row.title)
    if len(seen) > 1:
        parts = (f"{_listed(titles)} {count:,.0f}" for count, titles in sorted(seen.items(), reverse=True))
        yield f"Budgets differ; real samples seen per seed: {'; '.join(parts)}."


def _listed(titles: list[str]) -> str:
    more = len(titles) - MAX_COMPARISONS
    return ", ".join(titles[:MAX_COMPARISONS]) + (f" and {more} more" if more > 0 else "")


def _faults(variants: list[TableRow]) -> Iterator[str]:
    """Failures, collapse and other verdicts that a mean hides."""
    faults = {
        "Seeds that failed or diverged": [f"{row.title} {row.failed} of {row.n}" for row in variants if row.failed],
        "Seeds that have not run yet": [
            f"{row.title} {row.n - row.n_ok - row.failed} of {row.n}"
            for row in variants
            if row.n > row.n_ok + row.failed
        ],
        "Verdicts on samples": [f"{row.title} {row.verdict}" for row in variants if row.verdict not in ("", "ok")],
    }
    for what, found in faults.items():
        if found:
            more = f"; and {len(found) - MAX_LISTED} more" if len(found) > MAX_LISTED else ""
            yield f"{what}: {'; '.join(found[:MAX_LISTED])}{more}."
