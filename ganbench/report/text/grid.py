"""Tables as grids of text, the same for every format that shows means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ganbench.analysis.aggregate import Overall
from ganbench.analysis.score_table import COSTS, Table, TableRow
from ganbench.analysis.tiers import rules
from ganbench.formatting import amount
from ganbench.report.text.spread import shown
from ganbench.statistics.bootstrap import Interval

NONE = "–"  # noqa: RUF001
ARROWS = {"higher": "↑", "lower": "↓"}
LEGEND = (
    "Mean over seeds with its 95 % interval (Student's t): ± half its width, or [low, high] where it is not symmetric: "
    "that of a geometric mean, computed on logarithms, or of a share, cut at 0 and 1. Counts: mean (lowest-highest). "
    "Fewer than five seeds: lowest-highest and no interval. ok: seeds that finished, of those requested. "
    "↑ higher is better, ↓ lower is better. "
    "Only primary scores are tested, all of the suite as one family (Bonferroni, at least five seeds per variant): "
    "counts, and variants with a failed seed, by exact permutation of ranks, all others by Welch's t, or by Student's "
    "t paired by seed where the suite says so. tier: by the primary score against the reference; where all pairs are "
    "compared, variants without a common letter differ, A is best, and a line is drawn where all above are better than "
    "all below. rank: from 1 + the number of variants that are better to the number of variants less those that are "
    "worse. †: the samples of at least half of its seeds are faulty (verdict). Bold: by the primary score better than "
    "at least one variant, worse than none, and without †."
)
FAULTY = "†"
SIGNS = {"better": "+", "worse": "\u2212", "equal": "="}
"""What is said of a variant against the suite's reference -> its sign where there is no room for a word."""
VARIANT, VERDICT = "variant", "verdict"


class Grid(NamedTuple):
    """A table of text, its first column left-aligned. `bold` says which cells of each line are bold; empty for none.

    `rules` are the lines above which a rule is drawn.
    """

    header: list[str]
    lines: list[list[str]]
    bold: Sequence[Sequence[bool]] = ()
    rules: frozenset[int] = frozenset()


def cell(row: TableRow, name: str) -> str:
    """A score as one text; a dash if there is none, `n/a` if there cannot be one."""
    return str(shown(row.scores[name], row.n)) or missing(row)


def missing(row: TableRow) -> str:
    return "n/a" if row.kind == "variant" and row.n == 0 else NONE


def ok(row: TableRow) -> str:
    if row.kind != "variant":
        return ""
    return f"{row.n_ok}/{row.n}" if row.n else "n/a"


def tier(row: TableRow) -> str:
    """Where a variant stands, marked if its samples are faulty; a dash if it is not compared."""
    if row.kind != "variant":
        return ""
    if not row.n:
        return "n/a"
    return f"{row.tier or NONE} {FAULTY if row.faulty else ''}".strip()


def rank(row: TableRow) -> str:
    """`1-3`, or `2` if the comparisons leave one rank; a dash if there is none, empty for what is no variant."""
    if row.kind != "variant" or not row.n:
        return tier(row)
    if row.rank is None:
        return NONE
    low, high = row.rank
    return str(low) if low == high else f"{low}-{high}"


def lead_heads(table: Table) -> list[str]:
    """The columns before the scores; the rank only where all pairs are compared and some variant has one."""
    ranked = any(row.rank for row in table.rows) and not (table.family and table.family.reference)
    found = [VARIANT, "ok", "tier", *(["rank"] if ranked else []), VERDICT]
    return found if table.heads is None else [head for head in found if head == VARIANT or head in table.heads]


def lead(row: TableRow, table: Table) -> list[str]:
    """The cells of a row before the scores, those of `lead_heads`."""
    verdict = row.verdict or ("n/a" if row.kind == "variant" and not row.n else "")
    found = {VARIANT: row.title, "ok": ok(row), "tier": tier(row), "rank": rank(row), VERDICT: verdict}
    return [found[head] for head in lead_heads(table)]


def text_rules(table: Table) -> frozenset[int]:
    """The rows above which a rule is drawn: between groups, and then between variants and other rows too."""
    found = rules(table)
    return found | {sum(row.kind == "variant" for row in table.rows)} if found else found


def scores(table: Table) -> Grid:
    heads = lead_heads(table)
    header = [*heads, *(f"{name} {ARROWS[better]}" for name, better in table.columns.items())]
    lines = [[*lead(row, table), *(cell(row, name) for name in table.columns)] for row in table.rows]
    bold = [[*[False] * len(heads), *(name in row.led for name in table.columns)] for row in table.rows]
    return Grid(header, lines, bold, text_rules(table))


def costs(table: Table) -> Grid | None:
    """The mean cost of a seed of each variant."""
    rows = [row for row in table.variants if any(value is not None for value in row.cost.values())]
    if not rows:
        return None
    lines = [[row.title, *(_cost(name, row.cost.get(key)) for name, key in COSTS.items())] for row in rows]
    return Grid(["cost of a seed", *COSTS], lines)


def _cost(name: str, value: float | None) -> str:
    if value is None:
        return NONE
    return amount(value / 2**20 if name.endswith("MiB") else value)


def overall(found: Overall) -> Grid:
    header = ["variant", "seeds", "IQM ↑", "95 % interval", "P(better than next)"]
    lines = []
    for row in found.rows:
        seeds = f"{row.n}" + (f", {row.failed} failed" if row.failed else "")
        over = "" if row.over_next is None else f"{row.over_next[0]:.2f} {_ends(row.over_next)}"
        lines.append([row.title, seeds, f"{row.iqm[0]:.3f}", _ends(row.iqm, 3), over])
    lines += [[row.title, "", f"{row.iqm[0]:.3f}", "", ""] for row in found.references]
    return Grid(header, lines)


def overall_note(found: Overall) -> str:
    scores_ = ", ".join(f"{score} on {dataset}" for dataset, score in found.scores.items())
    return (
        f"Interquartile mean over all seeds of all datasets of {scores_}, normalized so that uniform noise is 0 and "
        "real data is 1, at equal counts of samples; a failed seed counts as 0. Intervals: bootstrap of seeds within "
        "datasets, 50,000 repetitions (Agarwal et al. 2021)."
    )


def _ends(interval: Interval, digits: int = 2) -> str:
    return f"[{interval[1]:.{digits}f}, {interval[2]:.{digits}f}]"
