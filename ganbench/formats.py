"""Tables as Markdown, CSV, LaTeX, JSON and on a terminal, each with its own escapes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from math import floor, log10
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from ganbench.files import write_atomically
from ganbench.layout import Layout
from ganbench.tables import Score, Table, TableRow, plain

ARROWS = {"higher": "↑", "lower": "↓"}
LEGEND = (
    "Mean over seeds ± half of the 95 % interval (Student t); ok: seeds that finished of those asked; "
    "↑ higher is better, ↓ lower. Bold: nothing is better and something is worse, beyond noise "
    "(Welch's t test, Holm-corrected over the table, p < .05; at least five seeds a side)."
)


def number(value: float, digits: int = 3) -> str:
    """Three significant digits, no exponent for everyday sizes; -2.7e-12 is 0."""
    if abs(value) < 1e-9:
        return "0"
    places = digits - 1 - floor(log10(abs(value)))
    if places > 8 or places < -6:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(0, places)}f}"


def shown(score: Score) -> tuple[str, str]:
    """The mean, and half of its interval with as many decimals, or nothing."""
    if score.mean is None:
        return "", ""
    mean = number(score.mean)
    if score.high is None:
        return mean, ""
    decimals = len(mean.partition(".")[2]) if "e" not in mean else 3
    return mean, f"{score.high - score.mean:.{decimals}f}"


def _cell(row: TableRow, name: str) -> str:
    mean, half = shown(row.scores[name])
    if not mean:
        return "n/a" if row.n == 0 else "–"  # noqa: RUF001
    return f"{mean} ± {half}" if half else mean


def _ok(row: TableRow) -> str:
    if row.kind == "reference":
        return ""
    return f"{row.n_ok}/{row.n}" if row.n else "n/a"


def _lines(table: Table) -> tuple[list[str], list[list[str]]]:
    """Header and body as text, the same for every format that shows means."""
    header = ["variant", "ok", *(f"{name} {ARROWS[better]}" for name, better in table.columns.items())]
    rows = [[row.title, _ok(row), *(_cell(row, name) for name in table.columns)] for row in table.rows]
    return header, rows


def markdown(layout: Layout, tables: list[Table]) -> str:
    """GitHub Markdown, columns aligned so that it also reads as text."""
    parts = [f"# {md(layout.suite)}", "", *([md(layout.about), ""] if layout.about else [])]
    for table in tables:
        header, rows = _lines(table)
        cells = [[md(cell) for cell in header]]
        for row, line in zip(table.rows, rows, strict=True):
            leads = [False, False, *(row.leads(name) for name in table.columns)]
            cells.append([f"**{md(cell)}**" if lead else md(cell) for cell, lead in zip(line, leads, strict=True)])
        widths = [max(len(line[i]) for line in cells) for i in range(len(header))]
        text = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |" for line in cells]
        rule = (
            "|" + "|".join(":" + "-" * (w + 1) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
        )
        parts += [f"## {md(table.dataset)}", "", text[0], rule, *text[1:], ""]
        parts += [f"- {md(note)}" for note in table.notes] + [""] * bool(table.notes)
    return "\n".join([*parts, LEGEND, ""])


def md(text: str) -> str:
    """Text that Markdown and the HTML made of it show as it is."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") if "<" in text or "&" in text else text
    for mark in "\\|`*_[]":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def csv_text(layout: Layout, tables: list[Table]) -> str:
    """One line a (row, score), every seed's value in the last column, separated by spaces."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = [
        "suite",
        "dataset",
        "loss",
        "architecture",
        "kind",
        "n_ok",
        "n",
        "score",
        "better",
        "mean",
        "low",
        "high",
        "rank",
    ]
    writer.writerow([*head, "values", "notes"])
    for table in tables:
        for row in table.rows:
            labels = [inert(x) for x in (layout.suite, row.dataset, row.loss, row.architecture)]
            for name, score in row.scores.items():
                numbers = [
                    "" if x is None else repr(x) for x in (score.mean, score.low, score.high, row.rank.get(name))
                ]
                values = " ".join(repr(value) for value in score.values)
                notes = inert("; ".join(row.notes))
                writer.writerow(
                    [*labels, row.kind, row.n_ok, row.n, inert(name), score.better, *numbers, values, notes]
                )
    return text.getvalue()


def inert(text: str) -> str:
    """Text that a spreadsheet takes for text: a leading = + - @ would be a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def latex(layout: Layout, tables: list[Table]) -> str:
    """booktabs tables (needs \\usepackage{booktabs,graphicx}), one a data set."""
    parts = [f"% suite {_tex(layout.suite)}; needs \\usepackage{{booktabs,graphicx}}"]
    for table in tables:
        head = ["variant", "ok", *(f"{_tex(n)} {_arrow(b)}" for n, b in table.columns.items())]
        body = []
        for row in table.rows:
            values = [_tex_cell(row, name) for name in table.columns]
            title = _tex(row.title).replace(" x ", r" $\times$ ")
            body.append(" & ".join([title, _tex(_ok(row)), *values]) + r" \\")
        variants = sum(row.kind == "variant" for row in table.rows)
        body.insert(variants, r"\midrule")
        notes = [f"\\\\ {_tex(note)}" for note in table.notes]
        parts += [
            r"\begin{table}", r"\centering\small",
            f"\\caption{{{_tex(table.dataset)}: mean over seeds $\\pm$ half of the 95\\,\\% interval (Student $t$).}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{ll{'r' * len(table.columns)}}}", r"\toprule",
            " & ".join(head) + r" \\", r"\midrule", *body, r"\bottomrule", r"\end{tabular}}",
            *([r"\par\footnotesize " + "\n".join(notes).removeprefix(r"\\ ")] if notes else []),
            r"\end{table}", "",
        ]  # fmt: skip
    return "\n".join(parts)


def _arrow(better: str) -> str:
    return r"$\uparrow$" if better == "higher" else r"$\downarrow$"


def _tex_cell(row: TableRow, name: str) -> str:
    mean, half = shown(row.scores[name])
    if not mean:
        return "n/a" if row.n == 0 else "--"
    mean = f"\\mathbf{{{mean}}}" if row.leads(name) else mean
    return f"${mean} \\pm {half}$" if half else f"${mean}$"


_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def _tex(text: str) -> str:
    return "".join(_TEX.get(char, char) for char in " ".join(text.split()))


def json_text(layout: Layout, tables: list[Table]) -> str:
    return json.dumps(plain(tables), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


FORMATS: dict[str, tuple[str, Callable[[Layout, list[Table]], str]]] = {
    "markdown": ("table.md", markdown),
    "csv": ("table.csv", csv_text),
    "latex": ("table.tex", latex),
    "json": ("table.json", json_text),
}


def write_all(folder: Path, layout: Layout, tables: list[Table]) -> None:
    """Every format, into the suite's folder."""
    for name, text in FORMATS.values():
        write_atomically(folder / name, text(layout, tables).encode())


def show(console: Console, layout: Layout, tables: list[Table]) -> None:
    """On a terminal: half intervals below means, and as many columns side by side as fit."""
    for table in tables:
        title = f"{layout.suite}: {table.dataset}"
        for names in _fitting(table, console.width):
            console.print(_grid(table, names, title))
            title = ""
        for note in table.notes:
            console.print(Text(f"  {note}"), style="dim")
        console.print()
    console.print(Text(LEGEND), style="dim")


def _stacked(row: TableRow, name: str) -> str:
    return _cell(row, name).replace(" ± ", "\n± ")


def _head(table: Table, name: str) -> str:
    """A score's name over its judge's, so that a column is as narrow as its numbers."""
    return (
        name.replace("[", f" {ARROWS[table.columns[name]]}\n[")
        if "[" in name
        else f"{name} {ARROWS[table.columns[name]]}"
    )


def _fitting(table: Table, width: int) -> list[list[str]]:
    """The scores in groups whose columns, beside the variants' names, fit into a width."""
    left = max(len(row.title) for row in table.rows) + 11
    groups: list[list[str]] = [[]]
    used = left
    for name in table.columns:
        texts = [_head(table, name), *(_stacked(row, name) for row in table.rows)]
        need = 3 + max(len(line) for text in texts for line in text.split("\n"))
        if groups[-1] and used + need > width:
            groups.append([])
            used = left
        groups[-1].append(name)
        used += need
    return groups


def _grid(table: Table, names: list[str], title: str) -> RichTable:
    grid = RichTable(title=Text(title) if title else None, title_justify="left", pad_edge=False)
    for i, head in enumerate(["variant", "ok", *(_head(table, name) for name in names)]):
        grid.add_column(Text(head), justify="left" if i == 0 else "right", no_wrap=True, overflow="fold")
    for row in table.rows:
        cells = [Text(_stacked(row, name), style="bold" if row.leads(name) else "") for name in names]
        dim = "dim" if row.kind == "reference" or not row.n else ""
        grid.add_row(Text(row.title), Text(_ok(row)), *cells, style=dim)
    return grid
