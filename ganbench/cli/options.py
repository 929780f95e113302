"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypeVar

import click

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
