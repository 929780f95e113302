"""Tables drawn on a terminal: one block of the most important columns, or all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from ganbench.analysis import aggregate
from ganbench.analysis.score_table import Table, TableRow
from ganbench.analysis.standing import is_whole
from ganbench.formatting import counted
from ganbench.report.text.columns import Column, Rows, draw, groups, needed
from ganbench.report.text.escape import replace_controls
from ganbench.report.text.grid import (
    ARROWS,
    FAULTY,
    LEGEND,
    VARIANT,
    VERDICT,
    Grid,
    costs,
    lead,
    lead_heads,
    missing,
    overall_note,
    text_rules,
)  # fmt: skip
from ganbench.report.text.grid import overall as overall_grid
from ganbench.report.text.headline import Headline, headline
from ganbench.report.text.markdown import markdown
from ganbench.report.text.spread import shown
from ganbench.suite.plan_file import SavedPlan
from ganbench.suite.plan_union import not_shown

MOST = 4
"""Scores in the block that is shown by default, the primary one first."""
NAMED = 4
"""Variants that a note names, if there are many."""
NO_BREAK = "\u00a0"
WORDS = frozenset({VARIANT, "tier", VERDICT})
SHORT_LEGEND = (
    "Mean over seeds with ± half of its 95 % interval, or [low, high]; (lowest-highest) of counts and of fewer than "
    "five seeds. ↑ higher is better, ↓ lower is better. tier: by the primary score, corrected over the suite. "
    f"{FAULTY}: the samples of at least half of the seeds are faulty."
)


@dataclass(frozen=True)
class View:
    """How much of the tables is drawn: all scores instead of one block, and all notes and costs."""

    wide: bool = False
    notes: bool = False

    @property
    def hint(self) -> str:
        """The options that show the rest."""
        rest = [] if self.wide else ["--wide shows all scores"]
        rest += [] if self.notes else ["--notes the protocol, the tests and the costs"]
        return f"`ganbench table`: {', '.join(rest)}." if rest else ""


def show(
    console: Console, plan: SavedPlan, tables: list[Table], results: Path | None = None, view: View = View()
) -> None:
    """Draw the answer, each table with its notes, then the aggregate over datasets.

    `results` is the results folder, for the commands that are named.
    """
    found = aggregate.build(tables)
    if is_whole(tables):
        _answer(console, headline(tables, found), view)
    for table in tables:
        title = replace_controls(f"{plan.suite}: {table.dataset}")
        (_wide if view.wide else _block)(console, table, title)
        _say(console, table.all_notes if view.notes else _row_notes(table))
        cost = costs(table) if view.notes else None
        if cost:
            draw_grid(console, cost)
        console.print()
    if found is not None:
        draw_grid(console, overall_grid(found), replace_controls(f"{plan.suite}: over all datasets"))
        _say(console, (overall_note(found), *found.notes) if view.notes else found.notes)
        console.print()
    _say(console, [text for text in (not_shown(plan, results), LEGEND if view.notes else SHORT_LEGEND) if text])
    if view.hint:
        _say(console, [view.hint])


def _answer(console: Console, answer: Headline, view: View) -> None:
    """Print who leads; with the notes also by how much, and how certain that is."""
    console.print(Text(replace_controls(answer.lead)), style="bold")
    _say(console, answer.all_facts if view.notes else filter(None, [answer.certainty]))
    console.print()


def _say(console: Console, texts: Iterable[str]) -> None:
    for text in texts:
        console.print(Text(replace_controls(text)), style="dim")


def _row_notes(table: Table) -> list[str]:
    """What is wrong with single rows; the variants that cannot be built are only counted."""
    none = [row for row in table.rows if row.kind == "variant" and not row.n]
    reasons = {note for row in none for note in row.notes}
    texts = [f"{_some(titles)}: {note}" for note, titles in table.row_notes.items() if note not in reasons]
    return [*texts, *([f"{counted(len(none), 'variant')} cannot be built for these data"] if none else [])]


def _some(titles: list[str]) -> str:
    """The names of a few rows, or the first ones and how many more there are."""
    more = len(titles) - NAMED
    return ", ".join(titles) if more < 2 else f"{', '.join(titles[:NAMED])} and {more} more"


def _block(console: Console, table: Table, title: str) -> None:
    """One block of what has run: the variant, its seeds and tier, up to four scores, the verdict."""
    rows = [row for row in table.rows if row.kind != "variant" or row.n_ok or row.failed]
    leads = {column.head: column for column in _leads(table, rows) if column.head != "rank"}
    first, verdict = leads[VARIANT], leads.pop(VERDICT, None)
    ends = [verdict] if verdict else []
    names = sorted(table.columns, key=lambda name: name != table.primary)
    scores = [_score(table, rows, name) for name in names[:MOST]]
    while len(scores) > 1 and needed([*leads.values(), *scores, *ends]) > console.width:
        scores.pop()
    if verdict and needed([*leads.values(), *scores, *ends]) > console.width:
        both = zip(first.cells, verdict.cells, strict=True)
        leads[VARIANT], ends = Column(VARIANT, [f"{name}\n  {text}" if text else name for name, text in both], True), []
    _draw(console, [*leads.values(), *scores, *ends], table, rows, title)
    if len(names) > len(scores):
        rest = [table.score_name(name).score for name in names[len(scores) :]]
        _say(console, [f"{counted(len(rest), 'more score')}: {', '.join(dict.fromkeys(rest))}"])


def _wide(console: Console, table: Table, title: str) -> None:
    """All columns, as many side by side as fit."""
    rows = list(table.rows)
    scores = [_score(table, rows, name) for name in table.columns]
    for i, group in enumerate(groups(_leads(table, rows), scores, console.width)):
        _draw(console, group, table, rows, title if i == 0 else "")


def _draw(console: Console, columns: list[Column], table: Table, rows: list[TableRow], title: str) -> None:
    above = text_rules(table)
    ruled = {id(row) for i, row in enumerate(table.rows) if i in above}
    rules = frozenset(i for i, row in enumerate(rows) if id(row) in ruled)
    dim = frozenset(i for i, row in enumerate(rows) if row.kind != "variant" or not row.n)
    draw(console, columns, title, Rows(dim, rules))


def _leads(table: Table, rows: list[TableRow]) -> list[Column]:
    """The columns before the scores."""
    lines = [[replace_controls(text) for text in lead(row, table)] for row in rows]
    cells = zip(*lines, strict=True) if lines else ([] for _ in lead_heads(table))
    return [Column(head, list(own), head in WORDS) for head, own in zip(lead_heads(table), cells, strict=True)]


def _score(table: Table, rows: list[TableRow], name: str) -> Column:
    led = frozenset(i for i, row in enumerate(rows) if name in row.led)
    return Column(_head(table, name), [_stacked(row, name) for row in rows], bold=led)


def _stacked(row: TableRow, name: str) -> str:
    """A score above its interval."""
    found = shown(row.scores[name], row.n)
    return "\n".join(replace_controls(text) for text in (found.text or missing(row), found.beside) if text)


def _head(table: Table, name: str) -> str:
    """A score's name above its extractor's, so that a column is as narrow as its numbers."""
    arrow, text = ARROWS[table.columns[name]], replace_controls(name)
    return text.replace("[", f"{NO_BREAK}{arrow}\n[") if "[" in text else f"{text}{NO_BREAK}{arrow}"


def draw_grid(console: Console, content: Grid, title: str = "") -> None:
    """Draw a grid of text, intervals below values; columns that do not fit go below."""
    cells = [[replace_controls(text).replace(" [", "\n[") for text in line] for line in content.lines]
    columns = [Column(head, [line[i] for line in cells], i == 0) for i, head in enumerate(content.header)]
    for i, group in enumerate(groups(columns[:1], columns[1:], console.width)):
        draw(console, group, title if i == 0 else "")


def print_tables(content: SavedPlan, tables: list[Table], results: Path | None = None, view: View = View()) -> None:
    """Print tables on stdout: drawn on a terminal, Markdown elsewhere."""
    console = Console()
    if console.is_terminal:
        show(console, content, tables, results, view)
    else:
        click.echo(markdown(content, tables, results), nl=False)
