"""Tables as LaTeX with booktabs."""

from __future__ import annotations

import re

from ganbench.analysis.score_table import Table, TableRow
from ganbench.analysis.tiers import rules
from ganbench.report.text.escape import escape_latex
from ganbench.report.text.grid import lead, lead_heads, missing
from ganbench.report.text.spread import shown
from ganbench.suite.plan_file import SavedPlan

RANGE = re.compile(r"(?<=\d)-(?=\d)")
"""The hyphen of a range such as 4-8; one before a digit alone is a minus."""
MINUS = re.compile(r"(?<!-)-(?!-)")
CAPTION = (
    r": mean over seeds with the 95\,\% interval (Student's $t$; [low, high] of the geometric mean if computed on "
    r"logarithms, or of a share, cut at 0 and 1). Counts: mean (lowest--highest). Fewer than five seeds: "
    r"lowest--highest, no interval. ok: seeds that finished, of those requested. "
    r"tier: by the primary score against the reference; where all pairs are compared, variants without a common letter "
    r"differ, and a line is drawn where all above are better than all below. rank: the ranks that the comparisons "
    r"(Bonferroni over the suite) allow. \dag: the samples of at least half of its seeds are faulty. Bold: by the "
    r"primary score better than at least one variant, worse than none, and without \dag.}"
)


def latex(plan: SavedPlan, tables: list[Table]) -> str:
    """booktabs tables (they need \\usepackage{booktabs,graphicx}), one per dataset, with footnotes below.

    Names in scripts that pdfLaTeX does not have need XeLaTeX or LuaLaTeX and a suitable font.
    """
    parts = [f"% suite {escape_latex(plan.suite)}; needs \\usepackage{{booktabs,graphicx}}"]
    for table in tables:
        marks = _marks(table)
        leads = lead_heads(table)
        head = [*leads, *(f"{escape_latex(n)} {_arrow(b)}" for n, b in table.columns.items())]
        variants = sum(row.kind == "variant" for row in table.rows)
        lines = [_row(row, table, marks) for row in table.rows]
        above = rules(table) | {variants}
        body = [line for i, own in enumerate(lines) for line in ((r"\midrule", own) if i in above else (own,))]
        parts += [
            r"\begin{table}", r"\centering\small", rf"\caption{{{escape_latex(table.dataset)}{CAPTION}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{'l' * len(leads)}{'r' * len(table.columns)}}}", r"\toprule",
            " & ".join(head) + r" \\", r"\midrule", *body, r"\bottomrule", r"\end{tabular}}",
            *_below(table, marks), r"\end{table}", "",
        ]  # fmt: skip
    return "\n".join(parts)


def _marks(table: Table) -> dict[str, str]:
    """The letter of each note; rows that share a note share its letter."""
    return {note: _letter(i) for i, note in enumerate(table.row_notes)}


def _letter(index: int) -> str:
    """a, b, ... z, aa, ab, ..."""
    return (_letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def _row(row: TableRow, table: Table, marks: dict[str, str]) -> str:
    first, *rest = (escape_latex(RANGE.sub("\u2013", text) if i else text) for i, text in enumerate(lead(row, table)))
    title = f"{escape_latex(row.loss)} $\\times$ {escape_latex(row.architecture)}" if row.kind == "variant" else first
    title = f"{{}}{title}" if title[:1] in ("[", "*") else title  # after \\\\ these would be its argument
    if row.notes:
        title += rf"\textsuperscript{{{','.join(marks[note] for note in dict.fromkeys(row.notes))}}}"
    return " & ".join([title, *rest, *(_cell(row, name) for name in table.columns)]) + r" \\"


def _below(table: Table, marks: dict[str, str]) -> list[str]:
    """The footnotes by letter, then the notes on the whole table."""
    lines = [rf"\textsuperscript{{{letter}}}~{escape_latex(note)}" for note, letter in marks.items()]
    lines += [escape_latex(note) for note in table.notes]
    return [r"\par\smallskip\footnotesize\raggedright " + "\\par\n".join(lines)] if lines else []


def _arrow(better: str) -> str:
    return r"$\uparrow$" if better == "higher" else r"$\downarrow$"


def _cell(row: TableRow, name: str) -> str:
    found = shown(row.scores[name], row.n)
    if not found.text:
        return escape_latex(missing(row))
    text, beside = _number(found.text), escape_latex(RANGE.sub("\u2013", found.beside))
    text = rf"\textbf{{{text}}}" if name in row.led else text
    return text + (f"~{beside}" if beside else "")


def _number(text: str) -> str:
    """A number in text mode with a true minus; the ends of a range are joined by a dash."""
    text = RANGE.sub("\u2013", text)
    return MINUS.sub("$-$", escape_latex(text))
