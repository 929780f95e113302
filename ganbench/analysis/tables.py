"""Comparative tables from records: one per dataset, with a row per variant and the references below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from ganbench.analysis import family, notes
from ganbench.analysis.score_table import COSTS, TITLES, PublishedCard, Score, Table, TableRow
from ganbench.registry.contracts import ScoreKind
from ganbench.results import protocol, verdicts
from ganbench.results.diagnosis import diagnoses
from ganbench.results.literature import PublishedRow
from ganbench.results.records import AnyRecord, ProtocolCard, Record, ReferenceRecord
from ganbench.results.store import Store
from ganbench.statistics import significance
from ganbench.statistics.means import mean
from ganbench.suite.plan_file import PlanRow, SavedPlan
from ganbench.suite.specs import Skipped

Read = list[tuple[PlanRow, dict[int, Record | None]]]
Reading = Callable[[Read], Read]
"""A view of a dataset's records: at the end of training, or at an equal budget."""


def build(
    layout: SavedPlan,
    store: Store,
    reading: Reading | None = None,
    published: Mapping[str, Sequence[PublishedRow]] = {},
) -> list[Table]:
    """The tables of a suite. Runs without a record count as not ok.

    `reading` shows the records at an equal budget; `published` holds rows of publications by
    dataset. Raises `UsageError` if scores of one column were measured under different protocols.
    """
    datasets = dict.fromkeys(
        one.dataset.text for part in (layout.rows, layout.references, layout.skipped) for one in part
    )
    found = [_table(name, layout, store, reading, published.get(name, ())) for name in datasets]
    return [replace(one, notes=tuple(notes.table_notes(one))) for one in family.judged(layout, found)]


def _table(
    dataset: str, layout: SavedPlan, store: Store, reading: Reading | None, published: Sequence[PublishedRow]
) -> Table:
    read = [(row, row.records(store)) for row in layout.rows if row.dataset.text == dataset]
    read = reading(read) if reading else read
    references = [(one.reference, store.reference(one.id)) for one in layout.references if one.dataset.text == dataset]
    everything: list[AnyRecord] = [record for _, records in read for record in records.values() if record]
    everything += [record for _, record in references if record]
    shown: dict[str, ProtocolCard] = {}
    for record in everything:
        for name, card in record.evaluation.cards.items():
            shown.setdefault(name, card)
    _check(shown, read, references)
    shown = {name: replace(card, kind=_kind(name, everything)) for name, card in shown.items()}
    rows = _on_logs([_variant(row, records, shown) for row, records in read])
    rows += [_skipped(skip, shown) for skip in layout.skipped if skip.dataset.text == dataset]
    rows += [_reference(dataset, name, record, shown) for name, record in references]
    rows += [_published(dataset, entry, shown) for entry in published if set(entry.scores) & set(shown)]
    columns = {name: card.better for name, card in shown.items()}
    return Table(dataset, columns, tuple(rows), (), _primary(layout.family.primary.get(dataset), shown))


def _primary(asked: str | None, shown: dict[str, ProtocolCard]) -> str:
    """The column of the primary score: the one asked for, which names no extractor, or the first."""
    columns = [name for name, card in shown.items() if asked in (None, card.score, name)]
    return next(iter(columns), asked or "")


KINDS: tuple[ScoreKind, ...] = ("count", "share", "log", "linear")


def _kind(name: str, records: Iterable[AnyRecord]) -> ScoreKind:
    """The kind of a column. Cards from before there were kinds call everything but `log` linear; others know more."""
    found = {record.evaluation.cards[name].kind for record in records if name in record.evaluation.cards}
    return min(found, key=KINDS.index)


def _on_logs(rows: list[TableRow]) -> list[TableRow]:
    """The rows with the columns on logarithms that vary by factors, if all their values are above 0."""
    names = {name for row in rows for name, score in row.scores.items() if score.kind == "log" and score.values}
    logs = {name for name in names if all(value > 0 for row in rows for value in row.scores[name].values)}
    return [
        replace(row, scores={name: _score_on_logs(one) if name in logs else one for name, one in row.scores.items()})
        for row in rows
    ]


def _score_on_logs(score: Score) -> Score:
    if not score.values:
        return replace(score, logs=True)
    mean, low, high = significance.mean_interval(score.values, scale="log")
    return replace(score, mean=mean, low=low, high=high, logs=True)


def _check(shown: dict[str, ProtocolCard], read: Read, references: list[tuple[str, ReferenceRecord | None]]) -> None:
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


def _score(values: dict[int, float], card: ProtocolCard) -> Score:
    found = list(values.values())
    mean, low, high = significance.mean_interval(found) if found else (None, None, None)
    return Score(mean, low, high, tuple(found), card.better, replace(card, seeds=tuple(values)))


def _variant(row: PlanRow, records: dict[int, Record | None], shown: dict[str, ProtocolCard]) -> TableRow:
    good = {seed: record for seed, record in records.items() if record and record.status == "ok"}
    scores = {}
    for name, card in shown.items():
        found = {seed: record.evaluation for seed, record in good.items() if name in record.evaluation.metrics}
        values = {seed: evaluation.metrics[name] for seed, evaluation in found.items()}
        own = next((record.evaluation.cards[name] for record in good.values() if name in record.evaluation.cards), card)
        scores[name] = _score(values, replace(own, kind=card.kind))
    failed = sum(record is not None and record.status != "ok" for record in records.values())
    missing = notes.missing({seed: record.evaluation.missing for seed, record in good.items()}, shown)
    lost = [record.evaluation.missing for record in good.values()]
    lacking = {name: sum(card.metric.name in own for own in lost) for name, card in shown.items()}
    said = (
        notes.failures(records)
        + missing
        + notes.paths(list(good.values()))
        + notes.snapshots(list(good.values()))
        + diagnoses(records.values())
    )
    verdict = verdicts.summary([record.evaluation.verdict for record in good.values()])
    cost = {key: _mean([getattr(record.cost, key) for record in good.values()]) for key in COSTS.values()}
    return TableRow(
        row.dataset.text, *row.texts[:2], "variant", len(good), len(records), scores, notes=said,
        failed=failed, verdict=verdict, cost=cost, missing=missing, lacking=lacking,
    )  # fmt: skip


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _reference(dataset: str, name: str, record: ReferenceRecord | None, shown: dict[str, ProtocolCard]) -> TableRow:
    scores, said = {}, []
    for score, card in shown.items():
        there = record is not None and score in record.evaluation.metrics
        scores[score] = _score({}, card)
        if record is not None and there:
            card = record.evaluation.cards[score]
            scores[score] = replace(_score({0: record.evaluation.metrics[score]}, card), card=card)
    if record is None:
        said.append("not measured yet")
    else:
        asked = record.spec.evaluation.samples
        if record.samples < asked:
            said.append(f"only {record.samples} samples (variants: {asked}), so its protocol card differs")
        said += notes.missing_in_reference(record.evaluation.missing, shown)
        said += record.notes
    verdict = verdicts.summary([record.evaluation.verdict]) if record else ""
    return TableRow(
        dataset, TITLES.get(name, name), "", "reference", int(record is not None), 1, scores, notes=tuple(said),
        verdict=verdict,
    )  # fmt: skip


def published_rows(table: Table, entries: Iterable[PublishedRow]) -> tuple[TableRow, ...]:
    """Rows of publications that have scores of a table, as `build` would add them."""
    shown = {name: score.protocol for name, score in table.rows[0].scores.items()} if table.rows else {}
    return tuple(_published(table.dataset, one, shown) for one in entries if set(one.scores) & set(shown))


def _published(dataset: str, entry: PublishedRow, shown: dict[str, ProtocolCard]) -> TableRow:
    """A row with the numbers of a publication, measured under its own protocol."""
    scores = {name: _score({}, card) for name, card in shown.items()}
    for name, (value, spread) in entry.scores.items():
        if name in shown:
            card = PublishedCard(entry.source, entry.protocol, shown[name].better)
            scores[name] = Score(value, None, None, (value,), card.better, card, spread)
    note = f"published, another protocol: {entry.protocol}. {entry.source}"
    return TableRow(dataset, f"{entry.variant} ({entry.short})", "", "published", 1, 1, scores, notes=(note,))


def _skipped(skip: Skipped, shown: dict[str, ProtocolCard]) -> TableRow:
    scores = {name: _score({}, card) for name, card in shown.items()}
    return TableRow(
        skip.dataset.text, *skip.texts[:2], "variant", 0, 0, scores,
        notes=(f"not applicable: {skip.reason}",),
    )  # fmt: skip
