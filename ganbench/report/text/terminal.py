"""Tables drawn on a terminal, as many columns side by side as fit."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from ganbench.analysis import aggregate
from ganbench.analysis.score_table import Table, TableRow
from ganbench.analysis.tiers import TOO_FEW
from ganbench.report.text.escape import replace_controls
from ganbench.report.text.grid import ARROWS, LEGEND, Grid, costs, lead, lead_heads, missing, overall_note, text_rules
from ganbench.report.text.grid import overall as overall_grid
from ganbench.report.text.markdown import markdown
from ganbench.report.text.spread import shown
from ganbench.suite.plan_file import SavedPlan
from ganbench.suite.plan_union import not_shown


def show(console: Console, plan: SavedPlan, tables: list[Table], results: Path | None = None) -> None:
    """Draw tables, as many columns side by side as fit, with notes, costs and the aggregate over datasets.

    `results` is the results folder, for the commands that are named.
    """
    for table in tables:
        for i, names in enumerate(_fitting(table, console.width)):
            console.print(_grid(table, names, replace_controls(f"{plan.suite}: {table.dataset}") if i == 0 else ""))
        for note in table.all_notes:
            console.print(Text(f"  {replace_controls(note)}"), style="dim")
        cost = costs(table)
        if cost:
            console.print(drawn(cost, ""), style="dim")
        console.print()
    found = aggregate.build(tables)
    if found is not None:
        console.print(drawn(overall_grid(found), replace_controls(f"{plan.suite}: over all datasets")))
        for note in (overall_note(found), *found.notes):
            console.print(Text(f"  {replace_controls(note)}"), style="dim")
        console.print()
    left_out = not_shown(plan, results)
    if left_out:
        console.print(Text(replace_controls(left_out)))
    console.print(Text(LEGEND), style="dim")


def _stacked(row: TableRow, name: str) -> str:
    found = shown(row.scores[name], row.n)
    return "\n".join(replace_controls(text) for text in (found.text or missing(row), found.beside) if text)


def _head(table: Table, name: str) -> str:
    """A score's name above its extractor's, so that a column is as narrow as its numbers."""
    arrow, text = ARROWS[table.columns[name]], replace_controls(name)
    return text.replace("[", f" {arrow}\n[") if "[" in text else f"{text} {arrow}"


def _fitting(table: Table, width: int) -> list[list[str]]:
    """The scores in groups whose columns fit the width, the first next to all of `lead_heads`, others to the names."""
    columns = zip(*_leads(table), strict=True)
    leads = [3 + max(len(line) for text in column for line in text.split("\n")) for column in columns]
    groups: list[list[str]] = [[]]
    used = sum(leads)
    for name in table.columns:
        texts = [_head(table, name), *(_stacked(row, name) for row in table.rows)]
        need = 3 + max(len(line) for text in texts for line in text.split("\n"))
        if (groups[-1] or len(groups) == 1) and used + need > width:
            groups.append([])
            used = leads[0]
        groups[-1].append(name)
        used += need
    return groups


def _grid(table: Table, names: list[str], title: str) -> RichTable:
    """One group of columns; the first has the title, tier, rank and verdict."""
    leads = lead_heads(table)[: None if title else 1]
    grid = RichTable(title=Text(title) if title else None, title_justify="left", pad_edge=False)
    for i, head in enumerate([*leads, *(_head(table, name) for name in names)]):
        grid.add_column(Text(head), justify="left" if i == 0 else "right", no_wrap=True, overflow="fold")
    above = text_rules(table)
    for i, row in enumerate(table.rows):
        if i in above:
            grid.add_section()
        cells = [Text(_stacked(row, name), style="bold" if name in row.led else "") for name in names]
        dim = "dim" if row.kind != "variant" or not row.n else ""
        grid.add_row(*(Text(text) for text in _lead(row, table)[: len(leads)]), *cells, style=dim)
    return grid


def _leads(table: Table) -> list[list[str]]:
    return [lead_heads(table), *(_lead(row, table) for row in table.rows)]


def _lead(row: TableRow, table: Table) -> list[str]:
    """The cells before the scores; a long tier is on two lines."""
    wrapped = TOO_FEW.replace("few ", "few\n")
    return [replace_controls(text).replace(TOO_FEW, wrapped) for text in lead(row, table)]


def drawn(content: Grid, title: str) -> RichTable:
    """A grid of text, intervals below values."""
    grid = RichTable(title=Text(title) if title else None, title_justify="left", pad_edge=False)
    for i, head in enumerate(content.header):
        grid.add_column(Text(head), justify="left" if i == 0 else "right")
    for line in content.lines:
        grid.add_row(*(Text(replace_controls(text).replace(" [", "\n[")) for text in line))
    return grid


def print_tables(content: SavedPlan, tables: list[Table], results: Path | None = None) -> None:
    """Print tables on stdout: drawn on a terminal, Markdown elsewhere."""
    console = Console()
    if console.is_terminal:
        show(console, content, tables, results)
    else:
        click.echo(markdown(content, tables, results), nl=False)
