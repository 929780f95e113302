"""The parts of a table: scores, rows, and the table of one dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from statistics import variance
from typing import TYPE_CHECKING, Literal, TypeAlias

from ganbench.registry.contracts import Direction, ScoreKind
from ganbench.results.protocol_card import ProtocolCard, ScoreName
from ganbench.statistics.differences import Sample
from ganbench.statistics.intervals import Kind
from ganbench.suite.labels import Variant, variant_title
from ganbench.suite.plan_file import PlanReference

if TYPE_CHECKING:
    from ganbench.analysis.family import Family, FamilyComparison

TITLES = {"real": "real data", "gaussian": "Gaussian fit", "noise": "uniform noise"}
"""Names of the references in tables."""


def reference_title(one: PlanReference) -> str:
    """The title of the row of a reference, or of samples made elsewhere."""
    return external_title(one.reference) if one.external else TITLES.get(one.reference, one.reference)


def external_title(label: str) -> str:
    """The title of a row of samples made elsewhere."""
    return f"{label} (external)"


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
class EqualValues:
    """A score's values at the number of held-out real samples, by seed."""

    samples: int
    values: tuple[float, ...]


@dataclass(frozen=True)
class Score:
    """One cell of a table: mean over seeds, 95 % interval, every seed's value.

    There is no interval for fewer than five seeds, for counts, and for values that do not vary. `card` is the
    protocol, with the `seeds` that the values belong to, in order. `beside` is the text that a publication prints
    beside its mean. `logs`: mean, interval and differences of its column are taken on logarithms, because it varies by
    factors and all values of the variants are above 0. `most` is the largest count that is possible, if known.
    `equal` are the values at the number of held-out real samples, if they are all known.
    """

    mean: float | None
    low: float | None
    high: float | None
    values: tuple[float, ...]
    better: Direction
    card: ProtocolCard | PublishedCard
    beside: str = ""
    logs: bool = False
    most: int | None = None
    equal: EqualValues | None = None

    @property
    def averaged(self) -> Kind:
        """The kind as which its column is averaged: `linear` for values without a logarithm."""
        return "linear" if self.kind == "log" and not self.logs else self.kind

    @property
    def ends(self) -> tuple[float, float] | None:
        """The ends of the interval, or the range of several values if there is no interval."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        return (min(self.values), max(self.values)) if len(self.values) > 1 else None

    @property
    def kind(self) -> ScoreKind:
        """What the score is, which fixes its test."""
        return self.card.kind if isinstance(self.card, ProtocolCard) else "linear"

    @property
    def variance(self) -> float:
        """The variance between seeds, on the column's scale."""
        return variance([log(value) for value in self.values] if self.logs else self.values)

    @property
    def scale(self) -> str:
        """The scale of its intervals and differences: `log` or `linear`."""
        return "log" if self.logs else "linear"

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


RowKind = Literal["variant", "reference", "external", "published"]
VariantKey: TypeAlias = tuple[str, str]
"""The labels of a variant's loss and architecture."""


@dataclass(frozen=True)
class TableRow:
    """A variant, a reference, samples made elsewhere, or a published value on one dataset."""

    dataset: str
    loss: str
    architecture: str
    kind: RowKind
    n_ok: int
    n: int
    scores: dict[str, Score]
    tier: str | None = None
    """Where it stands by the primary score (`ganbench.analysis.tiers`); None for what is not compared."""
    rank: tuple[int, int] | None = None
    """The best and the worst rank by the primary score that the comparisons allow."""
    notes: tuple[str, ...] = ()
    led: frozenset[str] = frozenset()
    """The primary score, if by it the row is better than another variant, worse than none, and not `faulty`."""
    failed: int = 0
    faulty: bool = False
    """Whether the verdict on the samples of at least half of its evaluated seeds is not `ok`."""
    verdict: str = ""
    cost: dict[str, float | None] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Those of the notes that say which scores seeds lack because a metric failed."""
    lacking: dict[str, int] = field(default_factory=dict)
    """By score, the number of these seeds."""
    noise: dict[str, float] = field(default_factory=dict)
    """By score, the variance over sets of latents of one generator, on the scale of the column; where it is known."""
    variant: Variant | None = None
    """Both labels of a variant, with the names behind them."""
    started: bool = True
    """Whether at least one seed of a variant has ended, however it did."""

    @property
    def key(self) -> VariantKey:
        """The variant's key in its table's ranking."""
        return self.loss, self.architecture

    @property
    def title(self) -> str:
        if self.kind == "external":
            return external_title(self.loss)
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
    primary: str = ""
    """The column that is tested; all others are exploratory. Empty as long as no run has a score."""
    family: Family | None = None
    """All comparisons of the suite, of the other datasets too."""
    heads: tuple[str, ...] | None = None
    """The columns between the variant and the scores that are shown; None for all."""

    @property
    def comparisons(self) -> list[FamilyComparison]:
        """The suite's comparisons on this dataset, between the rows that are shown."""
        rows = {row.key for row in self.variants}
        return [one for one in self.family.on(self.dataset) if rows >= {one.a, one.b}] if self.family else []

    def averaged(self, column: str) -> Kind:
        """How a column is averaged."""
        return next((row.scores[column].averaged for row in self.variants), "linear")

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

    @property
    def started(self) -> list[TableRow]:
        """Those of which at least one seed has ended: there is nothing to draw of the others."""
        return [row for row in self.variants if row.started]

    @property
    def best_first(self) -> list[TableRow]:
        """The same by the primary score, as `TableRow.place` orders them; as they are if there is none."""
        return sorted(self.variants, key=lambda row: row.place(self.primary)) if self.primary else self.variants
