"""Columns drawn on a terminal: words wrap, numbers are neither broken nor cut, and what does not fit goes below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import fill

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

GAP = 2
"""Spaces between two columns."""
LEAST = 12
"""Characters that a column of words has at least, unless all its texts are shorter."""
MOST = 20
"""A longer word is broken."""


@dataclass(frozen=True)
class Column:
    """A head and a cell for each row, of one or more lines. `wraps` is for words, which may be on more lines.

    `bold` are the rows whose cell is bold.
    """

    head: str
    cells: Sequence[str]
    wraps: bool = False
    bold: frozenset[int] = frozenset()

    @property
    def natural(self) -> int:
        """The width at which nothing wraps."""
        return max(map(_longest, (self.head, *self.cells)))

    @property
    def least(self) -> int:
        """The smallest width: that of the numbers and of the head's longest word, or a few letters of words."""
        return min(self.natural, LEAST) if self.wraps else max([_word(self.head), *map(_longest, self.cells)])

    @property
    def fair(self) -> int:
        """The smallest width at which no word is broken, unless it is very long."""
        return min(self.natural, max(self.least, min(max(map(_word, (self.head, *self.cells))), MOST)))


def _longest(text: str) -> int:
    """The width of the longest line."""
    return max(map(cell_len, text.split("\n")))


def _word(text: str) -> int:
    """The width of the longest word; a no-break space is part of one."""
    return max(cell_len(word) for line in text.split("\n") for word in line.split(" "))


@dataclass(frozen=True)
class Rows:
    """Which rows are dim, and above which a rule is drawn."""

    dim: frozenset[int] = frozenset()
    rules: frozenset[int] = frozenset()


def needed(columns: Sequence[Column]) -> int:
    """The width of columns beside one another in which words are whole."""
    return _together([column.fair for column in columns])


def _together(widths: Sequence[int]) -> int:
    """The width of columns of these widths beside one another."""
    return sum(widths) + GAP * (len(widths) - 1)


def groups(lead: Sequence[Column], others: Sequence[Column], width: int) -> Iterator[list[Column]]:
    """Columns in groups that fit the width: the first after all of `lead`, the others after its first column."""
    group = list(lead)
    for column in others:
        if needed([*group, column]) > width and len(group) > 1:
            yield group
            group = [lead[0]]
        group.append(column)
    yield group


def draw(console: Console, columns: Sequence[Column], title: str = "", rows: Rows = Rows()) -> None:
    """Draw columns beside one another, as wide as they need and the console allows; below one another if they must."""
    if _together([column.least for column in columns]) > console.width and len(columns) > 2:
        for i, group in enumerate(groups(columns[:1], columns[1:], console.width)):
            draw(console, group, title if i == 0 else "", rows)
        return
    grid = Table(
        title=Text(title, style="bold") if title else None, title_justify="left",
        box=box.HORIZONTALS, padding=(0, GAP - 1, 0, 0), pad_edge=False, show_edge=False,
    )  # fmt: skip
    for i, (column, width) in enumerate(zip(columns, widths_within(columns, console.width), strict=True)):
        side = "left" if column.wraps or i == 0 else "right"
        head = "\n".join(fill(line, width, break_long_words=False) for line in column.head.split("\n"))
        grid.add_column(Text(head), justify=side, width=width, no_wrap=False, overflow="fold")  # type: ignore[arg-type]
    for row in range(len(columns[0].cells)):
        if row in rows.rules and row:
            grid.add_section()
        cells = [Text(column.cells[row], style="bold" if row in column.bold else "") for column in columns]
        grid.add_row(*cells, style="dim" if row in rows.dim else "")
    console.print(grid)


def widths_within(columns: Sequence[Column], width: int) -> list[int]:
    """A width for each column: the least, then more for whole words, for all words, and for heads.

    Columns that lack least are served first.
    """
    widths = [column.least for column in columns]
    fair, natural = [column.fair for column in columns], [column.natural for column in columns]
    words = [column.natural if column.wraps else column.fair for column in columns]
    for goal in (fair, words, natural):
        lacking = {i: max(0, wanted - have) for i, (wanted, have) in enumerate(zip(goal, widths, strict=True))}
        for i, more in sorted(lacking.items(), key=lambda one: one[1]):
            widths[i] += max(0, min(width - _together(widths), more))
    return widths
