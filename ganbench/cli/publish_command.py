"""`ganbench publish`: a suite's report as a folder of pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from ganbench.api.actions import kept_publication, publish
from ganbench.api.results import open_results
from ganbench.cli.options import options_as, plugin_option, results_option
from ganbench.cli.progress_bar import progress_bar
from ganbench.errors import UsageError, printable
from ganbench.report.badge import NAME as BADGE
from ganbench.report.publication import MOST_NOTES, TOO_LONG, authors_of


@dataclass(frozen=True)
class PublishOptions:
    """The options of the command, as click reads them."""

    suite: str
    place: Path
    compact: bool
    title: str | None
    authors: str | None
    date: str | None
    notes: Path | None
    archive: bool
    plugins: tuple[Path, ...]
    results: Path

    @property
    def names(self) -> tuple[str, ...] | None:
        """The authors, None if they are not given."""
        return None if self.authors is None else authors_of(self.authors)

    @property
    def notes_text(self) -> str | None:
        """The content of the notes' file, None if none is given. Raises `UsageError` if it cannot be read as text."""
        if self.notes is None:
            return None
        if self.notes == Path():  # what click makes of an empty text
            return ""
        try:
            with self.notes.open("rb") as file:
                found = file.read(MOST_NOTES + 1)
            if len(found) > MOST_NOTES:
                raise UsageError(TOO_LONG)
            return found.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError(f"--notes {str(self.notes)!r} is not UTF-8 text; save it as UTF-8") from error
        except OSError as error:
            raise UsageError(f"--notes {str(self.notes)!r} cannot be read: {error.strerror or error}") from error


@click.command("publish")
@click.option("--suite", required=True, metavar="NAME|FILE", help="A suite that has run in this results folder.")
@click.option(
    "--to",
    "place",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of the report; an earlier report there is replaced when the new one is complete.",
)
@click.option(
    "--compact",
    is_flag=True,
    help="Leave out the pages of single runs, and the pictures of all but each variant's first seed.",
)
@click.option("--title", metavar="TEXT", help="A title, shown on the first page.")
@click.option("--authors", metavar="TEXT", help="The authors, separated by semicolons or commas.")
@click.option("--date", metavar="YYYY-MM-DD", help="The date that is shown; by default the day of the last run.")
@click.option(
    "--notes",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.md",
    help="A text in Markdown, shown on a page of its own.",
)
@click.option("--zip", "archive", is_flag=True, help="Also write the folder as a ZIP file beside it.")
@plugin_option
@results_option
@options_as(PublishOptions)
def command(options: PublishOptions) -> int:
    """Write a suite's report: pages, tables, plots and records, in a folder that needs nothing else.

    Put it on any static host, mail it, commit it, or open its index.html. Nothing is uploaded.
    `--plugin` shows the code of a local plugin and adds its published values. Title, authors, date
    and notes stay when the report is published again without these options; an empty text removes
    one. The last line printed is the Markdown of its badge.

    Exit code: 0 the report is written, 1 it is written but a record in it is not what its run left, 2 wrong usage.
    """
    found = open_results(options.results, options.suite, options.plugins)
    added = kept_publication(found, options.place).changed(
        options.title, options.names, options.date, options.notes_text
    )
    with progress_bar() as on_progress:
        report = publish(found, options.place, on_progress, options.compact, added, options.archive)
    for note in report.notes:
        click.echo(printable(f"note: {note}"), err=True)
    what = f"the report of {found.suite}, {report.runs} runs, {report.files} files and the manifest"
    click.echo(f"{report.index}: {what}")
    if report.archive is not None:
        click.echo(f"{report.archive}: the same in one file")
    click.echo(f"{report.folder / BADGE}: {report.badge}")
    for finding in report.findings:
        click.echo(printable(f"warning: {finding.path} {finding.text}"), err=True)
    return 1 if report.findings else 0
