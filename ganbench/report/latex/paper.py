"""A suite's tables as LaTeX for a paper: narrow by default, never scaled down, complete if asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ganbench.analysis.score_table import Table
from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.report.latex.caption import caption
from ganbench.report.latex.ink import SMALL, TEXT, breakable, tex
from ganbench.report.latex.layout import GAP, pieces, tabular
from ganbench.report.latex.tables import Content, narrow, wide
from ganbench.suite.plan_file import SavedPlan

WIDTHS = {"column": 252.0, "text": 397.0, "page": 505.0}
"""Points: a column of a two-column paper, the text of a one-column paper, and both columns of a two-column paper."""
FEWEST, MOST = 180.0, 2000.0
WAITING = 8
"""Tables after which a page ends: LaTeX gives up if more than 18 wait for their place."""
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/-]*")
MACROS = (
    rf"\providecommand{{\gbsmall}}[1]{{{{\fontsize{{{SMALL:g}}}{{{SMALL + 1:g}}}\selectfont #1}}}}%",
    r"\providecommand{\gbup}[1]{\raisebox{0.5ex}{\gbsmall{#1}}}%",
    r"\providecommand{\gbother}[1]{\ifdefined\Umathcode #1\else ?\fi}%",
)
"""What cells use, in every table, so that each can be pasted alone: small, small and raised, and other scripts."""


@dataclass(frozen=True)
class PaperOptions:
    """How a table for a paper is made.

    `wide`: one dataset after the other with everything, instead of the primary scores of all. `chosen`: the tables'
    columns were chosen by the reader; `ordered`: their rows were. `width` is a key of `WIDTHS` or a number of points.
    Raises `UsageError` for a width or a label that LaTeX cannot have.
    """

    wide: bool = False
    chosen: bool = False
    ordered: bool = False
    transpose: bool = False
    siunitx: bool = False
    label: str = ""
    width: str = "column"

    def __post_init__(self) -> None:
        _ = self.points
        if self.label and not LABEL.fullmatch(self.label):
            raise UsageError(f"--label {self.label!r}: write letters, digits and : . _ / -, such as tab:results")

    @property
    def points(self) -> float:
        """The width that no table exceeds."""
        if self.width in WIDTHS:
            return WIDTHS[self.width]
        try:
            found = float(self.width)
        except ValueError:
            raise UsageError(
                f"--width {self.width!r}: write column, text, page, or a number of points"
                f"{suggestion(self.width, list(WIDTHS))}"
            ) from None
        if not FEWEST <= found <= MOST:
            raise UsageError(f"--width {self.width}: a table is {FEWEST:g} to {MOST:g} points wide")
        return found

    @property
    def environment(self) -> str:
        return "table*" if self.width == "page" else "table"


def latex(plan: SavedPlan, tables: Sequence[Table], how: PaperOptions = PaperOptions()) -> str:
    """booktabs tables of at most the width asked for, in letters of 8 and 7 points; too much is split, not scaled.

    With pdfLaTeX, letters of scripts that it does not have are printed as `?`; XeLaTeX and LuaLaTeX print them.
    """
    packages = "booktabs,siunitx" if how.siunitx else "booktabs"
    label = how.label or f"tab:{re.sub(r'[^A-Za-z0-9.-]+', '-', plan.suite).strip('-') or 'suite'}"
    lines = [rf"% suite {tex(plan.suite)}: \usepackage{{{packages}}}; at most {how.points:g} points wide"]
    if not how.wide:
        content = narrow(plan, tables, how.chosen, how.ordered)
        lines += [*_paper_tables(plan, content, label, how), *_notes(list(_foreign(content)))]
        return "\n".join([*lines, ""])
    for i, table in enumerate(tables):
        letters = {note: _letter(at) for at, note in enumerate(table.row_notes)}
        own = label if len(tables) == 1 else f"{label}-{i + 1}"
        lines += _paper_tables(plan, wide(table, letters), own, how)
        marked = [rf"\gbup{{{letter}}}~{breakable(note)}" for note, letter in letters.items()]
        lines += _notes([*marked, *map(breakable, table.notes)], f"Notes on {table.dataset}")
    return "\n".join([*lines, ""])


def _foreign(content: Content) -> Iterator[str]:
    """Notes on rows that were measured elsewhere and have one of the scores."""
    for table, names in zip(content.tables, content.scores, strict=True):
        for row in table.rows:
            if row.kind in ("external", "published") and any(row.scores[name].values for name in names):
                yield from (breakable(f"{row.title}, {table.dataset}: {note}") for note in row.notes)


def _letter(index: int) -> str:
    """a, b, ... z, aa, ab, ..."""
    return (_letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def _paper_tables(plan: SavedPlan, content: Content, label: str, how: PaperOptions) -> Iterator[str]:
    sheet = content.sheet.transposed if how.transpose else content.sheet
    if not sheet.columns or not sheet.rows:
        yield "% no run has a score yet"
        return
    whole = caption(plan.suite, content)
    parts = pieces(sheet, how.points, how.siunitx, len(whole))
    for i, piece in enumerate(parts):
        text = whole if i == 0 else breakable(f"Suite {plan.suite}, continued ({i + 1} of {len(parts)}).")
        yield rf"\begin{{{how.environment}}}"
        yield from MACROS
        yield r"\centering\emergencystretch=3em"
        yield rf"\caption{{{text}}}"
        yield rf"\label{{{label if i == 0 else f'{label}-part{i + 1}'}}}"
        yield r"\par\vspace{4pt}"
        yield rf"\setlength{{\tabcolsep}}{{{GAP / 2:g}pt}}\fontsize{{{TEXT:g}}}{{{1.2 * TEXT:g}}}\selectfont"
        if how.siunitx:
            yield r"\sisetup{detect-weight,mode=text}"
        yield from tabular(piece, how.siunitx)
        yield rf"\end{{{how.environment}}}"
        yield "" if (i + 1) % WAITING else "\\clearpage\n"


def _notes(notes: Sequence[str], title: str = "") -> list[str]:
    """Notes as paragraphs below the tables, because a table cannot be longer than a page."""
    if not notes:
        return []
    head = [rf"\noindent\textbf{{{breakable(title)}.}}\par"] if title else []
    lines = [rf"\noindent {note}\par" for note in notes]
    begin = rf"\begingroup\raggedright\fontsize{{{TEXT:g}}}{{{1.2 * TEXT:g}}}\selectfont"
    return [begin, *MACROS, *head, *lines, r"\endgroup", ""]
