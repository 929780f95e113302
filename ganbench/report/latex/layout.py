"""Lays a sheet out as LaTeX tables that fit a width and a page, split by columns and then by rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from math import ceil
from typing import NamedTuple

from ganbench.report.latex.ink import tex, width, wrapped
from ganbench.report.latex.sheet import Cell, Column, Row, Sheet, guarded, stacked

GAP = 6.0
"""Points between two columns."""
JOIN = 2.0
"""Points between a number and what stands beside it."""
SPARE = 3.0
"""Points of a line that stay free."""
HEADS = 0.45
"""The largest part of the width that the heads of the rows take."""
FEWEST = 40.0
"""Points that the heads of the rows have at least."""
HEAD_ROOM = 58.0
"""Points that the head of a column may take beyond its cells."""
HEIGHT, LINE = 500.0, 9.7
"""Points that caption, heads and rows of one table have together, so that it fits a page, and those of a line."""
CAPTION = 12.0, 5.2
"""Points of a line of a caption, and of a letter in it."""
MOST_LINES = 38
"""Lines of the rows of one table, also below a short caption."""
FEWEST_LINES = 6


@dataclass(frozen=True)
class Piece:
    """A part of a sheet that fits, and the points that the heads of its rows and columns have."""

    sheet: Sheet
    room: float
    widths: tuple[float, ...]


def pieces(sheet: Sheet, points: float, siunitx: bool = False, letters: int = 0) -> list[Piece]:
    """The sheet in parts that are at most `points` wide and fit a page with a caption of so many letters."""
    line, letter = CAPTION
    most = int((HEIGHT - line * ceil(letters * letter / points)) / LINE)
    widths = [_natural(one, siunitx) for one in sheet.columns]
    room, counts = _split(sheet, widths, points - SPARE)
    found = []
    for many, start in zip(counts, accumulate(counts, initial=0), strict=False):
        columns = sheet.columns[start : start + many]
        own = _shown(Sheet(sheet.corner, sheet.rows, columns))
        for rows in _below(own, room, max(FEWEST_LINES, min(most, MOST_LINES))):
            part = Sheet(own.corner, own.rows[rows.start : rows.stop], _cut(own.columns, [*rows]))
            found.append(Piece(part, room, tuple(widths[start : start + many])))
    return found


def _shown(sheet: Sheet) -> Sheet:
    """The sheet without rows that have no value in any of these columns because their variant does not apply."""
    kept = [i for i in range(len(sheet.rows)) if not all(one.cells[i].absent for one in sheet.columns)]
    return Sheet(sheet.corner, tuple(sheet.rows[i] for i in kept), _cut(sheet.columns, kept))


def _cut(columns: Sequence[Column], rows: Sequence[int]) -> tuple[Column, ...]:
    return tuple(replace(one, cells=tuple(one.cells[i] for i in rows)) for one in columns)


def _split(sheet: Sheet, widths: Sequence[float], points: float) -> tuple[float, list[int]]:
    """Points for the heads of the rows, and the number of columns of each part: few parts first, then wide heads."""
    natural = max(width(sheet.corner), *(width(row.head) + row.mark.width for row in sheet.rows))
    words = max(width(word) + row.mark.width for row in sheet.rows for word in row.head.split(" "))
    most = max(FEWEST, points - GAP - max(widths))
    rooms = [min(most, max(FEWEST, min(natural, HEADS * points))), min(most, max(FEWEST, min(words, HEADS * points)))]
    tried = [(room + 0.5, _counts(widths, points - room - 0.5)) for room in rooms]
    return min(tried, key=lambda one: len(one[1]))


def _counts(widths: Sequence[float], points: float) -> list[int]:
    """Columns of each part: as few parts as possible, of about the same number of columns."""
    greedy = _greedy(widths, points)
    even = _greedy(widths, points, -(-len(widths) // len(greedy)))
    return even if len(even) == len(greedy) else greedy


def _greedy(widths: Sequence[float], points: float, most: int = 10**6) -> list[int]:
    """How many columns each group has."""
    found: list[int] = []
    used = 0.0
    for one in widths:
        if found and used + GAP + one <= points and found[-1] < most:
            found[-1] += 1
            used += GAP + one
        else:
            found.append(1)
            used = GAP + one
    return found


def _natural(column: Column, siunitx: bool) -> float:
    """The points of a column: its cells, and its head on lines."""
    cells = _cells_width(column, siunitx)
    whole = width(column.head) + column.mark.width
    if whole <= cells:
        return cells
    room = max(cells, HEAD_ROOM)
    return max(cells, *(width(line) for line in wrapped(column.head, room - column.mark.width))) + column.mark.width


def _cells_width(column: Column, siunitx: bool) -> float:
    beside = max((cell.beside.width for cell in column.cells), default=0.0)
    main = max((cell.main.width for cell in column.cells if cell.beside or not _spans(cell)), default=0.0)
    if siunitx and not column.words:
        whole, places = digits(column.cells)
        main = max(main, width("0" * whole + "." + "0" * places, bold=True) if whole else 0.0)
    alone = max((cell.main.width for cell in column.cells if _spans(cell)), default=0.0)
    return max(main + (JOIN + beside if beside else 0.0), alone)


def _spans(cell: Cell) -> bool:
    """Whether a cell is words that take both columns."""
    return cell.lines > 1


def digits(cells: Sequence[Cell]) -> tuple[int, int]:
    """The digits before and after the point that siunitx makes room for; 0 and 0 if no cell is a number."""
    parts = [cell.plain.removeprefix(r"\bfseries ").partition(".") for cell in cells if cell.plain]
    return max((len(whole) for whole, _, _ in parts), default=0), max((len(rest) for _, _, rest in parts), default=0)


def _below(sheet: Sheet, room: float, most: int) -> Iterator[range]:
    """The rows that fit one page, whose lines are at most so many with those of the heads."""
    start, heads = 0, max(len(wrapped(one.head, HEAD_ROOM)) for one in sheet.columns)
    used = heads
    for i, row in enumerate(sheet.rows):
        lines = max(len(wrapped(row.head, room - row.mark.width)), *(one.cells[i].lines for one in sheet.columns))
        if used + lines > most and i > start:
            yield range(start, i)
            start, used = i, heads
        used += lines
    if sheet.rows:
        yield range(start, len(sheet.rows))


def tabular(piece: Piece, siunitx: bool) -> list[str]:
    """The lines of a `tabular`."""
    sheet = piece.sheet
    kinds = [_kind(one, siunitx) for one in sheet.columns]
    lines = [rf"\begin{{tabular}}{{@{{}}l{''.join(kinds)}@{{}}}}", r"\toprule"]
    if len({one.group for one in sheet.columns}) > 1:
        lines += _groups(sheet, piece.widths)
    heads = [_head(*pair) for pair in zip(sheet.columns, piece.widths, strict=True)]
    lines.append(_line([tex(sheet.corner), *_spanned(heads)]))
    lines.append(r"\midrule")
    for i, row in enumerate(sheet.rows):
        lines += [r"\midrule"] if row.rule and i else []
        lines.append(_line([_row_head(row, piece.room), *(_cell(one, i, siunitx) for one in sheet.columns)]))
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _kind(column: Column, siunitx: bool) -> str:
    if column.words:
        return "l"
    whole, places = digits(column.cells)
    main = f"S[table-format={whole}.{places}]" if siunitx and whole else "r"
    return f"{main}@{{\\hspace{{{JOIN:g}pt}}}}l" if _has_beside(column) else main


def _has_beside(column: Column) -> bool:
    return any(cell.beside for cell in column.cells)


def _line(cells: Sequence[str]) -> str:
    return " & ".join([guarded(cells[0]), *cells[1:]]) + r" \\"


def _row_head(row: Row, room: float) -> str:
    return stacked(row.head, room, mark=row.mark).main.tex


class Span(NamedTuple):
    """A head over several columns of LaTeX, and how it is aligned."""

    columns: int
    side: str
    text: str


def _spanned(heads: Sequence[Span]) -> list[str]:
    """Heads as LaTeX; the last one has no space on its right, as the table has none."""
    ends = ["", "@{}"]
    return [
        rf"\multicolumn{{{one.columns}}}{{{one.side}{ends[i == len(heads)]}}}{{{one.text}}}"
        for i, one in enumerate(heads, 1)
    ]


def _head(column: Column, points: float) -> Span:
    side = "l" if column.words else "c" if _has_beside(column) else "r"
    text = stacked(column.head, points, side, column.mark).main.tex.replace("[t]", "[b]", 1)
    return Span(1 + _has_beside(column), side, text)


def _groups(sheet: Sheet, widths: Sequence[float]) -> list[str]:
    """The datasets above their columns."""
    cells: list[Span] = []
    lines, at, start = [], 2, 0
    for name, group in groupby(sheet.columns, key=lambda one: one.group):
        columns = list(group)
        span = sum(1 + _has_beside(one) for one in columns)
        room = sum(widths[start : start + len(columns)]) + GAP * (len(columns) - 1)
        text = stacked(name, room, "c").main.tex.replace("[t]", "[b]", 1)
        cells.append(Span(span, "c", text))
        lines.append(rf"\cmidrule(lr){{{at}-{at + span - 1}}}")
        at, start = at + span, start + len(columns)
    return [_line(["", *_spanned(cells)]), "".join(lines)]


def _cell(column: Column, i: int, siunitx: bool) -> str:
    cell = column.cells[i]
    whole, _ = digits(column.cells)
    main = (cell.plain or f"{{{cell.main.tex}}}") if siunitx and whole and not column.words else cell.main.tex
    if not _has_beside(column):
        return main
    if _spans(cell):
        return rf"\multicolumn{{2}}{{r}}{{{cell.main.tex}}}"
    return f"{main} & {cell.beside.tex}"
