"""The protocol card of a score: how it was measured, and its name."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.registry.choice import Choice
from ganbench.registry.contracts import Direction, ScoreKind


@dataclass(frozen=True)
class ScoreName:
    """A score's name, with its extractor unless that is the canonical one: `FID`, `FID[digits16]`."""

    score: str
    extractor: str | None = None

    def __str__(self) -> str:
        return self.score if self.extractor is None else f"{self.score}[{self.extractor}]"


@dataclass(frozen=True)
class ProtocolCard:
    """How a score was measured: what two scores must share to be comparable.

    `truncation` is where G's latents were cut off, `standing_statistics` whether the statistics of its batch
    normalization were computed anew. `snapshot_within` is the budget if the score is from the last snapshot within it.
    `seeds` are the seeds that a table's values belong to.
    """

    metric: Choice
    better: Direction
    fake_samples: int
    real_samples: int
    split: str
    generator: str
    checkpoint: str | None
    score: str = ""
    code: str = ""
    kind: ScoreKind = "linear"
    extractor: Choice | None = None
    weights: str | None = None
    resize: str | None = None
    truncation: float | None = None
    standing_statistics: bool = False
    snapshot_within: str | None = None
    seeds: tuple[int, ...] | None = None

    def name(self, label: str) -> ScoreName:
        """The name behind a score's label."""
        extractor = self.extractor.name if self.extractor and label != self.score else None
        return ScoreName(self.score, extractor) if self.score else ScoreName(label)

    def plain(self) -> dict[str, object]:
        """The card as JSON holds it."""
        checkpoint = self.checkpoint
        if self.snapshot_within is not None:
            checkpoint = f"last snapshot within {self.snapshot_within}"
        card: dict[str, object] = {
            "metric": self.metric.identity(),
            "score": self.score,
            "code": self.code,
            "better": self.better,
            "kind": self.kind,
            "fake_samples": self.fake_samples,
            "real_samples": self.real_samples,
            "split": self.split,
            "extractor": self.extractor.identity() if self.extractor else None,
            "weights": self.weights,
            "resize": self.resize,
            "generator": self.generator,
            "checkpoint": checkpoint,
        }
        if self.truncation is not None:
            card["truncation"] = self.truncation
        if self.standing_statistics:
            card["standing_statistics"] = True
        return card if self.seeds is None else {**card, "seeds": list(self.seeds)}
