"""Tables as grids of text, the same for every format that shows means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ganbench.analysis.aggregate import Overall
from ganbench.analysis.score_table import COSTS, Table, TableRow
from ganbench.formatting import amount
from ganbench.report.text.spread import shown
from ganbench.statistics.bootstrap import Interval

ARROWS = {"higher": "↑", "lower": "↓"}
LEGEND = (
    "Mean over seeds with its 95 % interval (Student's t): ± half its width, or [low, high] where it is not symmetric: "
    "that of a geometric mean, computed on logarithms, or of a share, cut at 0 and 1. Counts: mean (lowest-highest). "
    "Fewer than five seeds: lowest-highest and no interval. ok: seeds that finished, of those requested. "
    "↑ higher is better, ↓ lower is better. "
    "Only primary scores are tested, all of the suite as one family (Bonferroni, at least five seeds per variant): "
    "counts, and variants with a failed seed, by exact permutation of ranks, all others by Welch's t, or by Student's "
    "t paired by seed where the suite says so. rank: by the primary score, 1 + the number of variants that are better. "
    "Bold: better than at least one variant and worse than none."
)


class Grid(NamedTuple):
    """A table of text, its first column left-aligned. `bold` says which cells of each line are bold; empty for none."""

    header: list[str]
    lines: list[list[str]]
    bold: Sequence[Sequence[bool]] = ()


def cell(row: TableRow, name: str) -> str:
    """A score as one text; a dash if there is none, `n/a` if there cannot be one."""
    return str(shown(row.scores[name], row.n)) or missing(row)


def missing(row: TableRow) -> str:
    return "n/a" if row.kind == "variant" and row.n == 0 else "–"  # noqa: RUF001


def ok(row: TableRow) -> str:
    if row.kind != "variant":
        return ""
    return f"{row.n_ok}/{row.n}" if row.n else "n/a"


def rank(row: TableRow, table: Table) -> str:
    """The rank by the primary score; empty for a reference, a dash if there are too few seeds."""
    if row.kind != "variant":
        return ""
    if not row.n:
        return "n/a"
    found = row.rank.get(str(table.primary))
    return "–" if found is None else str(found)  # noqa: RUF001


def lead(row: TableRow, table: Table) -> list[str]:
    """The cells before the scores."""
    return [row.title, ok(row), rank(row, table), row.verdict or ("n/a" if row.kind == "variant" and not row.n else "")]


LEAD = ["variant", "ok", "rank", "verdict"]


def scores(table: Table) -> Grid:
    header = [*LEAD, *(f"{name} {ARROWS[better]}" for name, better in table.columns.items())]
    lines = [[*lead(row, table), *(cell(row, name) for name in table.columns)] for row in table.rows]
    bold = [[*[False] * len(LEAD), *(name in row.led for name in table.columns)] for row in table.rows]
    return Grid(header, lines, bold)


def costs(table: Table) -> Grid | None:
    """The mean cost of a seed of each variant."""
    rows = [row for row in table.variants if any(value is not None for value in row.cost.values())]
    if not rows:
        return None
    lines = [[row.title, *(_cost(name, row.cost.get(key)) for name, key in COSTS.items())] for row in rows]
    return Grid(["cost of a seed", *COSTS], lines)


def _cost(name: str, value: float | None) -> str:
    if value is None:
        return "–"  # noqa: RUF001
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
