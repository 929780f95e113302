"""Tables as CSV: one line per row and score, with the values of all seeds."""

from __future__ import annotations

import csv
import io

from ganbench.analysis.score_table import COSTS, PublishedCard, Table, TableRow
from ganbench.formatting import rounded
from ganbench.report.text.escape import neutralize_formula
from ganbench.results import protocol as cards
from ganbench.results.protocol_card import ProtocolCard
from ganbench.suite.plan_file import SavedPlan

HEAD = (
    "suite", "dataset", "loss", "architecture", "kind", "n_ok", "n", "verdict", "score", "better", "score_kind", "mean",
    "low", "high", "tier", "rank_low", "rank_high", "faulty", "values", "protocol",
    *(f"mean_{key}" for key in COSTS.values()), "notes",
)  # fmt: skip
NAMES = ("suite", "dataset", "loss", "architecture", "kind")
OF_SCORES = ("score", "better", "score_kind", "mean", "low", "high", "values", "protocol")
OF_HEADS = {
    "ok": ("n_ok", "n"), "tier": ("tier", "faulty"), "rank": ("rank_low", "rank_high"), "verdict": ("verdict",),
}  # fmt: skip
"""A column of the table -> those of the file that hold it."""


def csv_text(plan: SavedPlan, tables: list[Table]) -> str:
    """Values are separated by spaces within their column, in the order of the protocol's seeds.

    Tier and rank are on the line of the primary score alone; where columns were chosen, on each line of their row.
    """
    chosen = _chosen(tables)
    text = io.StringIO()
    writer = csv.DictWriter(text, chosen or HEAD, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for table in tables:
        for row in table.rows:
            shared = _of_row(plan, row)
            for name in [*table.columns] or [""] * bool(table.heads):
                placed = name == table.primary or bool(chosen)
                writer.writerow({**shared, **_score(row, name), **(_place(row) if placed else {})})
    return text.getvalue()


def _chosen(tables: list[Table]) -> list[str]:
    """The columns of the file that were asked for, in its order; empty for all."""
    heads = next((table.heads for table in tables if table.heads is not None), None)
    if heads is None:
        return []
    asked = {column for head in heads for column in OF_HEADS[head]}
    asked |= {*OF_SCORES} if any(table.columns for table in tables) else set()
    return [name for name in HEAD if name in asked or name in NAMES]


def _of_row(plan: SavedPlan, row: TableRow) -> dict[str, object]:
    """What all scores of a row share."""
    names = [neutralize_formula(x) for x in (plan.suite, row.dataset, row.loss, row.architecture)]
    return {
        **dict(zip(NAMES, [*names, row.kind], strict=True)),
        "n_ok": row.n_ok, "n": row.n, "verdict": neutralize_formula(row.verdict),
        **{f"mean_{key}": _known(row.cost.get(key)) for key in COSTS.values()},
        "notes": neutralize_formula("; ".join(row.notes)),
    }  # fmt: skip


def _score(row: TableRow, name: str) -> dict[str, str]:
    """One score of a row; nothing without a name."""
    if not name:
        return {}
    score = row.scores[name]
    words = [neutralize_formula(text) for text in (name, score.better, score.averaged)]
    numbers = [_known(x) for x in (score.mean, score.low, score.high)]
    values = " ".join(repr(value) for value in score.values)
    return dict(zip(OF_SCORES, [*words, *numbers, values, neutralize_formula(_protocol(score.card))], strict=True))


def _place(row: TableRow) -> dict[str, str]:
    """Tier, rank and whether the samples are faulty, which belong to the primary score."""
    low, high = row.rank or (None, None)
    faulty = ("true" if row.faulty else "false") if row.kind == "variant" else ""
    return {
        "tier": neutralize_formula(row.tier or ""), "rank_low": _known(low), "rank_high": _known(high),
        "faulty": faulty,
    }  # fmt: skip


def _protocol(card: ProtocolCard | PublishedCard) -> str:
    return card.protocol if isinstance(card, PublishedCard) else cards.sentence(card)


def _known(value: float | None) -> str:
    return "" if value is None else repr(rounded(value))
