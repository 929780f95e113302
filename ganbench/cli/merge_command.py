"""`ganbench merge`: join the results folders of several machines."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.api.results import open_results
from ganbench.errors import UsageError
from ganbench.formatting import counted
from ganbench.results.merging import merge
from ganbench.results.store import Store


@click.command("merge")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER...")
@click.option(
    "--to", "target", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="RESULTS",
    help="The results folder to merge into; the runs that it already has stay.",
)  # fmt: skip
def command(folders: tuple[Path, ...], target: Path) -> int:
    """Join results folders: runs, their scores, references, and the plans of suites; then write the tables.

    Nothing is trained. A run that is in two folders with the same result is taken once; a run that
    failed gives way to one that did not. The same call again changes nothing, and finishes a merge
    that was killed. Folders in which a suite is still running can be merged, and merged again later.

    Exit code: 0 merged, 2 wrong usage, or two folders disagree about a run, 3 the disk
    refuses, 4 a file is damaged, newer, or a link. With 2 and 4 nothing was written.
    """
    for one in folders:
        if one.resolve() == target.resolve():
            raise UsageError(f"--to {target} is one of the folders to merge; leave it out, its runs stay")
    sources = [Store.existing(one) for one in folders]
    found = merge(sources, Store.to_write(target))
    replaced = f", {found.replaced:,} replaced that had failed" if found.replaced else ""
    scores = f", {counted(found.scores, 'evaluation')} of known runs added" if found.scores else ""
    click.echo(f"{target}: {found.added:,} runs and references added{replaced}{scores}, "
               f"{found.known:,} there before")  # fmt: skip
    for suite in found.suites:
        results = open_results(target, suite)
        results.save_tables()
        ended, asked = len(results.records), len(results.ids)
        click.echo(f"suite {suite}: {ended:,} of {counted(asked, 'run')} ended; tables: {target / suite}/table.md")
    return 0
