"""How a variant's score depends on its hyperparameters: default, median and best of k random draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum
from statistics import median

from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.results.protocol_card import ProtocolCard
from ganbench.results.records import AnyRecord, Record, ReferenceRecord
from ganbench.results.store import Store
from ganbench.statistics.best_of_k import expected_best, intervals
from ganbench.statistics.means import mean
from ganbench.suite.search import RowDraw, SavedSearch, SearchRow


@dataclass(frozen=True)
class DrawResult:
    """One draw of one variant: `ok`, `failed` (some seed has no score) or `not run`, and each seed's score.

    `score` is the mean over the seeds that have one; `counted` is what statistics use: the same,
    or the table's worst value if the draw failed.
    """

    number: int
    settings: Mapping[str, object]
    status: str
    reason: str
    values: dict[int, float]
    missing: int
    runs: tuple[str, ...]
    counted: float | None

    @property
    def score(self) -> float | None:
        return mean(list(self.values.values())) if self.values else None


@dataclass(frozen=True)
class Variation:
    """A row of the table: a variant's default settings and its draws that were run."""

    row: SearchRow
    better: str
    default: DrawResult
    draws: tuple[DrawResult, ...]
    asked: int

    @property
    def title(self) -> str:
        return self.row.variant.title

    @property
    def n_ok(self) -> int:
        return sum(draw.status == "ok" for draw in self.draws)

    @property
    def counted(self) -> list[float]:
        return [draw.counted for draw in self.draws if draw.counted is not None]

    @property
    def trained(self) -> frozenset[str]:
        """The ids of its runs."""
        return frozenset(id_ for draw in (self.default, *self.draws) for id_ in draw.runs)

    @property
    def median(self) -> float | None:
        return median(self.counted) if self.counted else None

    @cached_property
    def best(self) -> list[float]:
        """Expected best of k, for k = 1 to the number of draws."""
        return expected_best(self.counted, self.better) if self.counted else []

    @cached_property
    def intervals(self) -> list[tuple[float, float]]:
        return intervals(self.counted, self.better) if self.counted else []

    @cached_property
    def held_out(self) -> list[float]:
        """The same, chosen by half of the seeds and reported on the other half, both ways averaged.

        Empty if a draw has fewer than two seeds.
        """
        halves = [self._half(0), self._half(1)]
        if not self.draws or any(value is None for half in halves for value in half):
            return []
        ways = [expected_best(halves[i], self.better, halves[1 - i]) for i in (0, 1)]  # type: ignore[arg-type]
        return [mean(both) for both in zip(*ways, strict=True)]

    def _half(self, part: int) -> list[float | None]:
        """Every draw's mean over every other of its seeds; a failed draw has failed in both halves."""
        means = []
        for draw in self.draws:
            values = [draw.values[seed] for seed in sorted(draw.values)][part::2]
            means.append(draw.counted if draw.status == "failed" else mean(values) if values else None)
        return means

    @property
    def winner(self) -> DrawResult | None:
        """The best draw that did not fail."""
        good = [draw for draw in self.draws if draw.status == "ok"]
        sign = -1 if self.better == "higher" else 1
        return min(good, key=lambda draw: sign * (draw.score or 0), default=None)


@dataclass(frozen=True)
class Sensitivity:
    """One dataset and score, with a row per variant."""

    dataset: str
    score: str
    better: str
    draws: int
    worst: float | None
    """The value of a failed draw: the worst score of all draws and references here."""
    rows: tuple[Variation, ...]
    trainings: int
    seconds: float


def build(layout: SavedSearch, store: Store, metrics: Sequence[str] = ()) -> list[Sensitivity]:
    """A table per dataset, of its first score, or of each of `metrics` that it has.

    `modes` also means `modes[EXTRACTOR]`. Raises `UsageError` if no dataset has a metric.
    """
    tables: list[Sensitivity] = []
    known: dict[str, None] = {}
    found: set[str] = set()
    for dataset in dict.fromkeys(variant.dataset.text for variant in layout.variants):
        records = _records(dataset, layout, store)
        references = [store.reference(one.id) for one in layout.references if one.dataset.text == dataset]
        scores = _scores([*records.values(), *references])
        known |= dict.fromkeys(scores)
        wanted = {metric: name for metric in metrics for name in scores if metric in (name, scores[name].score)}
        found |= wanted.keys()
        chosen = list(dict.fromkeys(wanted.values())) if metrics else list(scores)[:1]
        tables += [_table(dataset, name, scores[name].better, layout, records, references) for name in chosen]
    lost = [metric for metric in metrics if metric not in found]
    if lost and known:
        raise UsageError(f"--metric: no score {lost[0]!r} in this search{suggestion(lost[0], list(known))}")
    return tables


def _records(dataset: str, layout: SavedSearch, store: Store) -> dict[str, Record | None]:
    """Every run of a dataset's variants."""
    variants = (variant for variant in layout.variants if variant.dataset.text == dataset)
    ids = {id_: draw.evaluation for variant in variants for draw in variant.draws for id_ in draw.runs.values()}
    return {id_: store.run(id_, evaluation) for id_, evaluation in ids.items()}


def _scores(records: Sequence[AnyRecord | None]) -> dict[str, ProtocolCard]:
    """Every score with a card of it, in the records' order."""
    found: dict[str, ProtocolCard] = {}
    for record in records:
        for name, card in (record.evaluation.cards if record else {}).items():
            found.setdefault(name, card)
    return found


def _table(
    dataset: str,
    score: str,
    better: str,
    layout: SavedSearch,
    records: dict[str, Record | None],
    references: Sequence[ReferenceRecord | None],
) -> Sensitivity:
    variants = [variant for variant in layout.variants if variant.dataset.text == dataset]
    seen = [r.evaluation.metrics[score] for r in references if r and score in r.evaluation.metrics]
    plain = [[_result(draw, score, records, None) for draw in variant.draws] for variant in variants]
    seen += [draw.score for draws in plain for draw in draws if draw.score is not None]
    worst = (min if better == "higher" else max)(seen, default=None)
    rows = []
    for variant in variants:
        default, *draws = (_result(draw, score, records, worst) for draw in variant.draws)
        run = tuple(draw for draw in draws if draw.status != "not run")
        rows.append(Variation(variant, better, default, run, len(draws)))
    spent = [record for id_ in set().union(*(row.trained for row in rows)) if (record := records[id_])]
    seconds = fsum(record.cost.train_seconds or 0 for record in spent)
    asked = max(row.asked for row in rows)
    return Sensitivity(dataset, score, better, asked, worst, tuple(rows), len(spent), seconds)


def _result(draw: RowDraw, score: str, records: dict[str, Record | None], worst: float | None) -> DrawResult:
    there = {seed: record for seed, id_ in draw.runs.items() if (record := records[id_])}
    good = {seed: record.evaluation.metrics for seed, record in there.items() if record.ok}
    values = {seed: metrics[score] for seed, metrics in good.items() if score in metrics}
    bad = [record for seed, record in there.items() if seed not in values]
    status = "not run" if not there else "failed" if bad else "ok"
    reason = ""
    if bad:
        statuses = dict.fromkeys(r.status if r.status != "ok" else f"without {score}" for r in bad)
        reason = f"{len(bad)} of {len(draw.runs)} seeds {', '.join(statuses)}"
    counted = worst if bad else mean(list(values.values())) if values else None
    ids = tuple(draw.runs[seed] for seed in there)
    return DrawResult(draw.number, draw.settings, status, reason, values, len(draw.runs) - len(there), ids, counted)
