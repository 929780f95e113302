"""Tables as GitHub Markdown, columns aligned so that they also read as text."""

from __future__ import annotations

from pathlib import Path

from ganbench.analysis import aggregate
from ganbench.analysis.score_table import Table
from ganbench.analysis.standing import is_whole
from ganbench.report.text.escape import escape_markdown, escape_markdown_block
from ganbench.report.text.grid import LEGEND, Grid, costs, overall_note, scores
from ganbench.report.text.grid import overall as overall_grid
from ganbench.report.text.headline import headline
from ganbench.suite.plan_file import SavedPlan
from ganbench.suite.plan_union import not_shown


def markdown(plan: SavedPlan, tables: list[Table], results: Path | None = None) -> str:
    """Per dataset a heading, a table, notes and costs; then the variants over all datasets.

    `results` is the results folder, for the commands that are named.
    """
    about = [escape_markdown_block(plan.about), ""] if plan.about else []
    parts = [f"# {escape_markdown_block(plan.suite)}", "", *about]
    found = aggregate.build(tables)
    if is_whole(tables):
        answer = headline(tables, found)
        parts += [f"**{escape_markdown_block(answer.lead)}**", ""]
        parts += [*(f"- {escape_markdown_block(fact)}" for fact in answer.all_facts), *[""] * bool(answer.all_facts)]
    for table in tables:
        parts += [f"## {escape_markdown_block(table.dataset)}", "", *grid(scores(table)), ""]
        parts += [f"- {escape_markdown_block(note)}" for note in table.all_notes] + [""] * bool(table.all_notes)
        cost = costs(table)
        parts += [*grid(cost), ""] if cost else []
    if found is not None:
        parts += ["## over all datasets", "", *grid(overall_grid(found)), ""]
        parts += [f"- {escape_markdown_block(note)}" for note in (overall_note(found), *found.notes)] + [""]
    left_out = not_shown(plan, results)
    parts += [f"{escape_markdown_block(left_out[0].upper() + left_out[1:])}.", ""] if left_out else []
    return "\n".join([*parts, LEGEND, ""])


def grid(content: Grid) -> list[str]:
    """The lines of a Markdown table; a rule within it, which Markdown does not have, is an empty line of cells."""
    cells = [[escape_markdown(text) for text in line] for line in (content.header, *content.lines)]
    for line, bold in zip(cells[1:], content.bold, strict=False):  # no bold at all is an empty tuple
        line[:] = [f"**{text}**" if b else text for text, b in zip(line, bold, strict=True)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(content.header))]
    text = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |" for line in cells]
    rule = "|" + "|".join(":" + "-" * (w + 1) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    empty = "|" + "|".join(" " * (w + 2) for w in widths) + "|"
    body = [line for i, own in enumerate(text[1:]) for line in ((empty, own) if i in content.rules else (own,))]
    return [text[0], rule, *body]
