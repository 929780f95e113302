"""Comparative tables from records: one per dataset, with a row per variant and the references below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ganbench.analysis import equal_counts, family, notes, tiers
from ganbench.analysis.reference_rows import external_row, reference_row
from ganbench.analysis.score_table import COSTS, TITLES, PublishedCard, Score, Table, TableRow
from ganbench.registry.contracts import ScoreKind
from ganbench.results import protocol, verdicts
from ganbench.results.diagnosis import diagnoses
from ganbench.results.literature import PublishedRow
from ganbench.results.protocol_card import ProtocolCard
from ganbench.results.records import AnyRecord, Record, ReferenceRecord
from ganbench.results.store import Store
from ganbench.statistics import intervals
from ganbench.statistics.means import mean
from ganbench.suite.plan_file import PlanRow, SavedPlan
from ganbench.suite.specs import Skipped

Read = list[tuple[PlanRow, dict[int, Record | None]]]
Reading = Callable[[Read], Read]
"""A view of a dataset's records: at the end of training, or at an equal budget."""


class Column(NamedTuple):
    """What the cells of a score share: a card, whether it is on logarithms, and the largest count if it is known."""

    card: ProtocolCard
    logs: bool
    most: int | None


Columns = Mapping[str, Column]


def build(
    layout: SavedPlan,
    store: Store,
    reading: Reading | None = None,
    published: Mapping[str, Sequence[PublishedRow]] = {},
    whole: SavedPlan | None = None,
) -> list[Table]:
    """The tables of a suite. Runs without a record count as not ok.

    `reading` shows the records at an equal budget; `published` holds rows of publications by
    dataset. If the tables show a part of a suite, `whole` is its plan, whose family of comparisons is
    theirs: a part must not have other answers. Raises `UsageError` if scores of one column were
    measured under different protocols.
    """
    datasets = dict.fromkeys(
        one.dataset.text for part in (layout.rows, layout.references, layout.skipped) for one in part
    )
    found = [_table(name, layout, store, reading, published.get(name, ())) for name in datasets]
    compared = _compared(layout, found, store, reading, whole)
    return [replace(one, notes=tuple(notes.table_notes(one))) for one in map(tiers.placed, compared)]


def _compared(
    layout: SavedPlan, found: list[Table], store: Store, reading: Reading | None, whole: SavedPlan | None
) -> list[Table]:
    """The tables with the family of their suite."""
    if whole is None:
        return family.compared(layout, found)
    (first, *_) = build(whole, store, reading)
    return [replace(one, family=first.family) for one in found]


def _table(
    dataset: str, layout: SavedPlan, store: Store, reading: Reading | None, published: Sequence[PublishedRow]
) -> Table:
    read = [(row, row.records(store)) for row in layout.rows if row.dataset.text == dataset]
    read = reading(read) if reading else read
    references = [
        (one.reference, store.reference(one.id))
        for one in layout.references if one.dataset.text == dataset and not one.external
    ]  # fmt: skip
    trained = [record for _, records in read for record in records.values() if record]
    shown = _columns(trained, [record for _, record in references if record])
    _check(shown, read, references)
    rows = [_variant(row, records, shown) for row, records in read]
    rows += [_skipped(skip, shown) for skip in layout.skipped if skip.dataset.text == dataset]
    rows += _reference_rows(dataset, layout, store, shown, trained)
    rows += [_published(dataset, entry, shown) for entry in published if set(entry.scores) & set(shown)]
    columns = {name: column.card.better for name, column in shown.items()}
    return Table(dataset, columns, tuple(rows), (), _primary(layout.family.primary.get(dataset), shown))


def _primary(asked: str | None, shown: Columns) -> str:
    """The column of the primary score: the one asked for, which names no extractor, or the first; empty without one."""
    return next((name for name, column in shown.items() if asked in (None, column.card.score, name)), "")


KINDS: tuple[ScoreKind, ...] = ("count", "share", "log", "linear")


def _columns(trained: Sequence[Record], references: Sequence[ReferenceRecord]) -> dict[str, Column]:
    """The scores of a dataset in the order of their records."""
    everything: list[AnyRecord] = [*trained, *references]
    cards: dict[str, ProtocolCard] = {}
    for record in everything:
        for name, card in record.evaluation.cards.items():
            cards.setdefault(name, card)
    found = {}
    for name, card in cards.items():
        kind = _kind(name, everything)
        values = [one.evaluation.metrics[name] for one in trained if one.ok and name in one.evaluation.metrics]
        logs = kind == "log" and bool(values) and min(values) > 0
        found[name] = Column(replace(card, kind=kind), logs, _most(name, everything) if kind == "count" else None)
    return found


def _cards(shown: Columns) -> dict[str, ProtocolCard]:
    return {name: column.card for name, column in shown.items()}


def _kind(name: str, records: Iterable[AnyRecord]) -> ScoreKind:
    """The kind of a column. Cards from before there were kinds call everything but `log` linear; others know more."""
    found = {record.evaluation.cards[name].kind for record in records if name in record.evaluation.cards}
    return min(found, key=KINDS.index)


def _most(score: str, records: Sequence[AnyRecord]) -> int | None:
    """The number of the data's modes or classes, if the score counts them: real data reach it, nothing exceeds it."""
    real = [one for one in records if isinstance(one, ReferenceRecord) and one.spec.reference == "real"]
    bins = {len(one.evaluation.histogram.fake) for one in real if one.evaluation.histogram}
    values = [one.evaluation.metrics[score] for one in records if score in one.evaluation.metrics]
    reached = {one.evaluation.metrics.get(score) for one in real}
    return bins.pop() if len(bins) == 1 and reached == bins and max(values) <= max(bins) else None


def _check(shown: Columns, read: Read, references: list[tuple[str, ReferenceRecord | None]]) -> None:
    """Check that each column has one protocol, which references share as far as they can."""
    for score in shown:
        runs = {
            f"{row.variant.title} on {row.dataset.text}, seed {seed}": record.evaluation.cards[score]
            for row, records in read
            for seed, record in records.items()
            if record and score in record.evaluation.cards
        }
        protocol.check(score, runs)
        first = dict(list(runs.items())[:1])
        for name, record in references:
            if record and score in record.evaluation.cards:
                cards = {**first, TITLES.get(name, name): record.evaluation.cards[score]}
                protocol.check(score, cards, protocol.REFERENCE_FIELDS)


def _score(values: dict[int, float], card: ProtocolCard, column: Column) -> Score:
    found = tuple(values.values())
    card = replace(card, kind=column.card.kind, seeds=tuple(values))
    score = Score(None, None, None, found, card.better, card, logs=column.logs, most=column.most)
    if not found:
        return score
    mean, low, high = intervals.summary(found, score.averaged)
    return replace(score, mean=mean, low=low, high=high)


def _variant(row: PlanRow, records: dict[int, Record | None], shown: Columns) -> TableRow:
    good = {seed: record for seed, record in records.items() if record and record.evaluated}
    scores = {}
    for name, column in shown.items():
        found = {seed: record.evaluation for seed, record in good.items() if name in record.evaluation.metrics}
        values = {seed: evaluation.metrics[name] for seed, evaluation in found.items()}
        cards = (record.evaluation.cards.get(name) for record in good.values())
        equal = equal_counts.equal_values(found.values(), name)
        scores[name] = replace(_score(values, next(filter(None, cards), column.card), column), equal=equal)
    failed = sum(record is not None and record.training_failure is not None for record in records.values())
    missing = notes.missing({seed: record.evaluation.missing for seed, record in good.items()}, _cards(shown))
    lost = [record.evaluation.missing for record in good.values()]
    lacking = {name: sum(column.card.metric.name in own for own in lost) for name, column in shown.items()}
    said = (
        notes.failures(records)
        + missing
        + notes.not_applicable([record.evaluation for record in good.values()], _cards(shown))
        + notes.not_compared(record.evaluation for record in good.values())
        + notes.paths(list(good.values()))
        + notes.reruns(list(good.values()))
        + notes.snapshots(list(good.values()))
        + diagnoses(records.values())
    )
    samples = [record.evaluation.verdict for record in good.values()]
    cost = {key: _mean([getattr(record.cost, key) for record in good.values()]) for key in COSTS.values()}
    return TableRow(
        row.dataset.text, *row.texts[:2], "variant", len(good), len(records), scores, notes=said,
        failed=failed, started=any(records.values()), faulty=verdicts.faulty(samples),
        verdict=verdicts.summary(samples), cost=cost, missing=missing, lacking=lacking,
        noise=_noise(good.values(), shown), variant=row.variant,
    )  # fmt: skip


def _noise(records: Iterable[Record], shown: Columns) -> dict[str, float]:
    """By score, the mean variance over sets of latents; on logarithms, that of the relative deviations."""
    found: dict[str, list[float]] = {}
    for record in records:
        for name, deviation in record.evaluation.noise.items():
            if name in shown and name in record.evaluation.metrics:
                unit = record.evaluation.metrics[name] if shown[name].logs else 1.0
                found.setdefault(name, []).append((deviation / unit) ** 2)
    return {name: mean(own) for name, own in found.items()}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _of_references(score: str, records: Sequence[ReferenceRecord], column: Column) -> Score:
    """A score of references, or of files of samples made elsewhere; these have no seeds."""
    known = [record for record in records if score in record.evaluation.metrics]
    values = [record.evaluation.metrics[score] for record in known]
    if not known:
        return _score({}, column.card, column)
    column = column._replace(logs=column.logs and (len(values) == 1 or min(values) > 0))
    card = replace(known[0].evaluation.cards[score], kind=column.card.kind)
    equal = equal_counts.equal_values([record.evaluation for record in known], score)
    return replace(_score(dict(enumerate(values)), card, column), card=card, equal=equal)


def _reference_rows(
    dataset: str, layout: SavedPlan, store: Store, shown: Columns, trained: Sequence[Record]
) -> list[TableRow]:
    """The references of a dataset, and below them the samples made elsewhere by their labels."""
    found = [(one, store.reference(one.id)) for one in layout.references if one.dataset.text == dataset]
    cards = _cards(shown)

    def scored(score: str, records: Sequence[ReferenceRecord]) -> Score:
        return _of_references(score, records, shown[score])

    rows = [reference_row(dataset, one.reference, record, scored, cards) for one, record in found if not one.external]
    labels = dict.fromkeys(one.reference for one, _ in found if one.external)
    files = {label: [record for one, record in found if one.external and one.reference == label] for label in labels}
    asked = trained[0].spec.evaluation.samples if trained else None
    elsewhere = (external_row(dataset, label, own, scored, cards, asked) for label, own in files.items())
    return [*rows, *elsewhere]


def published_rows(table: Table, entries: Iterable[PublishedRow]) -> tuple[TableRow, ...]:
    """Rows of publications that have scores of a table, as `build` would add them."""
    cells = table.rows[0].scores.items() if table.rows else ()
    shown = {name: Column(score.protocol, score.logs, score.most) for name, score in cells}
    return tuple(_published(table.dataset, one, shown) for one in entries if set(one.scores) & set(shown))


def _published(dataset: str, entry: PublishedRow, shown: Columns) -> TableRow:
    """A row with the numbers of a publication, measured under its own protocol."""
    scores = {name: _score({}, column.card, column) for name, column in shown.items()}
    for name, (value, spread) in entry.scores.items():
        if name in shown:
            card = PublishedCard(entry.source, entry.protocol, shown[name].card.better)
            scores[name] = Score(value, None, None, (value,), card.better, card, spread)
    note = f"published, another protocol: {entry.protocol}. {entry.source}"
    return TableRow(dataset, f"{entry.variant} ({entry.short})", "", "published", 1, 1, scores, notes=(note,))


def _skipped(skip: Skipped, shown: Columns) -> TableRow:
    scores = {name: _score({}, column.card, column) for name, column in shown.items()}
    return TableRow(
        skip.dataset.text, *skip.texts[:2], "variant", 0, 0, scores,
        notes=(f"not applicable: {skip.reason}",),
    )  # fmt: skip
