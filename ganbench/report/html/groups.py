"""Variants of a table as the charts take them: means, intervals, and every seed with its run."""

from __future__ import annotations

from ganbench.analysis.score_table import TITLES, Table, TableRow
from ganbench.report.html.charts import Chart, Group, Point, ranks, scatter
from ganbench.report.html.content import Content
from ganbench.report.text.grid import shown
from ganbench.results.records import common_device

COST = "train_seconds"


MOST_DOTS = 1500
"""Seeds drawn one by one on a page: with more of them it would no longer be a small one."""


def charts(content: Content, table: Table, score: str, up: str = "", seeds: bool = True) -> list[Chart]:
    """Means with intervals, and for the first score quality against the cost of a seed; none where nothing finished.

    Best mean first; variants with seeds that failed stand below the others, because their mean is that
    of survivors. `up` leads from the page to the report's root; `seeds` says whether each is drawn.
    """
    rows = sorted(table.variants, key=lambda row: row.place(score))
    finished = [row.scores[score] for row in rows if row.scores[score].values]
    if not finished:
        return []
    log, better = all(cell.logs for cell in finished), finished[0].better
    groups = [_group(content, row, score, up) for row in rows]
    groups = groups if seeds else [group._replace(points=()) for group in groups]
    drawn = [ranks(score, better, groups, _marks(table, score), log)]
    if score == table.primary and any(group.cost for group in groups):
        where = common_device(run.record for row in rows for run in content.runs_of(row) if run.record)
        cost = "seconds of training a seed" + (f", {where}" if where else "")
        drawn.append(scatter(score, better, groups, cost, log))
    return drawn


def _marks(table: Table, score: str) -> list[tuple[str, float]]:
    """Real data to compare with, and how many where they are not as many as the fakes."""
    counts = {row.scores[score].protocol.fake_samples for row in table.variants if row.scores[score].values}
    found = []
    for row in table.rows:
        cell = row.scores.get(score)
        if row.kind == "reference" and row.loss == TITLES["real"] and cell is not None and cell.mean is not None:
            count = cell.protocol.fake_samples
            found.append((row.loss if count in counts else f"{count:,} real samples", cell.mean))
    return found


def _group(content: Content, row: TableRow, score: str, up: str) -> Group:
    cell = row.scores[score]
    values = dict(zip(cell.seeds, cell.values, strict=True))
    points = [
        Point(values[run.seed], f"seed {run.seed}", up + run.path, run.record.cost.train_seconds)
        for run in content.runs_of(row)
        if run.seed in values and run.record
    ]
    rank = row.rank.get(score)
    mean, beside = shown(cell)
    place = f"{up}variants/{content.variants[row.title]}.html#{content.datasets[row.dataset]}"
    said = [
        f"{mean}{beside}" or "no seed finished",
        f"rank {rank}" if rank else "",
        f"{row.n_ok}/{row.n} ok" if row.n_ok < row.n else "",
    ]
    return Group(
        row.title, cell.mean, cell.low, cell.high, points, " · ".join(filter(None, said)), place, row.cost.get(COST),
        list(content.variants).index(row.title),
    )  # fmt: skip
