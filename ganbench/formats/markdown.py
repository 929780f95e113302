"""Tables as GitHub Markdown, columns aligned so that they also read as text."""

from __future__ import annotations

from ganbench import overall
from ganbench.formats.text import LEGEND, Grid, costs, overall_note, scores
from ganbench.formats.text import overall as overall_grid
from ganbench.layout import Layout
from ganbench.rows import Table


def markdown(layout: Layout, tables: list[Table]) -> str:
    """A heading and a table a data set, notes, costs, and the variants over all data sets."""
    parts = [f"# {escaped(layout.suite)}", "", *([escaped(layout.about), ""] if layout.about else [])]
    for table in tables:
        parts += [f"## {escaped(table.dataset)}", "", *grid(scores(table)), ""]
        parts += [f"- {escaped(note)}" for note in table.notes] + [""] * bool(table.notes)
        cost = costs(table)
        parts += [*grid(cost), ""] if cost else []
    found = overall.build(tables)
    if found is not None:
        parts += ["## over data sets", "", *grid(overall_grid(found)), ""]
        parts += [f"- {escaped(note)}" for note in (overall_note(found), *found.notes)] + [""]
    return "\n".join([*parts, LEGEND, ""])


def grid(content: Grid) -> list[str]:
    """A Markdown table's lines."""
    cells = [[escaped(text) for text in content.header]]
    for line, bold in zip(content.lines, content.bold, strict=True):
        cells.append([f"**{escaped(text)}**" if b else escaped(text) for text, b in zip(line, bold, strict=True)])
    widths = [max(len(line[i]) for line in cells) for i in range(len(content.header))]
    text = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |" for line in cells]
    rule = "|" + "|".join(":" + "-" * (w + 1) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return [text[0], rule, *text[1:]]


def escaped(text: str) -> str:
    """Text that Markdown and the HTML made of it show as it is."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") if "<" in text or "&" in text else text
    for mark in "\\|`*_[]":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
