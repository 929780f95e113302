"""The options of every figure, and how a figure is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.api.suites import saved_plan
from ganbench.cli.options import results_option
from ganbench.errors import printable
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan

if TYPE_CHECKING:
    from ganbench.analysis.score_table import Table
    from ganbench.report.plots.appearance import Appearance
    from ganbench.report.plots.style import PaperFigure

Command = Callable[..., int]
Option = Callable[[Command], Command]
option = click.option


@dataclass(frozen=True)
class LookOptions:
    """The options of a figure's looks, as click reads them."""

    width: str
    font: str | None
    style: Path | None
    bare: bool

    @property
    def appearance(self) -> Appearance:
        """Font, style and headings. Raises `UsageError`."""
        from ganbench.report.plots.appearance import appearance

        return appearance(self.font, self.style, self.bare)


@dataclass(frozen=True)
class FileOptions(LookOptions):
    """The options of every figure in a file, as click reads them."""

    to: Path
    variants: tuple[str, ...]
    results: Path


@dataclass(frozen=True)
class PlotOptions(FileOptions):
    """The options of every figure that can be of one dataset."""

    dataset: str | None


@dataclass(frozen=True)
class SuiteOptions(PlotOptions):
    """The options of every plot of a whole suite."""

    suite: str


TO = option("--to", type=click.Path(dir_okay=False, path_type=Path), required=True,
            metavar="FILE.svg|.pdf|.png|.pgf", help="The file to write.")  # fmt: skip
DATASET = option("--dataset", metavar="NAME", help="The dataset; not needed if the suite has only one.")
METRIC = option("--metric", metavar="SCORE", help="The score; by default the dataset's primary one.")
VARIANT = option("--variant", "variants", multiple=True, metavar="NAME",
                 help="Draw only this loss, architecture or 'loss x architecture'; can be repeated.")  # fmt: skip
LOOKS: tuple[Option, ...] = (
    option("--width", default="column", show_default=True, metavar="column|page|INCHES",
           help="3.3 inches, 6.8 inches, or a number of inches."),
    option("--font", metavar="serif|sans|FILE", help="The font: serif is like Times; a file ends in .ttf or .otf."),
    option("--style", type=click.Path(path_type=Path), metavar="FILE.mplstyle",
           help="Take colors, lines and grids from a matplotlib style file."),
    option("--bare", is_flag=True, help="No headings or explanations, for a figure whose caption gives them."),
)  # fmt: skip


def suite_option(required: bool = True) -> Option:
    """--suite: a suite that has run."""
    return option("--suite", required=required, metavar="NAME|FILE", help="A suite that has run in this folder.")


def plot_options(*own: Option, required: bool = True) -> Option:
    """A decorator with the options of every plot, and its own."""

    options: tuple[Option, ...] = (suite_option(required), TO, *LOOKS, DATASET, VARIANT, *own, results_option)

    def decorated(function: Command) -> Command:
        for one in reversed(options):
            function = one(function)
        return function

    return decorated


def read_results(folder: Path, suite: str) -> tuple[SavedPlan, Store]:
    """The saved plan of a suite, and the store of its runs."""
    return saved_plan(folder, suite), Store(folder)


def write(options: FileOptions, make: Callable[[float], PaperFigure]) -> int:
    """Draw and write a figure: its path on stdout, notes on stderr. Invalid options are reported before it is drawn."""
    from ganbench.files import write_atomically
    from ganbench.report.plots.figure import form
    from ganbench.report.plots.style import inches

    kind, wide, look = form(options.to), inches(options.width), options.appearance
    figure = make(wide)
    write_atomically(options.to, figure.rendered(kind, wide, look))
    click.echo(options.to)
    for note in (*look.notes, *figure.notes):
        click.echo(printable(f"note: {note}"), err=True)
    return 0


def all_tables(plan: SavedPlan, store: Store) -> list[Table]:
    """The tables of a suite."""
    from ganbench.analysis import tables

    return tables.build(plan, store)


def find_table(plan: SavedPlan, store: Store, asked: str | None) -> Table:
    """The table of a dataset."""
    from ganbench.analysis.figure_data.selection import find_dataset

    name = find_dataset(plan, asked)
    return next(table for table in all_tables(plan, store) if table.dataset == name)
