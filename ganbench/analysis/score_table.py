"""What tables are made of: scores, rows, and the table of one data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ganbench.statistics.ranking import Ranking, Sample

TITLES = {"real": "real data", "gaussian": "Gaussian fit", "noise": "uniform noise"}
"""Yardsticks as tables name them."""
COSTS = {
    "train s": "train_seconds",
    "samples": "images",
    "samples/s": "images_per_second",
    "peak MiB": "peak_memory_bytes",
}
"""What a seed cost, by the record's names: seconds of training alone, real samples that D saw, peak memory
of the process or device that trained it."""


@dataclass(frozen=True)
class Score:
    """One cell of a table: mean over seeds, 95 % interval, every seed's value.

    `card` is the protocol, with the `seeds` that the values belong to, in order. `beside` is what a
    publication says beside its mean.
    """

    mean: float | None
    low: float | None
    high: float | None
    values: tuple[float, ...]
    better: str
    card: dict[str, Any]
    beside: str = ""

    @property
    def scale(self) -> str:
        return str(self.card.get("scale", "linear"))

    @property
    def logs(self) -> bool:
        """Whether the interval was taken on logarithms."""
        return self.scale == "log" and bool(self.values) and min(self.values) > 0


@dataclass(frozen=True)
class TableRow:
    """A variant, a reference, or a published value on one data set."""

    dataset: str
    loss: str
    architecture: str
    kind: str
    n_ok: int
    n: int
    scores: dict[str, Score]
    rank: dict[str, int | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    led: frozenset[str] = frozenset()
    """The scores in which it is better than another variant beyond noise, and none is better than it."""
    failed: int = 0
    verdict: str = ""
    cost: dict[str, float | None] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.loss} x {self.architecture}" if self.kind == "variant" else self.loss

    def place(self, score: str) -> tuple[bool, bool, float]:
        """What sorts rows in a chart: best mean first.

        Those with failed seeds, whose mean is that of survivors, stand below; those without a value last.
        """
        cell = self.scores[score]
        return cell.mean is None, self.failed > 0, (cell.mean or 0.0) * (1 if cell.better == "lower" else -1)

    def sample(self, score: str) -> Sample:
        """The row's values of a score by seed, failures counted."""
        cell = self.scores[score]
        return Sample(dict(zip(cell.card.get("seeds", ()), cell.values, strict=False)), self.failed)


@dataclass(frozen=True)
class Table:
    """One data set: the scores' names in order, its rows, and notes below them."""

    dataset: str
    columns: dict[str, str]
    """score -> better"""
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...]
    ranking: Ranking = field(default_factory=Ranking)
    """The comparisons behind the ranks; a variant's name in it is its row's index."""

    @property
    def primary(self) -> str | None:
        """The score that ranks the rows: the first column."""
        return next(iter(self.columns), None)

    @property
    def variants(self) -> list[TableRow]:
        """The variants that can be built."""
        return [row for row in self.rows if row.kind == "variant" and row.n]
