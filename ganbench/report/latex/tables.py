"""A suite's tables as sheets for a paper: all datasets with their primary scores, or one dataset in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.figure_data.selection import short_names
from ganbench.analysis.score_table import Table, TableRow
from ganbench.analysis.tiers import rules
from ganbench.report.latex.cells import head_column, raised, score_column
from ganbench.report.latex.sheet import Row, Sheet
from ganbench.report.text.grid import VARIANT, lead_heads
from ganbench.suite.labels import variant_title
from ganbench.suite.plan_file import SavedPlan

Key = tuple[str, str]
"""The kind and the title of a row."""


@dataclass(frozen=True)
class Content:
    """A sheet with what a caption needs: its tables, the scores that each of them shows, and what all names share."""

    sheet: Sheet
    tables: tuple[Table, ...]
    scores: tuple[tuple[str, ...], ...]
    common: str
    narrow: bool


def narrow(plan: SavedPlan, tables: Sequence[Table], chosen: bool, ordered: bool) -> Content:
    """One sheet of all datasets: their primary scores, or the columns of the tables if these are `chosen`.

    Variants are in the suite's order, unless there is one dataset or the tables are `ordered` by the reader.
    """
    shown = [table for table in tables if table.columns and (chosen or table.primary)]
    scores = [tuple(table.columns) if chosen else (table.primary,) for table in shown]
    keys = _keys(plan, shown, ordered or len(shown) == 1)
    rows = [{_key(row): row for row in table.rows} for table in shown]
    columns = []
    for table, names, own in zip(shown, scores, rows, strict=True):
        found = [own.get(key) for key in keys]
        columns += [head_column(table, head, found) for head in (table.heads or ()) if head != VARIANT]
        columns += [score_column(table, name, found, True) for name in names]
    above = rules(shown[0]) if len(shown) == 1 else frozenset()
    titles, common = _titles([row for own in rows for row in own.values()])
    made = _rows(keys, titles, above, {})
    return Content(Sheet(VARIANT, made, tuple(columns)), tuple(shown), tuple(scores), common, True)


def wide(table: Table, letters: dict[str, str]) -> Content:
    """One dataset with all its columns; `letters` are the marks of its notes."""
    rows: list[TableRow | None] = [*table.rows]
    columns = [head_column(table, head, rows) for head in lead_heads(table) if head != VARIANT]
    columns += [score_column(table, name, rows, False) for name in table.columns]
    titles, common = _titles(table.rows)
    marks = {_key(row): ",".join(letters[note] for note in dict.fromkeys(row.notes)) for row in table.rows}
    made = _rows([_key(row) for row in table.rows], titles, rules(table), marks)
    return Content(Sheet(VARIANT, made, tuple(columns)), (table,), (tuple(table.columns),), common, False)


def _key(row: TableRow) -> Key:
    return row.kind, row.title


def _keys(plan: SavedPlan, shown: Sequence[Table], ordered: bool) -> list[Key]:
    """The rows of all tables, each once; variants that no shown dataset can have are left out."""
    found = dict.fromkeys(_key(row) for table in shown for row in table.rows if row.kind != "variant" or row.n)
    planned = [] if ordered else [("variant", variant_title(*row.texts[:2])) for row in plan.rows]
    order = ("variant", "reference", "external", "published")
    merged = dict.fromkeys([*(key for key in planned if key in found), *found])
    return sorted(merged, key=lambda key: order.index(key[0]))


def _titles(rows: Sequence[TableRow]) -> tuple[dict[Key, str], str]:
    """What each row is called, without what all variants share, and that."""
    pairs = list(dict.fromkeys(row.key for row in rows if row.kind == "variant" and row.n))
    short, common = short_names(pairs)
    titles = {_key(row): row.title for row in rows}
    titles |= {_key(row): _called(row, short) for row in rows if row.kind == "variant"}
    return titles, common


def _called(row: TableRow, short: dict[tuple[str, str], str]) -> str:
    name = short.get(row.key, "")
    return name if name and name != row.title else f"{row.loss} × {row.architecture}"  # noqa: RUF001


def _rows(keys: Sequence[Key], titles: dict[Key, str], above: frozenset[int], marks: dict[Key, str]) -> tuple[Row, ...]:
    """The rows; a rule is drawn between groups of variants, and where another kind of row begins."""
    made = []
    for i, key in enumerate(keys):
        rule = i > 0 and (i in above or key[0] != keys[i - 1][0])
        mark = marks.get(key, "")
        made.append(Row(titles[key], raised(mark), rule) if mark else Row(titles[key], rule=rule))
    return tuple(made)
