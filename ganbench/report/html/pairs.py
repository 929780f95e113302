"""All pairs of a dataset's variants as a page shows them: a map of who is better, and what the script compares."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from markupsafe import Markup

from ganbench.analysis.comparison import Comparison, every_pair
from ganbench.analysis.score_table import Table, TableRow
from ganbench.report.html.cells import by_primary
from ganbench.report.html.content import Content
from ganbench.report.html.score_charts import real_marks
from ganbench.report.text.escape import escape_controls
from ganbench.report.text.sentences import sentence

MOST = 40
"""Variants of a map, and of the pairs that the script compares: those that are best by the primary score."""
SPELLED = 120
"""The most pairs of a map in which each cell has its sentence; in others the script adds it."""
NAME_A, NAME_B, NUMBER = "\ue000", "\ue001", "\ue002"
"""What stands in a template for both names and for a number: characters that no text of a page has."""
NUMBERS = re.compile(r"(?<![\w.])[+-]?\.?\d(?:[\d,.]*\d)?(?:e[+-]?\d+)?(?!\w)")


class Mark(NamedTuple):
    """How a row stands against a column: the class of its color and sign, in a word, and in the words of the legend."""

    look: str
    word: str
    legend: str


MARKS = {
    "better": Mark("won", "better", "the row is better than the column"),
    "worse": Mark("lost", "worse", "the row is worse than the column"),
    "ahead": Mark("ahead", "ahead, undecided", "the row is ahead, which is not shown to be a difference"),
    "behind": Mark("behind", "behind, undecided", "the row is behind, which is not shown to be a difference"),
    "level": Mark("level", "level, undecided", "neither is ahead, which is not shown to be equal"),
    "equal": Mark("same", "equal", "equal within the suite's margin"),
    "none": Mark("open", "not tested", "not tested: too few seeds, or no variation"),
}  # fmt: skip


class MapCell(NamedTuple):
    """What is said of a row against a column; `title` is the sentence, or empty where the script adds it."""

    mark: Mark
    title: str


@dataclass(frozen=True)
class MapRow:
    """A variant and its cells, one for each variant in the same order, None for itself."""

    row: TableRow
    href: str
    cells: tuple[MapCell | None, ...]


@dataclass(frozen=True)
class Pairs:
    """All pairs of the variants that are best by the primary score; `more` variants are left out."""

    rows: tuple[MapRow, ...]
    data: str
    more: int = 0

    @property
    def legend(self) -> list[Mark]:
        """The marks that the map has."""
        used = {cell.mark for row in self.rows for cell in row.cells if cell}
        return [mark for mark in MARKS.values() if mark in used]


def pairs(content: Content, table: Table, up: str) -> Pairs | None:
    """The pairs of a dataset's variants; None if there are none to compare. `up` leads to the report's root."""
    known = [row for row in by_primary(table).started if table.primary in row.scores]
    rows = known[:MOST]
    if len(rows) < 2:
        return None
    found = every_pair(table, rows)
    marked = {(one.rows[i].key, one.rows[1 - i].key): _mark(one, i == 1) for one in found for i in (0, 1)}
    texts = {frozenset(row.key for row in one.rows): sentence(one) if len(found) <= SPELLED else "" for one in found}
    lines = []
    for row in rows:
        cells = [
            None if row is other else MapCell(marked[row.key, other.key], texts[frozenset((row.key, other.key))])
            for other in rows
        ]
        lines.append(MapRow(row, f"{up}variants/{content.variants[row.title]}.html", tuple(cells)))
    return Pairs(tuple(lines), _data(content, table, rows, found, up), len(known) - len(rows))


def _mark(one: Comparison, turned: bool) -> Mark:
    claim = one.judgment.turned.claim if turned else one.judgment.claim
    if claim in ("better", "worse", "equal"):
        return MARKS[claim]
    if one.difference is None:
        return MARKS["none"]
    if one.difference.value == (1 if one.difference.ratio else 0):
        return MARKS["level"]
    return MARKS["ahead" if one.difference.a_better != turned else "behind"]


def _data(content: Content, table: Table, rows: Sequence[TableRow], found: Sequence[Comparison], up: str) -> str:
    """What the script needs to compare two variants, as JSON: pictures, intervals, and the sentence of every pair.

    A sentence is the number of a template and its numbers, because most of its words are those of others.
    """
    at = {row.key: i for i, row in enumerate(rows)}
    templates: dict[str, int] = {}
    coded = []
    for one in found:
        template, numbers = coded_sentence(one)
        a, b = (at[row.key] for row in one.rows)
        coded.append([a, b, templates.setdefault(template, len(templates)), " ".join(numbers)])
    variants = []
    for row in rows:
        score, pictured = row.scores[table.primary], content.pictured_run(row)
        picture = [f"{up}runs/{pictured.id}/samples.png", pictured.seed] if pictured else []
        variants.append([escape_controls(row.title), score.low, score.high, picture])
    paired = any(one.difference and one.difference.pairs for one in found)
    marks = real_marks(table, table.primary)
    return json.dumps(
        {
            "paired": paired, "real": _real(content, table, up), "marks": marks, "variants": variants,
            "templates": list(templates), "pairs": coded,
        }, separators=(",", ":"),
    )  # fmt: skip


def coded_sentence(one: Comparison) -> tuple[str, list[str]]:
    """A comparison's sentence as a template with marks for both names and its numbers, and these numbers."""
    text = sentence(replace(one, a=NAME_A, b=NAME_B))
    numbers = NUMBERS.findall(text)
    parts = re.split(f"([{NAME_A}{NAME_B}])", NUMBERS.sub(NUMBER, text))
    marks = (NAME_A, NAME_B)
    return "".join(part if part in marks else _escaped(part) for part in parts), numbers


def _escaped(text: str) -> str:
    return NUMBER.join(str(escape_controls(part)) for part in text.split(NUMBER))


def _real(content: Content, table: Table, up: str) -> str:
    """The samples of real data, if there are some."""
    reference = content.real_data(table.dataset)
    return f"{up}references/{reference.id}/samples.png" if reference else ""


def attribute(data: str) -> Markup:
    """JSON for an attribute in single quotes: few of its characters need an escape there."""
    return Markup(data.replace("&", "&amp;").replace("'", "&#39;").replace("<", "&lt;"))
