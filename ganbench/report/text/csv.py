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


def csv_text(plan: SavedPlan, tables: list[Table]) -> str:
    """Values are separated by spaces within their column, in the order of the protocol's seeds.

    Tier and rank are on the line of the primary score alone.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for table in tables:
        for row in table.rows:
            labels = [neutralize_formula(x) for x in (plan.suite, row.dataset, row.loss, row.architecture)]
            cost = [_known(row.cost.get(key)) for key in COSTS.values()]
            notes = neutralize_formula("; ".join(row.notes))
            for name, score in ((name, row.scores[name]) for name in table.columns):
                numbers = [_known(x) for x in (score.mean, score.low, score.high)]
                numbers += _place(row) if name == table.primary else [""] * 4
                values = " ".join(repr(value) for value in score.values)
                protocol = neutralize_formula(_protocol(score.card))
                words = [neutralize_formula(text) for text in (row.verdict, name, score.better, score.averaged)]
                own = [row.kind, row.n_ok, row.n, *words]
                writer.writerow([*labels, *own, *numbers, values, protocol, *cost, notes])
    return text.getvalue()


def _place(row: TableRow) -> list[str]:
    """Tier, rank and whether the samples are faulty, which belong to the primary score."""
    low, high = row.rank or (None, None)
    faulty = "true" if row.faulty else "false"
    return [neutralize_formula(row.tier or ""), _known(low), _known(high), faulty if row.kind == "variant" else ""]


def _protocol(card: ProtocolCard | PublishedCard) -> str:
    return card.protocol if isinstance(card, PublishedCard) else cards.sentence(card)


def _known(value: float | None) -> str:
    return "" if value is None else repr(rounded(value))
