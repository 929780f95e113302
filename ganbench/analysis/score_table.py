"""The parts of a table: scores, rows, and the table of one dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ganbench.registry.contracts import Direction
from ganbench.results.records import ProtocolCard, ScoreName
from ganbench.statistics.ranking import Ranking, Sample
from ganbench.suite.labels import variant_title

TITLES = {"real": "real data", "gaussian": "Gaussian fit", "noise": "uniform noise"}
"""Names of the references in tables."""
COSTS = {
    "train s": "train_seconds",
    "samples": "images",
    "samples/s": "images_per_second",
    "peak MiB": "peak_memory_bytes",
}
"""Costs of a seed, by the record's names: seconds of training without evaluation, real samples shown to D, peak
memory of the process or device that trained it."""


@dataclass(frozen=True)
class PublishedCard:
    """The source of a published score and the protocol under which it was measured."""

    source: str
    protocol: str
    better: Direction


@dataclass(frozen=True)
class Score:
    """One cell of a table: mean over seeds, 95 % interval, every seed's value.

    `card` is the protocol, with the `seeds` that the values belong to, in order. `beside` is the
    text that a publication prints beside its mean.
    """

    mean: float | None
    low: float | None
    high: float | None
    values: tuple[float, ...]
    better: Direction
    card: ProtocolCard | PublishedCard
    beside: str = ""

    @property
    def scale(self) -> str:
        return self.card.scale if isinstance(self.card, ProtocolCard) else "linear"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that the values belong to, in order."""
        return (self.card.seeds or ()) if isinstance(self.card, ProtocolCard) else ()

    @property
    def protocol(self) -> ProtocolCard:
        """The card of a score that was measured here. Raises `TypeError` for a published one."""
        if not isinstance(self.card, ProtocolCard):
            raise TypeError("a published score has no protocol card")
        return self.card

    @property
    def name(self) -> str:
        """The score's own name, without its extractor."""
        return self.card.score if isinstance(self.card, ProtocolCard) else ""

    @property
    def logs(self) -> bool:
        """Whether the interval was taken on logarithms."""
        return self.scale == "log" and bool(self.values) and min(self.values) > 0


RowKind = Literal["variant", "reference", "published"]
VariantKey = tuple[str, str]
"""The labels of a variant's loss and architecture."""


@dataclass(frozen=True)
class TableRow:
    """A variant, a reference, or a published value on one dataset."""

    dataset: str
    loss: str
    architecture: str
    kind: RowKind
    n_ok: int
    n: int
    scores: dict[str, Score]
    rank: dict[str, int | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    led: frozenset[str] = frozenset()
    """The scores in which it is significantly better than another variant and significantly worse than none."""
    failed: int = 0
    verdict: str = ""
    cost: dict[str, float | None] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Those of the notes that say which scores seeds lack because a metric failed."""
    lacking: dict[str, int] = field(default_factory=dict)
    """By score, the number of these seeds."""

    @property
    def key(self) -> VariantKey:
        """The variant's key in its table's ranking."""
        return self.loss, self.architecture

    @property
    def title(self) -> str:
        return variant_title(self.loss, self.architecture) if self.kind == "variant" else self.loss

    def place(self, score: str) -> tuple[bool, bool, float]:
        """The sort key of rows in a chart: best mean first.

        Rows with failed seeds, whose mean is that of the other seeds, come after; rows without a value last.
        """
        cell = self.scores[score]
        return cell.mean is None, self.failed > 0, (cell.mean or 0.0) * (1 if cell.better == "lower" else -1)

    def sample(self, score: str) -> Sample:
        """The row's values of a score by seed; failed seeds and those whose metric failed are counted."""
        cell = self.scores[score]
        return Sample(dict(zip(cell.seeds, cell.values, strict=False)), self.failed + self.lacking.get(score, 0))


@dataclass(frozen=True)
class Table:
    """One dataset: the scores' names in order, the rows, and the notes below them."""

    dataset: str
    columns: dict[str, Direction]
    """score -> better"""
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...]
    """Notes on the whole table."""
    ranking: Ranking[VariantKey] = field(default_factory=Ranking)
    """The comparisons behind the ranks, by the rows' keys."""

    @property
    def primary(self) -> str | None:
        """The score that ranks the rows: the first column."""
        return next(iter(self.columns), None)

    def score_name(self, column: str) -> ScoreName:
        """The score of a column, with its extractor if the column's label has it."""
        cards = (row.scores[column].card for row in self.rows if column in row.scores)
        card = next((card for card in cards if isinstance(card, ProtocolCard)), None)
        return card.name(column) if card else ScoreName(column)

    @property
    def row_notes(self) -> dict[str, list[str]]:
        """The notes on single rows, each with the titles of its rows."""
        found: dict[str, list[str]] = {}
        for row in self.rows:
            for note in row.notes:
                found.setdefault(note, []).append(row.title)
        return found

    @property
    def all_notes(self) -> list[str]:
        """The rows' notes with the rows they belong to, then the table's."""
        return [*(f"{', '.join(titles)}: {note}" for note, titles in self.row_notes.items()), *self.notes]

    @property
    def variants(self) -> list[TableRow]:
        """The variants that can be built."""
        return [row for row in self.rows if row.kind == "variant" and row.n]
