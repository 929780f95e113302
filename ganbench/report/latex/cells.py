"""The cells of a table for a paper: scores with what stands beside them, marks, and words."""

from __future__ import annotations

import re
from collections.abc import Callable

from ganbench.analysis.score_table import Table, TableRow
from ganbench.analysis.tiers import TOO_FEW
from ganbench.report.latex.ink import NOTHING, SMALL, Ink, ink, tex, width
from ganbench.report.latex.sheet import WORDS, Cell, Column, stacked
from ganbench.report.text.escape import replace_controls
from ganbench.report.text.grid import ARROWS, FAULTY, NONE, SIGNS, VERDICT, missing, ok, rank, tier
from ganbench.report.text.spread import Shown, compact, shown

RANGE = re.compile(r"(?<=\d)-(?=\d)")
"""The hyphen of a range such as 4-8; one before a digit alone is a minus."""
MINUS = re.compile(r"(?<!-)-(?!-)")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
"""What a column of siunitx can align."""
MOST_BESIDE = 84.0
"""Points of the longest text that may stand beside a number."""


def score_column(table: Table, name: str, rows: list[TableRow | None], narrow: bool) -> Column:
    """The column of a score; the marks of its tiers are in it if it is the primary one and the table narrow."""
    head = f"{name} {ARROWS[table.columns[name]]}"
    marked = narrow and name == table.primary and "tier" not in (table.heads or ())
    return Column(table.dataset, head, tuple(_score(row, name, narrow, marked) for row in rows))


def head_column(table: Table, name: str, rows: list[TableRow | None]) -> Column:
    """The column `ok`, `tier`, `rank` or `verdict`."""
    text: Callable[[TableRow], str] = {"ok": ok, "tier": tier, "rank": rank, VERDICT: _verdict}[name]
    made = _words if name in ("tier", VERDICT) else _numbers
    texts = [text(row) if row else "" for row in rows]
    cells = [made(one) if one else Cell(absent=True) for one in texts]
    return Column(table.dataset, name, tuple(cells), words=True)


def _words(text: str) -> Cell:
    return stacked(text, WORDS)


def _numbers(text: str) -> Cell:
    return Cell(number_ink(text))


def _verdict(row: TableRow) -> str:
    return row.verdict or ("n/a" if row.kind == "variant" and not row.n else "")


def _score(row: TableRow | None, name: str, narrow: bool, marked: bool) -> Cell:
    """A score: bold if the comparisons support it, with its interval or range, marks, and the seeds that finished."""
    if row is None:
        return Cell(ink(NONE), absent=True)
    found = compact(row.scores[name]) if narrow else shown(row.scores[name], row.n)
    if not found.text:
        return Cell(ink(missing(row)), absent=row.kind in ("published", "external") or not row.n)
    if width(found.beside, SMALL) > MOST_BESIDE:  # words of a publication
        return stacked(str(found), WORDS, "r")
    bold = name in row.led
    return Cell(number_ink(found.text, bold), _beside(row, found, narrow, marked), _plain(found, bold))


def _plain(found: Shown, bold: bool) -> str:
    if not NUMBER.fullmatch(found.text):
        return ""
    return rf"\bfseries {found.text}" if bold else found.text


def _beside(row: TableRow, found: Shown, narrow: bool, marked: bool) -> Ink:
    text = RANGE.sub("\u2013", found.beside)
    if narrow and row.kind == "variant" and row.n_ok < row.n:
        text = f"{text} {row.n_ok}/{row.n}".strip()
    small = Ink(_minus(text), width(replace_controls(text), SMALL))
    return (Ink(rf"\gbsmall{{{small.tex}}}", small.width) if small else NOTHING) + (_mark(row) if marked else NOTHING)


def _mark(row: TableRow) -> Ink:
    """The letters of a variant, or its sign against the reference, and a dagger for faulty samples."""
    letters = row.tier or ""
    text = SIGNS.get(letters, letters if letters.isupper() and letters != TOO_FEW else "")
    text += FAULTY if row.faulty else ""
    return raised(text) if text else NOTHING


def raised(text: str) -> Ink:
    """A small text above the line."""
    return Ink(rf"\,\gbup{{{tex(text)}}}", width(text, SMALL) + 1.5)


def number_ink(text: str, bold: bool = False) -> Ink:
    """A number with a true minus; the ends of a range are joined by a dash."""
    text = RANGE.sub("\u2013", text)
    made = Ink(_minus(text), width(text, bold=bold) + 2.5 * text.count("-"))
    return Ink(rf"\textbf{{{made.tex}}}", made.width) if bold else made


def _minus(text: str) -> str:
    return MINUS.sub("$-$", tex(text))
