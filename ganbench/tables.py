"""Records to comparative tables: one a data set, a row a variant, its yardsticks below."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from ganbench import stats
from ganbench.diagnosis import diagnoses
from ganbench.layout import Layout, Row
from ganbench.records import Record, Store

TITLES = {"real": "real data", "gaussian": "Gaussian fit", "noise": "uniform noise"}


@dataclass(frozen=True)
class Score:
    """One cell of a table: mean over seeds, 95 % interval, every seed's value."""

    mean: float | None
    low: float | None
    high: float | None
    values: tuple[float, ...]
    better: str
    card: dict[str, Any]


@dataclass(frozen=True)
class TableRow:
    """A variant or a reference on one data set."""

    dataset: str
    loss: str
    architecture: str
    kind: str
    n_ok: int
    n: int
    scores: dict[str, Score]
    rank: dict[str, int | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    contested: frozenset[str] = frozenset()
    """The scores in which some variant of the table is worse than another."""

    @property
    def title(self) -> str:
        return self.loss if self.kind == "reference" else f"{self.loss} x {self.architecture}"

    def leads(self, score: str) -> bool:
        """Whether nothing is better while something is worse: a lead that is more than noise.

        Where seeds failed, the mean is of the survivors, and no lead is claimed.
        """
        return self.rank.get(score) == 1 and score in self.contested and self.n_ok == self.n


@dataclass(frozen=True)
class Table:
    """One data set: the scores' names in order, its rows, and notes below them."""

    dataset: str
    columns: dict[str, str]
    """score -> better"""
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...]


def build(layout: Layout, store: Store) -> list[Table]:
    """The tables of a suite from the records that are there; runs that are not count as not ok."""
    datasets = dict.fromkeys(
        [row.dataset for row in layout.rows]
        + [label for label, _, _ in layout.references]
        + [s[2] for s in layout.skipped]
    )
    return [_table(name, layout, store) for name in datasets]


def _table(dataset: str, layout: Layout, store: Store) -> Table:
    read = [
        (row, {seed: store.run(id_) for seed, id_ in row.runs.items()}) for row in layout.rows if row.dataset == dataset
    ]
    yardsticks = [(name, store.reference(id_)) for label, name, id_ in layout.references if label == dataset]
    everything = [r for _, records in read for r in records.values() if r] + [r for _, r in yardsticks if r]
    columns: dict[str, str] = {}
    cards: dict[str, Any] = {}
    for record in everything:
        for name, card in record["cards"].items():
            columns.setdefault(name, card["better"])
            cards.setdefault(name, card)
    rows = [_variant(row, records, columns, cards) for row, records in read]
    rows = _ranked(rows, columns)
    rows += [_skipped(dataset, skip, columns, cards) for skip in layout.skipped if skip[2] == dataset]
    rows += [_reference(dataset, name, record, columns, cards) for name, record in yardsticks]
    return Table(dataset, columns, tuple(rows), tuple(_notes(rows)))


def _score(values: list[float], better: str, card: dict[str, Any]) -> Score:
    mean, low, high = stats.mean_interval(values) if values else (None, None, None)
    return Score(mean, low, high, tuple(values), better, card)


def _variant(row: Row, records: dict[int, Record | None], columns: dict[str, str], cards: dict[str, Any]) -> TableRow:
    good = [record for record in records.values() if record and record["status"] == "ok"]
    scores = {
        name: _score([r["metrics"][name] for r in good if name in r["metrics"]], better, _card(name, good, cards))
        for name, better in columns.items()
    }
    notes = _failures(records) + _paths(good) + diagnoses(records.values())
    return TableRow(row.dataset, row.loss, row.architecture, "variant", len(good), len(records), scores, notes=notes)


def _card(name: str, records: list[Record], cards: dict[str, Any]) -> dict[str, Any]:
    own = next((record["cards"][name] for record in records if name in record["cards"]), cards[name])
    return dict(own)


def _failures(records: dict[int, Record | None]) -> tuple[str, ...]:
    """One note a kind of failure: `2 of 8 seeds diverged: a loss was not finite at step 100`."""
    groups: dict[tuple[str, str], list[int]] = {}
    for seed, record in records.items():
        if record is None:
            groups.setdefault(("not run yet", ""), []).append(seed)
        elif record["status"] != "ok":
            groups.setdefault((record["status"], record["reason"]), []).append(seed)
    return tuple(
        f"{len(seeds)} of {len(records)} seeds {status}" + (f": {reason}" if reason else "")
        for (status, reason), seeds in groups.items()
    )


def _paths(records: list[Record]) -> tuple[str, ...]:
    """A note where a variant's seeds were trained in several ways, which differ in rounding."""
    paths = sorted({record.get("provenance", {}).get("path") or "" for record in records} - {""})
    if len(paths) < 2:
        return ()
    return (f"its seeds were trained in several ways ({', '.join(paths)}), which differ in rounding",)


def _ranked(rows: list[TableRow], columns: dict[str, str]) -> list[TableRow]:
    values = {
        name: (better, {str(i): row.scores[name].values for i, row in enumerate(rows)})
        for name, better in columns.items()
    }
    by_score = stats.ranks(values)
    contested = frozenset(name for name, found in by_score.items() if any((rank or 0) > 1 for rank in found.values()))
    return [
        replace(row, rank={name: found[str(i)] for name, found in by_score.items()}, contested=contested)
        for i, row in enumerate(rows)
    ]


def _reference(
    dataset: str, name: str, record: Record | None, columns: dict[str, str], cards: dict[str, Any]
) -> TableRow:
    scores, notes = {}, []
    for score, better in columns.items():
        there = record is not None and score in record["metrics"]
        values = [record["metrics"][score]] if record is not None and there else []
        scores[score] = _score(values, better, record["cards"][score] if record is not None and there else cards[score])
    if record is None:
        notes.append("not measured yet")
    else:
        asked = record["spec"]["evaluation"]["samples"]
        if record["samples"] < asked:
            notes.append(f"only {record['samples']} samples (variants: {asked})")
        notes += record["notes"]
    return TableRow(
        dataset, TITLES.get(name, name), "", "reference", int(record is not None), 1, scores, notes=tuple(notes)
    )


def _skipped(dataset: str, skip: tuple[str, str, str, str], columns: dict[str, str], cards: dict[str, Any]) -> TableRow:
    scores = {name: _score([], better, cards[name]) for name, better in columns.items()}
    return TableRow(
        dataset, skip[0], skip[1], "variant", 0, 0, scores, dict.fromkeys(columns), (f"not applicable: {skip[3]}",)
    )


def _notes(rows: list[TableRow]) -> list[str]:
    """Notes below a table; the same one for several rows is said once."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for note in row.notes:
            said.setdefault(note, []).append(row.title)
    notes = [f"{', '.join(titles)}: {note}" for note, titles in said.items()]
    counts = Counter(row.n_ok for row in rows if row.kind == "variant" and row.n)
    if counts and min(counts) < stats.FEWEST:
        notes.append(f"Fewer than {stats.FEWEST} seeds somewhere: too few to claim a difference.")
    return notes


def plain(tables: list[Table]) -> list[dict[str, Any]]:
    """All rows as plain data: the JSON that scripts read."""
    return [
        {
            "dataset": row.dataset,
            "loss": row.loss,
            "architecture": row.architecture,
            "kind": row.kind,
            "n_ok": row.n_ok,
            "n": row.n,
            "rank": row.rank,
            "scores": {name: {**vars(score), "values": list(score.values)} for name, score in row.scores.items()},
            "notes": list(row.notes),
        }
        for table in tables
        for row in table.rows
    ]
