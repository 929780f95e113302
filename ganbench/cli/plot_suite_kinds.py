"""`ganbench plot` of a whole suite: profile, improvement, tiers, lottery, and every figure at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.options import options_as, results_option
from ganbench.cli.plot_options import (
    LOOKS,
    TO,
    VARIANT,
    Command,
    FileOptions,
    LookOptions,
    Option,
    SuiteOptions,
    all_tables,
    option,
    plot_options,
    read_results,
    suite_option,
    write,
)
from ganbench.errors import UsageError, printable

if TYPE_CHECKING:
    from ganbench.report.plots.every_plot import NamedFigure
    from ganbench.report.plots.style import PaperFigure

FORMS = ("pdf", "svg", "png", "pgf")


@dataclass(frozen=True)
class OverallOptions(FileOptions):
    """The options of the figures over all datasets."""

    suite: str


@dataclass(frozen=True)
class AllOptions(LookOptions):
    """The options of `all`."""

    suite: str
    to: Path
    form: str
    results: Path


def _overall_options(function: Command) -> Command:
    options: tuple[Option, ...] = (suite_option(), TO, *LOOKS, VARIANT, results_option)
    for one in reversed(options):
        function = one(function)
    return function


@click.command("profile")
@_overall_options
@options_as(OverallOptions)
def profile_command(options: OverallOptions) -> int:
    """Performance profiles over all datasets: the share of seeds above each level, with 95 % bands.

    Scores lie between uniform noise (0) and real data (1). The higher curve is better at that level (Agarwal et al.
    2021). At most seven variants are drawn, the best ones by their interquartile means.
    """
    return write(options, partial(_profile, options))


def _profile(options: OverallOptions, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.profile import profile_info
    from ganbench.report.plots.profile import plot_profile

    return plot_profile(profile_info(all_tables(*read_results(options.results, options.suite)), options.variants))


@click.command("improvement")
@_overall_options
@options_as(OverallOptions)
def improvement_command(options: OverallOptions) -> int:
    """The probability that a seed of one variant is better than one of another, over all datasets, by pairs.

    With 95 % bootstrap intervals (Agarwal et al. 2021). A suite with a reference compares each variant with it. Of
    more than eight variants without one, the best is compared with each other one.
    """
    return write(options, partial(_improvement, options))


def _improvement(options: OverallOptions, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.improvement import improvement_info
    from ganbench.report.plots.improvement import plot_improvement

    tables = all_tables(*read_results(options.results, options.suite))
    return plot_improvement(improvement_info(tables, options.variants))


@click.command("tiers")
@_overall_options
@options_as(OverallOptions)
def tiers_command(options: OverallOptions) -> int:
    """A matrix of variants and datasets: primary scores and tiers; colors mark what is better or worse."""
    return write(options, partial(_tiers, options))


def _tiers(options: OverallOptions, wide: float) -> PaperFigure:
    from ganbench.analysis.figure_data.tiers import tiers_info
    from ganbench.report.plots.tiers import plot_tiers

    return plot_tiers(tiers_info(all_tables(*read_results(options.results, options.suite)), options.variants))


@click.command("lottery")
@plot_options()
@options_as(SuiteOptions)
def lottery_command(options: SuiteOptions) -> int:
    """How often so many seeds name the wrong winner, of pairs of variants that all seeds tell apart."""
    return write(options, partial(_lottery, options))


def _lottery(options: SuiteOptions, wide: float) -> PaperFigure:
    from ganbench.api.results import open_results
    from ganbench.report.plots.lottery import plot_lottery

    if options.variants:
        raise UsageError("the lottery is of all variants of a suite; leave out --variant")
    return plot_lottery(open_results(options.results, options.suite).lottery(options.dataset))


@click.command("all")
@suite_option()
@option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="The folder to write to; it is created, and figures that are there are replaced.",
)
@option("--format", "form", type=click.Choice(FORMS), default="pdf", show_default=True, help="The format of figures.")
@LOOKS[0]
@LOOKS[1]
@LOOKS[2]
@LOOKS[3]
@results_option
@options_as(AllOptions)
def all_command(options: AllOptions) -> int:
    """Every figure of every kind that the suite's records allow, each in a file of its own.

    Prints the files. What cannot be drawn is named on stderr with the reason.
    """
    from ganbench.files import write_atomically
    from ganbench.report.plots.style import inches

    wide, look = inches(options.width), options.appearance
    found = _figures(options, wide)
    _make_folder(options.to)
    drawn = 0
    for one in found:
        try:
            figure = one.make()
            content = figure.rendered(options.form, wide, look)
        except UsageError as error:
            click.echo(printable(f"note: {one.name} is left out: {error}"), err=True)
            continue
        path = options.to / f"{one.name}.{options.form}"
        write_atomically(path, content)
        click.echo(path)
        drawn += 1
        for note in figure.notes:
            click.echo(printable(f"note: {one.name}: {note}"), err=True)
    if not drawn:
        raise UsageError(f"there is nothing to draw: no run of suite {options.suite} has finished")
    for note in look.notes:
        click.echo(printable(f"note: {note}"), err=True)
    return 0


def _figures(options: AllOptions, wide: float) -> list[NamedFigure]:
    from ganbench.api.results import open_results
    from ganbench.report.html.content import slugs
    from ganbench.report.plots.every_plot import every_plot

    results = open_results(options.results, options.suite)
    tables = results.score_tables
    names = slugs(table.dataset for table in tables)
    return every_plot(results.plan, tables, results.store, names, results.lottery, wide)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--to {str(folder)!r}: {error.strerror or error}") from None
