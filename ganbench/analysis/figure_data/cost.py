"""Quality against cost: the cost and score of every seed, their means, and the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ganbench.analysis.figure_data.axes import ANYTHING, AxisRange, Bounds, axis_range, cost_range, is_whole, possible
from ganbench.analysis.figure_data.ranks import find_score
from ganbench.analysis.figure_data.selection import VariantRuns, dataset_variants
from ganbench.analysis.score_table import Table
from ganbench.errors import UsageError
from ganbench.registry.contracts import Direction
from ganbench.results.identity import common_device
from ganbench.results.records import Record
from ganbench.results.store import Store
from ganbench.statistics.intervals import Kind, mean_of
from ganbench.statistics.means import mean
from ganbench.suite.plan_file import SavedPlan

COSTS = {
    "seconds": ("train_seconds", "seconds of training per seed"),
    "samples": ("images", "real samples per seed"),
}
"""A cost's name -> its field in a record, and its axis label."""


class CostPair(NamedTuple):
    """What one seed cost, and the score that it reached."""

    seed: int
    cost: float
    value: float


@dataclass(frozen=True)
class CostPoint:
    """A variant: every finished seed, and whether it is on the Pareto front of the means."""

    label: str
    title: str
    pairs: tuple[CostPair, ...]
    kind: Kind = "linear"
    front: bool = False

    @property
    def mean(self) -> tuple[float, float]:
        """The mean cost and the mean score, averaged as in the table."""
        return mean([pair.cost for pair in self.pairs]), mean_of([pair.value for pair in self.pairs], self.kind)


@dataclass(frozen=True)
class CostInfo:
    """Variants in the suite's order; `missing` are the labels and titles of those without score and cost."""

    heading: str
    score: str
    better: Direction
    log: bool
    cost: str
    points: tuple[CostPoint, ...]
    missing: tuple[tuple[str, str], ...]
    bounds: Bounds = ANYTHING

    @property
    def front(self) -> list[CostPoint]:
        """The variants on the Pareto front, by cost."""
        return sorted((point for point in self.points if point.front), key=lambda point: point.mean)

    @property
    def cost_axis(self) -> AxisRange:
        return cost_range([pair.cost for point in self.points for pair in point.pairs])

    @property
    def score_axis(self) -> AxisRange:
        values = [pair.value for point in self.points for pair in point.pairs]
        return axis_range(values, self.log, 0.08, is_whole(values), self.bounds)


def cost_info(
    table: Table, plan: SavedPlan, store: Store, asked: str | None = None, against: str = "seconds",
    names: Sequence[str] = (),
) -> CostInfo:  # fmt: skip
    """Score against cost (a key of `COSTS`) on a table's dataset.

    Raises `UsageError` if there is no such score or variant, or if no finished run has both.
    """
    score = find_score(table, asked)
    variants, heading = dataset_variants(plan, store, table.dataset, names)
    field, label = COSTS[against]
    kind = table.averaged(score)
    found = [CostPoint(variant.label, variant.title, _pairs(variant, field, score), kind) for variant in variants]
    points = [point for point in found if point.pairs]
    if not points:
        raise UsageError(f"no finished run on {table.dataset} has both {score!r} and its cost")
    better = table.columns[score]
    device = common_device(record for variant in variants for record in variant.finished.values())
    label = f"{label}, {device}" if against == "seconds" and device else label
    missing = tuple((point.label, point.title) for point in found if not point.pairs)
    return CostInfo(
        heading, score, better, kind == "log", label, _with_front(points, better), missing, _bounds(table, score)
    )


def _bounds(table: Table, score: str) -> Bounds:
    cell = next((row.scores[score] for row in table.variants if row.scores[score].values), None)
    return possible(cell.kind, cell.most) if cell else ANYTHING


def _pairs(variant: VariantRuns, field: str, score: str) -> tuple[CostPair, ...]:
    pairs = (_pair(seed, record, field, score) for seed, record in variant.finished.items())
    return tuple(pair for pair in pairs if pair is not None)


def _pair(seed: int, record: Record, field: str, score: str) -> CostPair | None:
    cost, value = getattr(record.cost, field), record.evaluation.metrics.get(score)
    return None if cost is None or value is None else CostPair(seed, float(cost), float(value))


def _with_front(points: Sequence[CostPoint], better: Direction) -> tuple[CostPoint, ...]:
    return tuple(
        replace(point, front=not any(_dominates(other, point, better) for other in points)) for point in points
    )


def _dominates(one: CostPoint, other: CostPoint, better: Direction) -> bool:
    """Whether one costs no more and is no worse, and is not the same in both."""
    sign = 1 if better == "higher" else -1
    (cost, value), (other_cost, other_value) = one.mean, other.mean
    return cost <= other_cost and sign * value >= sign * other_value and (cost, value) != (other_cost, other_value)
