"""`ganbench status`: the progress of suites, in one results folder or over those of several machines."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from ganbench.analysis.campaign import DONE, FolderStatus, SuiteStatus, folder_status, suite_statuses
from ganbench.cli.options import results_option
from ganbench.errors import UsageError, printable
from ganbench.formatting import counted, duration
from ganbench.results.store import Store


@click.command("status")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="FOLDER...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@results_option
def command(folders: tuple[Path, ...], form: str, results: Path) -> int:
    """Show every suite's progress: runs done, running, not evaluated, failed, interrupted, missing; what runs where.

    FOLDERs are the results folders of the machines that share a suite in shards; without
    one, the folder of --results is read. A run counts once, in the best state that it has in any of them.
    A folder whose `ganbench run` was killed is reported; run the same command there again to continue.

    Exit code: 0 all runs are done, 1 some are not, 2 wrong usage, 4 a record is damaged or newer.
    """
    stores = [Store.existing(one) for one in folders or (results,)]
    suites, places = suite_statuses(stores), [folder_status(one) for one in stores]
    if not suites:
        raise UsageError(f"no suite has run in {', '.join(str(one.root) for one in stores)}")
    if form == "json":
        found = {"suites": [asdict(one) for one in suites], "folders": [asdict(one) for one in places]}
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        for line in (*map(_suite_line, suites), *map(_folder_line, places)):
            click.echo(printable(line))
    return 0 if all(one.complete for one in suites) else 1


def _suite_line(one: SuiteStatus) -> str:
    states = [
        f"{count:,} {state}" + (f" ({one.diverged:,} diverged)" if state == DONE and one.diverged else "")
        for state, count in one.states.items()
    ]
    return f"suite {one.suite}: {counted(one.total, 'run')}: {', '.join(states)}"


def _folder_line(one: FolderStatus) -> str:
    if one.state == "idle":
        return f"{one.folder}: nothing runs"
    jobs = f"{one.done} of {counted(one.jobs, 'job')} done"
    if one.state == "dead":
        killed = f"suite {one.suite} was killed after {one.updated}, {jobs}"
        return f"{one.folder}: {killed}; run the same command again to continue"
    left = "" if one.eta is None else f", about {duration(one.eta)} left"
    return f"{one.folder}: suite {one.suite} is {one.state} since {one.started}, {jobs}{left}"
