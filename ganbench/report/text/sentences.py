"""What a comparison or a table shows, in sentences that can be quoted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from ganbench.analysis.comparison import Comparison
from ganbench.analysis.score_table import Table, TableRow
from ganbench.formatting import counted, number, p_value
from ganbench.report.text.spread import shown
from ganbench.statistics.differences import BY_RANKS, MIN_SEEDS
from ganbench.statistics.means import geometric_mean


def sentence(one: Comparison) -> str:
    """What is claimed, both sides' values, the difference with its interval, the seeds, p and the test."""
    sides = " against ".join(_side(row, one) for row in one.rows)
    whom = f"in {one.score} between {one.a} and {one.b} {one.where}"
    if one.verdict == "too few seeds":
        counts = " and ".join(str(row.sample(one.score).size) for row in one.rows) + " seeds"
        return f"Too few seeds to claim a difference {whom}: {sides}; {counts}, at least {MIN_SEEDS} each are needed."
    if one.verdict == "no variation":
        return f"{one.score} does not vary {one.where}, so there is nothing to test: {one.a} has {sides}."
    facts = f"{sides} ({'; '.join([*_gap(one), *_evidence(one)])})"
    if one.verdict == "exploratory":
        return f"Exploratory, nothing is claimed {whom}: {facts}. {_why(one)}"
    if one.verdict == "equal":
        return f"{one.a} and {one.b} are equal in {one.score} {one.where} within the suite's margin: {facts}."
    if one.verdict == "inconclusive":
        return f"Inconclusive: no difference is shown {whom}: {facts}. {_missed(one)}".rstrip()
    better, worse = (one.a, one.b) if one.verdict == "a better" else (one.b, one.a)
    small = " The difference is within the margin that the suite calls equal." if one.judgment.within else ""
    return f"{better} is better than {worse} in {one.score} {one.where}: {one.a} has {facts}.{small}"


def _side(row: TableRow, one: Comparison) -> str:
    """A side's mean, geometric if it is that of a ratio; counts, and fewer than five seeds, by their range."""
    score = row.scores[one.score]
    mean = centre(row, one)
    failed = f" ({row.n_ok} of {row.n_ok + row.failed} seeds finished)" if row.failed else ""
    failed += f" ({row.n - row.n_ok - row.failed} of {row.n} seeds not run)" if row.n > row.n_ok + row.failed else ""
    if mean is None:
        return f"no value{failed}"
    if len(score.values) < MIN_SEEDS:
        return f"{shown(score)}{failed}"
    if score.kind == "count":
        return _counted(score.values) + failed
    geometric = "geometric mean " if _is_ratio(one) and row is one.rows[0] else ""
    return f"{geometric}{number(mean)}{failed}"


def _counted(values: Sequence[float]) -> str:
    """Counts by their range: `8 in all 8 seeds`, `4 to 8 (median 6.5)`."""
    low, high = min(values), max(values)
    if low == high:
        return f"{low:g} in all {len(values)} seeds"
    return f"{low:g} to {high:g} (median {median(values):g})"


def _is_ratio(one: Comparison) -> bool:
    return one.difference is not None and one.difference.ratio


def centre(row: TableRow, one: Comparison) -> float | None:
    """The mean that the difference refers to: geometric if it is a ratio."""
    score = row.scores[one.score]
    return geometric_mean(score.values) if _is_ratio(one) and score.values else score.mean


def _gap(one: Comparison) -> list[str]:
    """`difference +1.63, 95 % interval [0.29, 2.97]`, or `0.46 times, ...` on logarithms."""
    found = one.difference
    if found is None or found.value is None:
        return []
    sign = "+" if found.value > 0 else ""
    what = "difference" if found.test not in BY_RANKS else "median difference"
    text = f"{number(found.value)} times" if found.ratio else f"{what} {sign}{number(found.value)}"
    if found.low is None or found.high is None:
        return [text]
    level = "95" if one.comparisons == 1 else f"{100 * one.judgment.level:.2f}"
    return [f"{text}, {level} % interval [{number(found.low)}, {number(found.high)}]"]


def _evidence(one: Comparison) -> list[str]:
    found = one.difference
    assert found is not None
    counts = " and ".join(str(row.sample(one.score).size) for row in one.rows)
    failed = any(row.failed for row in one.rows)
    family = ""
    if one.comparisons > 1:
        whose = f"the suite's {one.comparisons} comparisons"
        if one.part == "question":
            whose = f"the {one.comparisons} comparisons of these two suites"
        family = f", {p_value(one.adjusted)} for {whose} (Bonferroni)"
    return [
        f"{found.pairs} paired seeds" if found.pairs else f"{counts} seeds",
        f"{p_value(found.p)}{family}, {found.test} test" + (", failed seeds counted as the worst" if failed else ""),
    ]


def _why(one: Comparison) -> str:
    """Why nothing is claimed."""
    why = "The suite compares each variant with its reference alone"
    if one.part == "none":
        why = "The suite tests its primary scores alone"
    return f"{why}; the p value holds only for a single planned comparison."


def _missed(one: Comparison) -> str:
    """The difference that these seeds would have found, or why they can find none."""
    if one.judgment.hopeless:
        return f"So few seeds can show no difference by ranks as one of {one.comparisons} comparisons."
    gap = one.judgment.detectable
    if gap is None:
        return ""
    what = "a factor" if _is_ratio(one) else "a difference"
    return f"With 80 % power these seeds find {what} of {number(gap)}."


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
        "kind": one.rows[0].scores[one.score].kind,
        "better": one.better,
        **sides,
        "difference": None
        if found is None
        else {**found._asdict(), "level": one.judgment.level, "p_bonferroni": one.adjusted},
        "comparisons": one.comparisons,
        "family": one.part,
        "detectable": one.judgment.detectable,
        "verdict": one.verdict,
        "sentence": sentence(one),
        "card": one.rows[0].scores[one.score].protocol.plain(),
    }


MAX_COMPARISONS = 3
"""The most comparisons with the best variant that are given in full; the others are counted."""
MAX_LISTED = 8
"""The most variants that are named for a failure; the others are counted."""


def conclusions(table: Table) -> list[str]:
    """What the family claims on this dataset, or why it claims nothing; then what failed."""
    faults = _faults(table.variants) if table.primary else ()
    return [*claims(table), *faults]


def claims(table: Table) -> list[str]:
    """What the family claims on this dataset, or why it claims nothing; then budgets that differ."""
    score, variants = table.primary, table.variants
    if not score or not variants:
        return ["No run has finished yet."]
    return [*_compared(table, score, variants), *_budgets(variants)]


def comparisons(table: Table) -> list[Comparison]:
    """The comparisons of the suite's family on this dataset, by the rows' titles."""
    rows = {row.key: row for row in table.variants}
    return [
        Comparison(
            rows[one.a].title, rows[one.b].title, table.dataset, "", one.score, table.columns[one.score],
            (rows[one.a], rows[one.b]), one.judgment,
        )
        for one in table.comparisons
        if one.a in rows and one.b in rows and one.score in table.columns
    ]  # fmt: skip


def _compared(table: Table, score: str, variants: list[TableRow]) -> Iterator[str]:
    """What the family claims on this dataset; a variant whose seeds all failed is the worst."""
    found = comparisons(table)
    if len(variants) < 2:
        yield f"There is only one variant on {table.dataset}, so there is nothing to compare."
        return
    if not found:
        yield f"The suite compares no two variants on {table.dataset}: none has its reference there."
        return
    tested = [one for one in found if one.verdict != "too few seeds"]
    if not tested:
        yield (f"Too few seeds on {table.dataset} to claim a difference: at least {MIN_SEEDS} per variant are needed.")
        return
    if all(one.verdict == "no variation" for one in tested):
        yield f"{score} is the same in all seeds of all variants on {table.dataset}, so there is nothing to test."
        return
    clear = [one for one in found if one.verdict in ("a better", "b better")]
    if table.family is not None and table.family.reference:
        yield from _against_reference(score, found, clear)
    elif clear:
        yield from _best_first(table, score, clear)
    else:
        yield from _nothing_shown(table, score, tested)


def _against_reference(score: str, found: list[Comparison], clear: list[Comparison]) -> Iterator[str]:
    """What is better than the reference, what is worse, then the names of the others by what is said of them."""
    clear = sorted(clear, key=lambda one: (one.verdict != "a better", one.adjusted))
    yield from map(sentence, clear[:MAX_COMPARISONS])
    for better in ("a better", "b better"):
        more = [one.a for one in clear[MAX_COMPARISONS:] if one.verdict == better]
        if more:
            what = "better" if better == "a better" else "worse"
            yield f"By {score}, also {what} than the reference: {_listed(more)}."
    others = {"equal": "Equal to the reference", "inconclusive": "Inconclusive against the reference"}
    for verdict, what in others.items():
        own = [one for one in found if one.verdict == verdict]
        if len(own) == 1:
            yield sentence(own[0])
        elif own:
            yield f"{what} by {score}: {_listed([one.a for one in own])}."


def _best_first(table: Table, score: str, clear: list[Comparison]) -> Iterator[str]:
    """The variant to begin with (one that none beats, of those that beat another), and whom it beats."""
    winners = [_winner(one) for one in clear]
    losers = {(one.rows[1] if _winner(one) is one.rows[0] else one.rows[0]).key for one in clear}
    first = [row for row in winners if row.key not in losers]
    best = min(first or winners, key=lambda row: row.place(score))
    own = sorted((one for one in clear if _winner(one) is best), key=lambda one: one.adjusted)
    yield from map(sentence, own[:MAX_COMPARISONS])
    if len(own) > MAX_COMPARISONS:
        yield f"By {score}, {best.title} is also better than {counted(len(own) - MAX_COMPARISONS, 'more variant')}."
    open_ = [
        (one.rows[1] if one.rows[0] is best else one.rows[0]).title
        for one in comparisons(table)
        if best.key in (one.rows[0].key, one.rows[1].key) and one.verdict == "inconclusive"
    ]
    if open_:
        yield f"Between {best.title} and {_listed(open_)} no difference in {score} is shown on {table.dataset}."


def _winner(one: Comparison) -> TableRow:
    return one.rows[0] if one.verdict == "a better" else one.rows[1]


def _nothing_shown(table: Table, score: str, tested: list[Comparison]) -> Iterator[str]:
    if len(tested) == 1:
        yield sentence(tested[0])
        return
    equal = [f"{one.a} and {one.b}" for one in tested if one.verdict == "equal"]
    if equal:
        yield f"Equal in {score} within the suite's margin on {table.dataset}: {_listed(equal)}."
    nearest = min(tested, key=lambda one: one.adjusted)
    yield (
        f"Inconclusive: no difference in {score} is shown between any two variants on {table.dataset} (smallest p: "
        f"{nearest.a} against {nearest.b}, {p_value(nearest.adjusted)} for the suite's {nearest.comparisons} "
        "comparisons)."
    )


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
