"""A table for a paper before it is laid out: heads and cells with their widths, which can be transposed."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.report.latex.ink import NOTHING, Ink, ink, wrapped

WORDS = 92.0
"""Points of the widest line of a cell of words."""


@dataclass(frozen=True)
class Cell:
    """A number and what stands beside it, or words on several lines. `plain` is the number for siunitx.

    `absent`: there cannot be a value, because the variant does not apply.
    """

    main: Ink = NOTHING
    beside: Ink = NOTHING
    plain: str = ""
    lines: int = 1
    absent: bool = False


@dataclass(frozen=True)
class Row:
    """The head of a row, a mark after it, and whether a rule is drawn above."""

    head: str
    mark: Ink = NOTHING
    rule: bool = False


@dataclass(frozen=True)
class Column:
    """The head of a column, the group that it belongs to, and a cell for each row."""

    group: str
    head: str
    cells: tuple[Cell, ...]
    words: bool = False
    mark: Ink = NOTHING


@dataclass(frozen=True)
class Sheet:
    """Rows and columns; `corner` is the head of the rows' heads."""

    corner: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]

    @property
    def transposed(self) -> Sheet:
        """The same with a row for each column."""
        rows = [Row(", ".join(filter(None, (one.group, one.head))), one.mark) for one in self.columns]
        columns = [
            Column("", row.head, tuple(one.cells[i] for one in self.columns), mark=row.mark)
            for i, row in enumerate(self.rows)
        ]
        return Sheet("score", tuple(rows), tuple(columns))


def stacked(text: str, room: float, side: str = "l", mark: Ink = NOTHING) -> Cell:
    """Words as a cell of lines that fit `room` points, with a mark after the last one."""
    lines = [ink(line) for line in wrapped(text, room - mark.width)]
    lines[-1] += mark
    if len(lines) == 1:
        return Cell(lines[0])
    body = r"\\".join(guarded(line.tex) for line in lines)
    widest = max(line.width for line in lines)
    return Cell(Ink(rf"\begin{{tabular}}[t]{{@{{}}{side}@{{}}}}{body}\end{{tabular}}", widest), lines=len(lines))


def guarded(text: str) -> str:
    r"""A text that does not begin with what `\\` would take for its argument."""
    return f"{{}}{text}" if text[:1] in ("[", "*") else text
