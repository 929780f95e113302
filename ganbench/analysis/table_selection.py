"""Which columns of a suite's tables are shown, and in which order their variants stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ganbench.analysis.score_table import Table, TableRow
from ganbench.errors import UsageError
from ganbench.formatting import suggestion

HEADS = ("ok", "tier", "rank", "verdict")
"""The columns between the variant and the scores."""
NAME = "name"
"""Sorts variants by name."""


@dataclass(frozen=True)
class Selection:
    """Scores and other columns by name, and what variants are sorted by: `name`, or a score, the best first.

    A score is named as in the table, `FID[digits16]`, or without its extractor. `columns` are scores and `HEADS`.
    Empty means: as the table has it.
    """

    scores: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sort: str = ""

    def __call__(self, tables: Sequence[Table]) -> list[Table]:
        """The tables as asked for; a table without a score that another has is shown without it."""
        return [self._narrowed(self._sorted(table)) for table in tables]

    @property
    def _chosen(self) -> list[str]:
        """The scores that are shown; empty for all."""
        return [*self.scores, *(name for name in self.columns if name not in HEADS)]

    def check(self, known: Iterable[str]) -> None:
        """Raise `UsageError` for a name that is no known score or column, or for options that exclude each other."""
        if self.scores and self.columns:
            raise UsageError("--columns and --metric both choose columns; name the scores in --columns")
        names = [*dict.fromkeys(known)]
        wanted: list[tuple[str, str, tuple[str, ...]]] = [(name, "--metric", ()) for name in self.scores]
        wanted += [(name, "--columns", HEADS) for name in self.columns]
        wanted += [(self.sort, "--sort", (NAME,))] if self.sort else []
        for name, option, also in wanted:
            if name not in (*names, *also):
                what = "column" if option == "--columns" else "score"
                raise UsageError(f"{option}: no {what} {name!r} in this suite{suggestion(name, [*names, *also])}")

    def _narrowed(self, table: Table) -> Table:
        if not self.scores and not self.columns:
            return table
        columns = {label: table.columns[label] for name in self._chosen for label in _matching(table, name)}
        heads = tuple(name for name in self.columns if name in HEADS) if self.columns else None
        return replace(table, columns=columns, heads=heads)

    def _sorted(self, table: Table) -> Table:
        """Variants in the order asked for; all other rows stay below."""
        if not self.sort:
            return table
        labels = _matching(table, self.sort)
        if self.sort != NAME and not labels:
            return table
        variants = [row for row in table.rows if row.kind == "variant"]
        others = [row for row in table.rows if row.kind != "variant"]

        def place(row: TableRow) -> tuple[object, ...]:
            return (row.title,) if self.sort == NAME else row.place(labels[0])

        return replace(table, rows=(*sorted(variants, key=place), *others))


def _matching(table: Table, name: str) -> list[str]:
    """The columns that a name means: that column, or all of that score, whatever their extractor."""
    if name in table.columns:
        return [name]
    return [label for label in table.columns if table.score_name(label).score == name]


def score_names(tables: Iterable[Table]) -> list[str]:
    """The names by which the scores of tables can be asked for: those of the columns, and without the extractor."""
    labels = [(str(table.score_name(label).score), label) for table in tables for label in table.columns]
    return [*dict.fromkeys(label for _, label in labels), *dict.fromkeys(name for name, _ in labels)]
