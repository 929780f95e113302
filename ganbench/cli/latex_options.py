"""The options of a table that is printed for a paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from ganbench.cli.view_options import ViewOptions
from ganbench.errors import UsageError

if TYPE_CHECKING:
    from ganbench.report.latex.paper import PaperOptions

F = TypeVar("F", bound=Callable[..., object])


def latex_options(function: F) -> F:
    """--transpose, --label, --width and --siunitx: how a table is made for a paper."""
    options = (
        click.option("--transpose", is_flag=True, help="With --format latex: a row per score, a column per variant."),
        click.option("--label", metavar="NAME", help="With --format latex: the \\\\label; by default tab:SUITE."),
        click.option(
            "--width", metavar="column|text|page|POINTS",
            help="With --format latex: what a table must fit, or it is split: a column of 252 points (the default), "
            "the text of a one-column paper (397), both columns of a two-column paper (505), or a number of points.",
        ),
        click.option("--siunitx", is_flag=True, help="With --format latex: align numbers with the package siunitx."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True)
class LatexOptions(ViewOptions):
    """The options of `latex_options` beside those of every view, as click reads them."""

    transpose: bool
    label: str | None
    width: str | None
    siunitx: bool

    def refuse_without_latex(self) -> None:
        """Raise `UsageError` for an option that only a table for a paper has."""
        asked = {"--transpose": self.transpose, "--label": self.label, "--width": self.width, "--siunitx": self.siunitx}
        for name, value in asked.items():
            if value:
                raise UsageError(f"{name} needs --format latex; add it, or leave out {name}")

    @property
    def paper(self) -> PaperOptions:
        """How the table is made. Raises `UsageError`."""
        from ganbench.report.latex.paper import PaperOptions

        return PaperOptions(
            wide=self.wide, chosen=bool(self.metrics or self.columns), ordered=bool(self.sort),
            transpose=self.transpose, siunitx=self.siunitx, label=self.label or "", width=self.width or "column",
        )  # fmt: skip
