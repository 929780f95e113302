"""The options of the commands that print a suite's table: which columns, in which order, and how much of the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import click

from ganbench.analysis.table_selection import Selection
from ganbench.errors import UsageError
from ganbench.report.text.terminal import View

F = TypeVar("F", bound=Callable[..., object])


def view_options(function: F) -> F:
    """--metric, --columns, --sort, --wide and --notes: how a suite's table is shown."""
    options = (
        click.option(
            "--metric", "metrics", multiple=True, metavar="SCORE",
            help="Show this score instead of the first ones, or rank the draws of --search by it; can be repeated.",
        ),
        click.option(
            "--columns", metavar="A,B,...",
            help="Show these columns beside the variant: ok, tier, rank, verdict, and scores by name.",
        ),
        click.option("--sort", metavar="SCORE|name", help="Sort the variants by a score, best first, or by name."),
        click.option("--wide", is_flag=True, help="On a terminal and in LaTeX: all scores, split as far as needed."),
        click.option("--notes", is_flag=True, help="On a terminal: protocol, tests, costs and all other notes."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True)
class ViewOptions:
    """The options of `view_options`, as click reads them."""

    metrics: tuple[str, ...]
    columns: str | None
    sort: str | None
    wide: bool
    notes: bool

    @property
    def selection(self) -> Selection:
        """The columns and the order of the rows that are asked for."""
        columns = tuple(name.strip() for name in (self.columns or "").split(",") if name.strip())
        return Selection(self.metrics, columns, self.sort or "")

    @property
    def view(self) -> View:
        return View(wide=self.wide or bool(self.metrics or self.columns), notes=self.notes)

    def refuse_with_search(self) -> None:
        """Raise `UsageError` for an option that the table of --search does not have."""
        for name in self._asked:
            if name != "--metric":
                raise UsageError(f"{name} applies to a suite's table; with --search, only --metric does")

    def refuse_with(self, other: str) -> None:
        """Raise `UsageError` for any of the options: what `other` prints has no columns to choose and no order."""
        for name in self._asked:
            raise UsageError(f"{name} applies to a suite's table; with {other}, leave it out")

    @property
    def _asked(self) -> list[str]:
        """The options that were given."""
        every = {
            "--metric": self.metrics, "--columns": self.columns, "--sort": self.sort, "--wide": self.wide,
            "--notes": self.notes,
        }  # fmt: skip
        return [name for name, value in every.items() if value]
