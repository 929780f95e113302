"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TypeVar

import click

from ganbench.analysis.table_selection import Selection
from ganbench.errors import UsageError
from ganbench.report.text.terminal import View

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")

results_option = click.option(
    "--results", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True,
    envvar="GANBENCH_RESULTS", show_envvar=True, help="The results folder.",
)  # fmt: skip
plugin_option = click.option(
    "--plugin", "plugins", multiple=True, type=click.Path(path_type=Path), metavar="FILE.py",
    help="Load plugins from a file; can be repeated.",
)  # fmt: skip


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
        click.option("--wide", is_flag=True, help="On a terminal: all scores, on as many lines as they need."),
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
        asked = {"--columns": self.columns, "--sort": self.sort, "--wide": self.wide, "--notes": self.notes}
        for name, value in asked.items():
            if value:
                raise UsageError(f"{name} applies to a suite's table; with --search, only --metric does")


def suite_options(function: F) -> F:
    """--suite, the changes to a suite (--set, --add, --plugin), and --results."""
    options = (
        click.option("--suite", required=True, metavar="NAME|FILE", help="A suite's name, or its YAML file."),
        click.option(
            "--set", "sets", multiple=True, metavar="KEY=VALUE",
            help="Change a setting for all runs, for example train.steps=500 or train.d.lr=1e-3; can be repeated.",
        ),
        click.option(
            "--add", "adds", multiple=True, metavar="loss=NAME",
            help="Add a loss or a sum of them (NAME + NAME), or architecture=NAME, dataset=NAME; can be repeated.",
        ),
        plugin_option,
        results_option,
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def options_as(kind: Callable[..., T]) -> Callable[[Callable[[T], int]], Callable[..., int]]:
    """Pass the options that click has read as one object: `kind` is a dataclass with a field for each."""

    def decorated(function: Callable[[T], int]) -> Callable[..., int]:
        @wraps(function)
        def command(**values: object) -> int:
            return function(kind(**values))

        return command

    return decorated
