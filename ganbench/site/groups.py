"""Variants of a table as the charts take them: means, intervals, and every seed with its run."""

from __future__ import annotations

from ganbench.formats.text import shown
from ganbench.rows import Table, TableRow
from ganbench.site.charts import Chart, Group, Point, ranks, scatter
from ganbench.site.content import Content

COST = "train_seconds"


MOST_DOTS = 1500
"""Seeds drawn one by one on a page: with more of them it would no longer be a small one."""


def charts(content: Content, table: Table, score: str, up: str = "", seeds: bool = True) -> list[Chart]:
    """Ranks with intervals, and for the first score quality against the cost of a seed; none where nothing finished.

    `up` leads from the page to the report's root; `seeds` says whether each is drawn.
    """
    rows = [row for row in table.variants if row.scores[score].values]
    if not rows:
        return []
    cells = [row.scores[score] for row in rows]
    log = all(cell.logs for cell in cells)
    groups = [_group(content, row, score, up) for row in rows]
    groups = groups if seeds else [group._replace(points=()) for group in groups]
    order = sorted(range(len(rows)), key=lambda i: (rows[i].rank.get(score) or 99, _place(rows[i], score)))
    numbered = [groups[i] for i in order]
    marks = [
        ("real data", row.scores[score].mean)
        for row in table.rows
        if row.kind == "reference" and row.loss == "real data" and row.scores[score].mean is not None
    ]
    drawn = [ranks(score, cells[0].better, numbered, [(text, float(v)) for text, v in marks if v is not None], log)]
    if score == table.primary and any(group.cost for group in groups):
        drawn.append(scatter(score, cells[0].better, numbered, "seconds of training a seed", log))
    return drawn


def _place(row: TableRow, score: str) -> float:
    mean = row.scores[score].mean or 0.0
    return -mean if row.scores[score].better == "higher" else mean


def _group(content: Content, row: TableRow, score: str, up: str) -> Group:
    cell = row.scores[score]
    values = dict(zip(cell.card["seeds"], cell.values, strict=True))
    points = [
        Point(values[run.seed], f"seed {run.seed}", up + run.path, run.record["cost"][COST] if run.record else None)
        for run in content.runs_of(row)
        if run.seed in values
    ]
    rank = row.rank.get(score)
    mean, beside = shown(cell)
    place = f"{up}variants/{content.variants[row.title]}.html#{content.datasets[row.dataset]}"
    said = [f"{mean}{beside}", f"rank {rank}" if rank else "", f"{row.n_ok}/{row.n} ok" if row.n_ok < row.n else ""]
    return Group(
        row.title, cell.mean, cell.low, cell.high, points, " · ".join(filter(None, said)), place, row.cost.get(COST)
    )
