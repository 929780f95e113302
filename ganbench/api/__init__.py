"""ganbench in Python: train suites, read results, compare, publish, replay.

Every function raises a `ganbench.errors.GanbenchError` whose text says what is wrong and what to
do. Nothing is printed unless `progress=True`. torch is imported only when something trains.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ganbench.api.actions import Diff, PublishedReport, Replay, ReplaySettings, kept_publication
from ganbench.api.actions import diff as _diff
from ganbench.api.actions import publish as _publish
from ganbench.api.actions import replay as _replay
from ganbench.api.external import evaluate as _evaluate
from ganbench.api.extractors import ExtractorSettings, StoredExtractor
from ganbench.api.extractors import train_extractor as _train_extractor
from ganbench.api.plugins import Plugin, plugin_files
from ganbench.api.results import Results
from ganbench.api.results import open_results as _open_results
from ganbench.api.running import Preparation, RunSettings
from ganbench.api.sampling import SampleSettings, WrittenSamples
from ganbench.api.sampling import sample as _sample
from ganbench.api.suites import SuiteRequest
from ganbench.api.views import QuotableComparison, RunsView, ScoreTable
from ganbench.errors import ContractError, UsageError
from ganbench.results.records import Record, ReferenceRecord
from ganbench.results.verify import Report
from ganbench.results.verify import check as _check

if TYPE_CHECKING:
    from os import PathLike

    from ganbench.api.extractors import OnProgress
    from ganbench.runner.events import Observer

    File: TypeAlias = str | PathLike[str]

__all__ = [
    "Diff",
    "Plugin",
    "Preparation",
    "PublishedReport",
    "QuotableComparison",
    "Replay",
    "Results",
    "RunsView",
    "ScoreTable",
    "StoredExtractor",
    "WrittenSamples",
    "diff",
    "evaluate",
    "open_results",
    "plan",
    "publish",
    "replay",
    "run",
    "sample",
    "train_extractor",
    "verify",
]

Names: TypeAlias = Mapping[str, object]
"""Names by kind, such as `{"loss": "minimax"}` or `{"loss": ["minimax", "wgan-gp"]}`."""


def run(
    suite: File,
    *,
    results: File = "results",
    set: Mapping[str, object] | None = None,
    add: Names | None = None,
    filter: Names | None = None,
    seeds: Sequence[int] | str | None = None,
    plugins: Iterable[Plugin] = (),
    weights: File | None = None,
    executor: str = "local",
    device: str = "auto",
    jobs: int | str = "auto",
    timeout: float | None = None,
    retries: int = 0,
    retry_errors: bool = False,
    checkpoint_interval: float = 60.0,
    trackers: Iterable[str] = (),
    force: bool = False,
    progress: bool = False,
    on_event: Observer | None = None,
) -> Results:
    """Train every combination of a suite that is not trained yet, write its tables, and return its results.

    `suite` is a name or a YAML file. `set` changes settings everywhere (`{"train.steps": 500}`),
    `add` adds variants (`{"loss": "hinge"}`), `filter` and `seeds` choose which runs are trained and
    returned. `plugins` are files, modules or classes. `timeout` is in seconds and for one try of a
    cell; one whose worker died, or that the machine failed, is tried again `retries` times, with `retry_errors` also
    after an error of a plugin.
    `on_event` is called with every event of the run (see `ganbench.runner.events`), in this process;
    what it raises ends the run as an interrupt does, so that it can be continued.

    Failed runs raise nothing: they are results, and `Results.complete` says whether there are any.
    Raises `UsageError` for an invalid suite or argument, `MissingError` if this machine lacks something.
    """
    settings = RunSettings(
        results=Path(results), filters=_texts("filter", filter), seeds=_seeds(seeds), executor=executor, device=device,
        jobs=str(jobs), timeout=timeout, retries=retries, retry_errors=retry_errors,
        checkpoint_interval=checkpoint_interval, trackers=tuple(trackers), force=force, progress=progress,
        on_event=on_event,
    )  # fmt: skip
    return Preparation(_request(suite, set, add, plugins, weights), settings).run()


def plan(
    suite: File,
    *,
    results: File = "results",
    set: Mapping[str, object] | None = None,
    add: Names | None = None,
    filter: Names | None = None,
    seeds: Sequence[int] | str | None = None,
    plugins: Iterable[Plugin] = (),
    weights: File | None = None,
    force: bool = False,
) -> Preparation:
    """What `run` would do with the same arguments, without doing it: a dry run.

    `str()` of it is the text of `ganbench run --dry-run`; `.plan` has the combinations, `.states()`
    the number of runs by state, `.run()` trains them. Raises `UsageError` for an invalid suite or argument.
    """
    settings = RunSettings(Path(results), _texts("filter", filter), _seeds(seeds), force=force)
    return Preparation(_request(suite, set, add, plugins, weights), settings)


def open_results(results: File = "results", suite: str | None = None, plugins: Iterable[Plugin] = ()) -> Results:
    """The results of a suite that has run in a folder, or of a published report; without a name, of the only suite.

    `plugins` add published values, and source texts to a report. Raises `UsageError` if there is no
    such folder or suite, `ResultsError` if its plan is damaged.
    """
    return _open_results(Path(results), suite, plugin_files(plugins))


def publish(
    results: Results,
    folder: File,
    *,
    compact: bool = False,
    title: str | None = None,
    authors: Sequence[str] | None = None,
    date: str | None = None,
    notes: str | None = None,
    archive: bool = False,
) -> PublishedReport:
    """Write a report: pages, tables, plots and records, in a folder that needs nothing else.

    A `compact` report leaves out the pages of single runs, and all pictures of runs but the samples of each
    variant's first seed. Every record is in it, so that its tables, figures and pages can be made again.

    `title`, `authors`, `date` (`2026-11-27`, by default the day of the last run) and `notes` in Markdown are shown
    on the first page and kept: without them, those of the earlier report stay. With `archive` a ZIP file is written
    beside the folder, the same bytes for the same folder.

    An earlier report there is replaced when the new one is complete. Raises `UsageError` if the
    folder holds something else or nothing has run yet, `MissingError` if the disk refuses.
    """
    place = Path(folder)
    added = kept_publication(results, place).changed(title, authors, date, notes)
    return _publish(results, place, compact=compact, publication=added, archive=archive)


def replay(
    run: str | Record | ReferenceRecord,
    results: Results | File = "results",
    *,
    plugins: Iterable[Plugin] = (),
    weights: File | None = None,
    device: str | None = None,
    timeout: float | None = None,
    anyway: bool = False,
    progress: bool = False,
    on_event: Observer | None = None,
) -> Replay:
    """Train a run again from its record, and compare: bit-identical, within tolerance, or different.

    `run` is a record or the beginning of an id, in a results folder or a published report; nothing
    is written there. `device` and `timeout` are by default the record's. Raises `UsageError` if the
    run cannot be set up as it was (`anyway` trains it all the same), `MissingError` if this machine
    lacks something.
    """
    settings = ReplaySettings(
        plugin_files(plugins), Path(weights) if weights else None, device, timeout, anyway, progress, on_event
    )
    return _replay(run, results.folder if isinstance(results, Results) else Path(results), settings)


def sample(
    run: str | Record,
    to: File,
    *,
    results: File = "results",
    n: int | None = None,
    labels: str | None = None,
    truncation: float | None = None,
    seed: int = 0,
    plugins: Iterable[Plugin] = (),
    device: str = "auto",
) -> WrittenSamples:
    """Draw `n` samples (50,000) from the generator of a run, and write them to an `.npz` file or a folder of images.

    `labels` asks a conditional generator for classes (`0,3`, or `0:100,3:50`), `truncation` T cuts the latents off at
    -T and T, `seed` is the set of latents. Raises `UsageError` for an unknown run or labels that do not suit it,
    `MissingError` if its weights are not there.
    """
    settings = SampleSettings(n, labels, truncation, seed, plugin_files(plugins), device)
    return _sample(run if isinstance(run, str) else run.id, Path(results), Path(to), settings)


def evaluate(
    samples: File | Sequence[File],
    suite: File,
    label: str,
    *,
    dataset: str | None = None,
    results: File = "results",
    set: Mapping[str, object] | None = None,
    plugins: Iterable[Plugin] = (),
    weights: File | None = None,
    device: str = "auto",
    jobs: int | str = "auto",
    progress: bool = False,
) -> Results:
    """Measure samples made elsewhere under the protocol of a suite; the suite's results, with their row.

    `samples` are files or folders of images; several count as seeds. `dataset` may be left out if the suite has one.
    Raises `UsageError` for files that hold no such samples, `MissingError` if data are not there, and what kept
    samples from being measured.
    """
    given = [samples] if isinstance(samples, str | os.PathLike) else list(samples)
    settings = RunSettings(results=Path(results), device=device, jobs=str(jobs), progress=progress)
    request = _request(suite, set, None, plugins, weights)
    measured = _evaluate(request, [Path(one) for one in given], label, dataset, settings)
    if measured.failures:
        raise ContractError("; ".join(measured.failures))
    return measured.results


def train_extractor(
    dataset: str,
    *,
    set: Mapping[str, object] | None = None,
    name: str | None = None,
    to: File | None = None,
    accuracy: float = 0.9,
    epochs: int | None = None,
    shift: int = 0,
    seed: int = 0,
    plugins: Iterable[Plugin] = (),
    force: bool = False,
    on_progress: OnProgress | None = None,
) -> StoredExtractor:
    """Train a small classifier on a dataset of labeled images, and keep it as a feature extractor.

    `set` are hyperparameters of the dataset (`{"root": "pictures"}`). It is kept under a `name`, by default the
    dataset's with `-classifier`, or in a file `to`, if it names at least the share `accuracy` of the test split
    correctly. With `shift`, training images are moved by up to so many pixels. `on_progress` is called with the epochs
    that are done, their number, and what is being done. Raises `UsageError` for a dataset without labels or images, or
    a name that is taken, `MissingError` if its data are not there, and `ganbench.api.extractors.InaccurateError` if it
    is not accurate enough; nothing is stored then.
    """
    settings = ExtractorSettings(
        _mapping("set", set, '{"root": "pictures"}'), name, Path(to) if to else None, accuracy, epochs or 0, shift,
        seed, force, plugin_files(plugins),
    )  # fmt: skip
    return _train_extractor(dataset, settings, on_progress or (lambda *_: None))


def diff(a: Results | File, b: Results | File) -> Diff:
    """What changed from A to B, two results or the folders of two, worst first.

    A folder must hold one suite; open the results of one that holds several. Raises `UsageError` if
    there is no such folder.
    """
    return _diff(*(one if isinstance(one, Results) else open_results(one) for one in (a, b)))


def verify(folder: File) -> Report:
    """Hash every file of a published report, or its ZIP file, again; check every record against its files and its id.

    `.holds` says whether the report is as it was published, `.findings` what is not. Raises
    `UsageError` if there is no manifest, `ResultsError` if it is damaged or newer.
    """
    return _check(Path(folder))


def _request(
    suite: File,
    set: Mapping[str, object] | None,
    add: Names | None,
    plugins: Iterable[Plugin],
    weights: File | None,
) -> SuiteRequest:
    sets = tuple(f"{key}={_yaml(value)}" for key, value in _mapping("set", set, '{"train.steps": 500}').items())
    return SuiteRequest(str(suite), sets, _texts("add", add), plugin_files(plugins), Path(weights) if weights else None)


def _mapping(argument: str, value: Mapping[str, object] | None, example: str) -> Mapping[str, object]:
    """The argument, or an empty mapping for None. Raises `UsageError` for anything else."""
    if value is not None and not isinstance(value, Mapping):
        raise UsageError(f"{argument} must be a mapping such as {example}, got {value!r}")
    return value or {}


def _texts(argument: str, names: Names | None) -> tuple[str, ...]:
    """`{"loss": ["a", "b"]}` as `loss=a`, `loss=b`."""
    given = _mapping(argument, names, '{"loss": "minimax"}')
    pairs = ((kind, own if isinstance(own, list | tuple) else [own]) for kind, own in given.items())
    return tuple(f"{kind}={_yaml(name)}" for kind, own in pairs for name in own)


def _seeds(seeds: Sequence[int] | str | None) -> str | None:
    return seeds if seeds is None or isinstance(seeds, str) else ",".join(map(str, seeds))


def _yaml(value: object) -> str:
    """A value as the command line has it; a text is YAML as it is. Raises `UsageError`."""
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except TypeError as error:
        raise UsageError(f"{value!r} cannot be written in a suite; use numbers, texts, lists and mappings") from error
