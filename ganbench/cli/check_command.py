"""`ganbench check`: does a plugin keep its contract, and which path does it take?"""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.errors import UsageError
from ganbench.formatting import counted

if TYPE_CHECKING:
    from ganbench.conformance.findings import Finding, Report

WIDTH = 118


@click.command("check")
@click.argument("what", nargs=-1, metavar="[FILE|NAME]...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Text or JSON.")
def command(what: tuple[str, ...], form: str) -> int:
    """Check plugins against their contract.

    FILE is a plugin file, whose plugins are all checked, or a suite's YAML file. NAME is an installed plugin, such as
    `hinge` or `loss:hinge`. Without either, everything that is installed is checked. Each fault is printed with its
    rule, what was seen and how to fix it; each loss, transform and architecture with the path that a training takes.

    Exit code: 0 no fault, 2 a fault.
    """
    reports = _reports(what)
    if form == "json":
        found = list(reports)
        click.echo(json.dumps([_plain(report) for report in found], indent=1))
    else:
        found = []
        for report in reports:
            found.append(report)
            click.echo("\n".join(_text(report)))
        click.echo(_summary(found))
    return 2 if any(report.faults for report in found) else 0


def _reports(what: tuple[str, ...]) -> Iterable[Report]:
    from ganbench.conformance.checker import check_installed, check_named, check_source
    from ganbench.registry.registry import Registry

    files = [word for word in what if word.endswith((".py", ".yaml", ".yml")) or Path(word).is_file()]
    for file in files:
        if not Path(file).is_file():
            raise UsageError(f"there is no file {file!r}")
    if not what:
        return check_installed(Registry.load(), with_paths=True)
    names = [word for word in what if word not in files]
    return [
        *(report for file in files for report in check_source(Path(file), with_paths=True)),
        *(check_named(names, Registry.load(), with_paths=True) if names else ()),
    ]


def _text(report: Report) -> Iterator[str]:
    faults, slow = len(report.faults), any(finding.level == "slow" for finding in report.findings)
    state = counted(faults, "fault") if faults else "not run" if report.unchecked else "ok"
    yield f"{report.title}: {state}{', slow' if slow and not faults else ''}"
    if report.unchecked:
        yield from _wrapped(report.unchecked, "  not run: ")
    for path in report.paths:
        yield from _wrapped(f"{path.kind}{_lanes(path.lanes)}, {path.reason}", f"  {path.where}: ")
    for finding in report.findings:
        yield from _finding(finding)


def _lanes(lanes: int) -> str:
    return "" if lanes == 1 else f" ({lanes} seeds at a time)"


def _finding(finding: Finding) -> Iterator[str]:
    yield from _wrapped(finding.seen, f"  {finding.level} [{finding.rule}] ")
    if finding.fix:
        yield from _wrapped(finding.fix, "    -> ")


def _wrapped(text: str, start: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent="       ", break_on_hyphens=False)


def _summary(reports: list[Report]) -> str:
    bad = sum(bool(report.faults) for report in reports)
    skipped = sum(bool(report.unchecked) for report in reports)
    count = counted(len(reports), "plugin")
    return f"{count}, {bad} with faults{f', {skipped} not run' if skipped else ''}"


def _plain(report: Report) -> dict[str, object]:
    return {
        "source": report.source,
        "kind": report.kind,
        "name": report.name,
        "ok": not report.faults,
        "not_run": report.unchecked,
        "paths": [dataclasses.asdict(path) for path in report.paths],
        "findings": [dataclasses.asdict(finding) for finding in report.findings],
    }
