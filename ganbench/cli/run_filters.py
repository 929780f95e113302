"""The options that choose runs of a results folder: by suite, status, loss, architecture and dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import click

from ganbench.analysis.run_list import RUN_STATUSES, RunFilter

F = TypeVar("F", bound=Callable[..., object])


def run_filter_options(function: F) -> F:
    """--suite, --status, --loss, --architecture and --dataset, each of which can be repeated."""
    kinds = {"loss": "losses", "architecture": "architectures", "dataset": "datasets"}
    options = [
        click.option(
            "--suite", "suites", multiple=True, metavar="NAME",
            help="Only runs of this suite, or trained for it and no longer in a plan; can be repeated.",
        ),
        click.option(
            "--status", "statuses", multiple=True, type=click.Choice(RUN_STATUSES),
            help="Only runs with this status; can be repeated.",
        ),
        *(
            click.option(
                f"--{kind}", names, multiple=True, metavar="NAME",
                help=f"Only runs with this {kind}, by its label or its plugin; can be repeated.",
            )
            for kind, names in kinds.items()
        ),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True)
class FilterOptions:
    """The options of `run_filter_options`, as click reads them."""

    suites: tuple[str, ...]
    statuses: tuple[str, ...]
    losses: tuple[str, ...]
    architectures: tuple[str, ...]
    datasets: tuple[str, ...]

    @property
    def filter(self) -> RunFilter:
        """The runs that are asked for."""
        return RunFilter(self.suites, self.statuses, self.losses, self.architectures, self.datasets)
