"""What is done with results: published as a report, replayed, compared with other results, verified."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.api.results import Results
from ganbench.api.suites import saved_plan
from ganbench.errors import MissingError, UsageError
from ganbench.results.records import AnyRecord, Record, ReferenceRecord

if TYPE_CHECKING:
    from ganbench.analysis.reproduction import Comparison
    from ganbench.analysis.table_diff import Change
    from ganbench.registry.choice import Kind
    from ganbench.registry.registry import Registry
    from ganbench.report.publication import Publication
    from ganbench.results.verify import Finding
    from ganbench.runner.events import Observer

UNFINISHED = ("timeout", "out-of-memory", "interrupted")
"""Statuses that say something about this machine, not about the run."""
SHOWN_PLUGINS: tuple[Kind, ...] = ("loss", "architecture")
OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class PublishedReport:
    """A report that was written: its folder, what it contains, and what is wrong with the records in it.

    `badge` is the line of Markdown that shows its badge; `archive` is the ZIP file, if one was asked for.
    """

    folder: Path
    runs: int
    files: int
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    badge: str = ""
    archive: Path | None = None

    @property
    def index(self) -> Path:
        """The page to open first."""
        return self.folder / "index.html"


def publish(
    results: Results,
    folder: Path,
    on_progress: OnProgress = lambda done, total, what: None,
    compact: bool = False,
    publication: Publication | None = None,
    archive: bool = False,
) -> PublishedReport:
    """Write a report: pages, tables, plots and records, in a folder that needs nothing else.

    An earlier report there is replaced when the new one is complete. `on_progress` is called with
    how much is done, the total, and what is being done. A `compact` report leaves out the pages of single
    runs, and all pictures of runs but the samples of each variant's first seed; every record is in it, so
    that the tables, figures and pages are made from it again. `publication` is by default what the earlier report
    says; with `archive` a ZIP file of the folder is written beside it. Raises `UsageError` if the folder holds
    something else or nothing has run yet, `MissingError` if the disk refuses.
    """
    from ganbench.report.badge import badge_markdown
    from ganbench.report.html import Content, Site
    from ganbench.report.plots.suite_plots import drawable, suite_plots
    from ganbench.report.publish import check_target
    from ganbench.report.publish import publish as write_report
    from ganbench.results.archive import archive_of, check_archive, write_archive
    from ganbench.results.literature import all_rows
    from ganbench.results.verify import WRONG, check

    check_target(folder)
    if archive:
        check_archive(archive_of(folder))
    added = kept_publication(results, folder) if publication is None else publication
    registry = results.registry
    on_progress(0, 1, "reading results")
    content = Content(results.plan, results.store, results.published, compact, all_rows(registry))
    if not content.records:
        raise UsageError(f"no run of suite {results.suite!r} has ended in {results.folder}; run the suite first")
    figures = suite_plots(results.plan, content.tables, content.store, content.datasets)
    plots, notes = drawable(figures, on_progress)
    files = write_report(Site(content, registry, plots=plots, publication=added), folder, on_progress)
    lacking = _lacking(registry, content.records)
    if lacking:
        notes.append(f"{', '.join(lacking)}: not installed; --plugin FILE.py shows its source and citation")
    wrong = tuple(finding for finding in check(folder, results.store.at(folder)).findings if finding.kind in WRONG)
    line = badge_markdown(content.plan.suite, content.records)
    packed = write_archive(folder) if archive else None
    return PublishedReport(folder, len(content.records), files, tuple(notes), wrong, line, packed)


def kept_publication(results: Results, folder: Path) -> Publication:
    """What the earlier report in a folder says of itself, or else the report that the results are.

    Raises `ResultsError` if that is damaged or newer.
    """
    from ganbench.report.publication import read

    return read(folder) or read(results.folder)


def _lacking(registry: Registry, records: list[Record]) -> list[str]:
    """Losses and architectures of the runs whose code is not installed."""
    named = {(kind, choice.name) for record in records for kind, choice in record.spec.choices()}
    return sorted(
        f"{kind} {name!r}" for kind, name in named if kind in SHOWN_PLUGINS and registry.problem_with(kind, name)
    )


@dataclass(frozen=True)
class Replay:
    """A run that was trained again from its record, and how the two compare."""

    record: AnyRecord
    again: AnyRecord
    comparison: Comparison

    @property
    def same(self) -> bool:
        """Whether the two are bit-identical or within tolerance."""
        return self.comparison.same


@dataclass(frozen=True)
class ReplaySettings:
    """How a run is trained again.

    `device` and `timeout` are by default the record's. With `anyway` it is trained also if its id
    would be another, with changed plugin code for example. Without `progress` nothing is printed.
    """

    plugins: tuple[Path, ...] = ()
    weights: Path | None = None
    device: str | None = None
    timeout: float | None = None
    anyway: bool = False
    progress: bool = False
    on_event: Observer | None = None


def replay(run: str | Record | ReferenceRecord, folder: Path, settings: ReplaySettings) -> Replay:
    """Train a run of a results folder again in a temporary folder, and compare. Nothing is written to the results.

    Raises `UsageError` if the run cannot be set up as it was, `MissingError` if this machine lacks
    what it needs or cannot train it to its end.
    """
    from ganbench.analysis import reproduction
    from ganbench.engine import devices
    from ganbench.registry.registry import Registry
    from ganbench.results.store import Store
    from ganbench.runner import rebuild
    from ganbench.runner import replay as runner
    from ganbench.suite.specs import RunSpec

    store = Store.existing(folder)
    record, place = store.only(run if isinstance(run, str) else run.id, references=True)
    if not settings.anyway:
        rebuild.check_repeatable(record)
    registry = Registry.load(settings.plugins)
    spec = rebuild.rebuilt(record, registry, settings.weights)
    changed = rebuild.differences(record, spec)
    _check_same(record, spec.id, changed, settings)
    if isinstance(spec, RunSpec):
        spec = runner.with_recorded_path(spec, record)
    device = devices.resolve_one(settings.device or runner.recorded_device(record))
    timeout = settings.timeout or runner.recorded_timeout(record)
    replaying = runner.ReplaySettings(registry, device, timeout, _observer(settings))
    with tempfile.TemporaryDirectory(prefix="ganbench-replay-") as root:
        again, again_place = runner.train_again(spec, replaying, Path(root))
        if again.status in UNFINISHED and again.status != record.status:
            raise MissingError(f"run {record.id} was not trained to its end here: {again.reason}")
        siblings = runner.siblings(store, record)
        found = reproduction.compare(record, place, again, again_place, siblings, tuple(changed))
    return Replay(record, again, found)


def _check_same(record: AnyRecord, id_: str, changed: list[str], settings: ReplaySettings) -> None:
    """Raise `UsageError` if the run would have another id, unless that is wanted; then the changes are reported."""
    if changed and not settings.anyway:
        raise UsageError(
            f"run {record.id} cannot be set up as it was, its id would be {id_}:\n"
            + "".join(f"  {text}\n" for text in changed)
            + "train it all the same with --anyway"
        )
    for text in changed if settings.progress else ():
        print(text, file=sys.stderr)


def _observer(settings: ReplaySettings) -> Observer:
    """Who sees the events of the replay."""
    from ganbench.runner.events import broadcast
    from ganbench.runner.progress import progress_display

    shown = [progress_display()] if settings.progress else []
    return broadcast(*shown, *([settings.on_event] if settings.on_event else []))


def drop(folder: Path, suite: str, what: str) -> int:
    """Take `loss=NAME` (or an architecture, dataset, external row) out of a plan, write its tables; the number of rows.

    Raises `UsageError` if nothing of that name was added to the suite, or if the folder is a published report;
    `MissingError` if another run writes there.
    """
    from ganbench.results.manifest import NAME
    from ganbench.results.store import Store
    from ganbench.suite.plan_file import save_plan
    from ganbench.suite.plan_union import dropped

    kind, equals, name = (part.strip() for part in what.partition("="))
    if not equals or not name:
        raise UsageError(f"{what!r}: write loss=NAME, architecture=NAME, dataset=NAME or external=LABEL")
    store = Store.existing(folder)
    if (folder / NAME).exists():
        raise UsageError(f"{folder} is a published report; drop from the results that it was made of, and publish them")
    with store.writing():
        plan = saved_plan(folder, suite)
        left = dropped(plan, kind, name)
        save_plan(folder, left)
        Results(left, store).save_tables()
    before, after = (
        len(one.rows) + len(one.earlier) + len({(ref.dataset, ref.reference) for ref in one.references if ref.external})
        for one in (plan, left)
    )
    return before - after


@dataclass(frozen=True)
class Diff:
    """What changed from results A to results B, worst first."""

    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether the results are the same; a difference of the environment alone does not count."""
        return all(change.kind == "environment" for change in self.changes)


def diff(a: Results, b: Results) -> Diff:
    """Compare the results of two folders: conclusions, replaying, runs, protocols, settings, code and environment."""
    from ganbench.analysis.diff import Side, changes

    sides = [Side(one.plan, one.score_tables, {record.id: record for record in one.records}) for one in (a, b)]
    return Diff(tuple(changes(*sides)))
