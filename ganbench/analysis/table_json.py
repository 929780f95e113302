"""`table.json`: the rows of a suite's tables as scripts read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ganbench.analysis.score_table import EqualValues, PublishedCard, RowKind, Score, Table, TableRow
from ganbench.formatting import rounded
from ganbench.registry.contracts import Direction
from ganbench.results.protocol_card import ProtocolCard


@dataclass(frozen=True)
class ScoreJson:
    """A score: mean and 95 % interval, every seed's value, and the protocol card.

    The mean of a score that varies by factors is geometric. `low` and `high` are None for fewer than five seeds, for
    counts, and for values that do not vary: their range is in `values`.

    A published score has another card (its source and protocol) and `beside`, the text printed beside its value.
    `at_reference_counts` are the values at the number of held-out real samples.
    """

    mean: float | None
    low: float | None
    high: float | None
    values: tuple[float, ...]
    better: Direction
    card: Mapping[str, Any]
    at_reference_counts: EqualValues | msgspec.UnsetType = msgspec.UNSET
    beside: str | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True)
class RowJson:
    """One row: a variant, a reference, external samples or a published value on one dataset.

    `loss` is the label of what is no variant. Samples made elsewhere have the kind `external`; `n` is the number of
    their files.

    `n_ok` of `n` seeds have finished. `tier` says where a variant stands by the primary score: `better`,
    `inconclusive`, `equal`, `worse` or `no variation` against the reference of the suite, `reference` for itself, or
    letters where all pairs are compared: variants without a common letter differ; `too few seeds` below five, `not run`
    if no seed has ended. `rank` is [best, worst] as far as the comparisons say. Both are None for what is not compared.
    `faulty`: the verdict on the samples of at least half of the seeds is not `ok`. `cost` is the mean per seed.
    """

    dataset: str
    loss: str
    architecture: str
    kind: RowKind
    n_ok: int
    n: int
    verdict: str
    faulty: bool
    tier: str | None
    rank: tuple[int, int] | None
    scores: Mapping[str, ScoreJson]
    cost: Mapping[str, float | None]
    notes: tuple[str, ...]


NAMES = ("dataset", "loss", "architecture", "kind")
OF_HEADS = {"ok": ("n_ok", "n"), "tier": ("tier", "faulty"), "rank": ("rank",), "verdict": ("verdict",)}
"""A column of the table -> the keys that hold it."""


def plain(tables: list[Table]) -> list[dict[str, object]]:
    """All rows as plain data. Means and intervals are rounded to 12 digits, values are exact.

    Of a table whose columns were chosen, a row has only these.
    """
    return [_chosen(msgspec.to_builtins(_row(row, table)), table) for table in tables for row in table.rows]


def _chosen(row: dict[str, object], table: Table) -> dict[str, object]:
    if table.heads is None:
        return row
    keys = {*NAMES, *(key for head in table.heads for key in OF_HEADS[head]), *(["scores"] if table.columns else [])}
    return {key: value for key, value in row.items() if key in keys}


def _row(row: TableRow, table: Table) -> RowJson:
    scores = {name: _score(row.scores[name]) for name in table.columns}
    cost = {key: _rounded(value) for key, value in row.cost.items()}
    return RowJson(
        row.dataset, row.loss, row.architecture, row.kind, row.n_ok, row.n, row.verdict, row.faulty, row.tier, row.rank,
        scores, cost, row.notes,
    )  # fmt: skip


def _score(score: Score) -> ScoreJson:
    card = score.card.plain() if isinstance(score.card, ProtocolCard) else _published(score.card)
    return ScoreJson(
        _rounded(score.mean), _rounded(score.low), _rounded(score.high), score.values, score.better, card,
        score.equal or msgspec.UNSET, score.beside or msgspec.UNSET,
    )  # fmt: skip


def _published(card: PublishedCard) -> dict[str, object]:
    return {"source": card.source, "protocol": card.protocol, "better": card.better}


def _rounded(value: float | None) -> float | None:
    return None if value is None else rounded(value)
