"""The charts of a score: a table's variants with links to their pages, and every seed with a link to its run."""

from __future__ import annotations

from dataclasses import replace
from math import nan

from ganbench.analysis.figure_data.cost import CostInfo, CostPoint, cost_info
from ganbench.analysis.figure_data.ranks import RankedVariant, ranks_info
from ganbench.analysis.score_table import TITLES, Table
from ganbench.errors import UsageError
from ganbench.report.html.charts import Chart, Group, Point, cost_chart, ranks_chart
from ganbench.report.html.content import Content
from ganbench.report.text.grid import rank, tier
from ganbench.report.text.spread import shown

MAX_DOTS = 1500
"""Seeds that are drawn one by one on a page; with more of them the page would be large."""
MAX_PRIMARY_DOTS = 2500
"""The same for the primary score alone."""


def score_charts(content: Content, table: Table, score: str, up: str = "", seeds: bool = True) -> list[Chart]:
    """Means with intervals and, for the primary score, quality against cost; no chart if no seed finished.

    `up` leads from the page to the report's root; `seeds` decides whether each seed is drawn.
    """
    if not any(row.scores[score].values for row in table.variants):
        return []
    info = ranks_info(table, score)
    marks = real_marks(table, score)
    info = replace(info, references=dict(marks))
    groups = [_group(content, variant, up, seeds) for variant in info.variants]
    charts = [ranks_chart(score, info.better, groups, marks, info.axis)]
    if score == table.primary:
        try:
            cost = cost_info(table, content.plan, content.store, score)
        except UsageError:  # no run recorded its cost
            return charts
        order = [variant.row.title for variant in info.variants]
        groups = _cost_groups(content, table, cost, order, up, seeds)
        charts.append(cost_chart(score, cost.better, groups, cost.cost, cost.log))
    return charts


def real_marks(table: Table, score: str) -> list[tuple[str, float]]:
    """Real data to compare with, and their number if it differs from that of the fakes."""
    counts = {row.scores[score].protocol.fake_samples for row in table.variants if row.scores[score].values}
    marks = []
    for row in table.rows:
        cell = row.scores.get(score)
        if row.kind == "reference" and row.loss == TITLES["real"] and cell is not None and cell.mean is not None:
            count = cell.protocol.fake_samples
            marks.append((row.loss if count in counts else f"{count:,} real samples", cell.mean))
    return marks


def _group(content: Content, variant: RankedVariant, up: str, seeds: bool) -> Group:
    row, score = variant.row, variant.score
    runs = {run.seed: run for run in content.runs_of(row)}
    points = [
        Point(value, f"seed {seed}", up + runs[seed].path)
        for seed, value in zip(score.seeds, score.values, strict=True)
        if seeds and seed in runs
    ]
    facts = [
        str(shown(score, row.n)) or "no seed finished",
        tier(row) if variant.ranked and row.tier else "",
        f"rank {rank(row)}" if variant.ranked and row.rank else "",
        f"{row.n_ok}/{row.n} ok" if row.n_ok < row.n else "",
    ]
    link = _variant_link(content, row.title, row.dataset, up)
    failed = [
        Point(nan, f"seed {run.seed}: {run.status}", up + run.path)
        for run in runs.values()
        if seeds and run.record and not run.record.ok
    ]
    beside = " · ".join(filter(None, facts))
    return Group(row.title, score.mean, score.low, score.high, points, beside, link, failed=failed)


def _cost_groups(content: Content, table: Table, info: CostInfo, order: list[str], up: str, seeds: bool) -> list[Group]:
    """The variants in the order of their ranks, those without score and cost for the legend alone."""
    points = {point.title: point for point in info.points}
    return [_cost_group(content, table, title, points.get(title), up, seeds) for title in order]


def _cost_group(content: Content, table: Table, title: str, point: CostPoint | None, up: str, seeds: bool) -> Group:
    row = next(row for row in table.variants if row.title == title)
    runs = {run.seed: run for run in content.runs_of(row)}
    dots = [
        Point(pair.value, f"seed {pair.seed}", up + runs[pair.seed].path, pair.cost)
        for pair in (point.pairs if point and seeds else ())
    ]
    cost, mean = point.mean if point else (None, None)
    link = _variant_link(content, title, table.dataset, up)
    return Group(title, mean, None, None, dots, "", link, cost, list(content.variants).index(title))


def _variant_link(content: Content, title: str, dataset: str, up: str) -> str:
    return f"{up}variants/{content.variants[title]}.html#{content.datasets[dataset]}"
