"""Tables as GitHub Markdown, columns aligned so that they also read as text."""

from __future__ import annotations

import re

from ganbench.analysis import aggregate
from ganbench.analysis.score_table import Table
from ganbench.report.text.escape import visible
from ganbench.report.text.grid import LEGEND, Grid, costs, overall_note, scores
from ganbench.report.text.grid import overall as overall_grid
from ganbench.suite.plan_file import SavedPlan


def markdown(layout: SavedPlan, tables: list[Table]) -> str:
    """A heading and a table a data set, notes, costs, and the variants over all data sets."""
    parts = [f"# {block(layout.suite)}", "", *([block(layout.about), ""] if layout.about else [])]
    for table in tables:
        parts += [f"## {block(table.dataset)}", "", *grid(scores(table)), ""]
        parts += [f"- {block(note)}" for note in table.notes] + [""] * bool(table.notes)
        cost = costs(table)
        parts += [*grid(cost), ""] if cost else []
    found = aggregate.build(tables)
    if found is not None:
        parts += ["## over data sets", "", *grid(overall_grid(found)), ""]
        parts += [f"- {block(note)}" for note in (overall_note(found), *found.notes)] + [""]
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


JOINER = "\u2060"
"""Of no width, breaks a word for a machine: what GitHub links without any markup (addresses, names after @,
:smiles:) cannot be escaped otherwise."""
LINKED = re.compile(
    r"@(?=\S)|(?<=[a-z]):(?=//)|(?<=mailto):|(?<=xmpp):|:(?=[\w+\\-]*[a-z+][\w+\\-]*:)|(?<=ww)w(?=\.)", re.IGNORECASE
)
BLOCK = re.compile(r"[#+=>-]|\d+(?=[.)])")
"""What makes a heading, a list, a quotation or a rule at the beginning of a line; other marks are always escaped."""


def escaped(text: str) -> str:
    """Text within a line that Markdown, as GitHub renders it, and the HTML made of it show as it is."""
    text = visible(text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") if "<" in text or "&" in text else text
    for mark in "\\|`*_[]~$":
        text = text.replace(mark, f"\\{mark}")
    return LINKED.sub(lambda found: found[0] + JOINER, text)


def block(text: str) -> str:
    """The same for text that is a whole heading, paragraph or item."""
    text = escaped(text)
    text = f"{text[:-1]}\\#" if text.endswith("#") else text
    found = BLOCK.match(text)
    if found is None:
        return text
    end = found.end() if found[0].isdigit() else 0
    return f"{text[:end]}\\{text[end:]}"
