"""Samples that were made elsewhere, measured as a suite measures its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ganbench.api.checking import fetch_data
from ganbench.api.results import Results
from ganbench.api.running import Preparation, RunSettings, Training
from ganbench.api.suites import SuiteRequest
from ganbench.errors import UsageError
from ganbench.results.manifest import NAME as MANIFEST
from ganbench.suite.external import named, rows
from ganbench.suite.labels import LABEL_FORM, may_be_label
from ganbench.suite.plan_file import references_to_save
from ganbench.suite.plan_union import with_samples
from ganbench.suite.specs import Cell, Plan, PlannedReference


@dataclass(frozen=True)
class Measured:
    """Samples that were measured: the results with their row, its dataset, and why some could not be measured."""

    results: Results
    dataset: str
    failures: tuple[str, ...]


def evaluate(
    request: SuiteRequest, samples: Sequence[Path], label: str, dataset: str | None, settings: RunSettings
) -> Measured:
    """Measure samples under the protocol of a suite, and add them to its tables as the row `label`.

    `samples` are files or folders of images; several count as seeds. The suite need not have run. `dataset` is the
    dataset that they are samples of, which may be left out if the suite has one. A row of the same label is replaced.
    Raises `UsageError` for files that hold no such samples, `MissingError` if files or data are not there.
    """
    if not label.strip():
        raise UsageError("the label is empty; it names the row of these samples")
    if not may_be_label(label.strip()):
        raise UsageError(f"the label must be {LABEL_FORM}, got {label!r}")
    if (settings.results / MANIFEST).exists():
        raise UsageError(f"{settings.results} is a published report; evaluate in a results folder, and publish that")
    prepared = Preparation(request, settings)
    cell = _cell(prepared.whole, dataset)
    planned = tuple(rows(label.strip(), samples, cell))
    _check_readable(prepared, planned)
    references = tuple(one for one in prepared.whole.references if one.dataset == cell.dataset and one.path is None)
    asked = replace(prepared.whole, cells=(cell,), references=(*references, *planned))
    fetch_data(prepared.resolved, asked, settings.report)
    filled = prepared.resolved.contents.filled(asked)
    added = references_to_save(replace(filled, references=filled.references[len(references) :]))
    saved = with_samples(prepared.to_save(), added)
    failures = Training(replace(filled, cells=()), prepared.resolved, prepared.store, saved, settings, []).run()
    results = Results(saved, prepared.store, prepared.resolved.registry)
    results.save_tables()
    return Measured(results, cell.dataset.text, failures)


def _cell(plan: Plan, dataset: str | None) -> Cell:
    """A cell of the dataset; all cells of one dataset are evaluated in the same way. Raises `UsageError`."""
    labels = list(dict.fromkeys(cell.dataset for cell in plan.cells))
    found = named(labels, dataset, "name the dataset of these samples with --dataset", f"suite {plan.suite!r}")
    return next(cell for cell in plan.cells if cell.dataset == found)


def _check_readable(prepared: Preparation, planned: Sequence[PlannedReference]) -> None:
    """Raise `UsageError` if the files hold no samples of the dataset, before anything is measured."""
    from ganbench.runner.reference_work import check_samples

    for one in planned:
        assert one.path is not None
        if not one.path.exists():
            raise UsageError(f"there are no samples at {one.path}")
        made = prepared.resolved.registry.create("dataset", one.spec.dataset)
        check_samples(one.path, made, one.spec.evaluation.samples)
