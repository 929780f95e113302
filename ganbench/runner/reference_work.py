"""The evaluation of a reference: samples that no run here has generated."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.engine.device_errors import Trouble
from ganbench.errors import UsageError
from ganbench.evaluation.evaluator import Source, TooFewSamples
from ganbench.evaluation.made_elsewhere import read_samples
from ganbench.evaluation.references import reference_samples
from ganbench.evaluation.splits import Splits
from ganbench.registry.contracts import Dataset
from ganbench.registry.registry import Registry
from ganbench.results import provenance
from ganbench.results.records import ReferenceRecord
from ganbench.runner.cell_work import raised
from ganbench.runner.jobs import ReferenceJob
from ganbench.runner.run_record import device_name, write_pictures, write_traceback
from ganbench.runner.scoring import build_evaluator, check_content, pass_on
from ganbench.suite.external import samples_hash
from ganbench.suite.specs import EVALUATION_PROTOCOL, EXTERNAL, ReferenceSpec


class _Samples(NamedTuple):
    samples: Tensor
    labels: Tensor | None
    source: Source
    notes: tuple[str, ...] = ()
    with_verdict: bool = True


def reference_record(
    registry: Registry, job: ReferenceJob, device: torch.device, folder: Path, retried: Collection[Trouble] = ()
) -> ReferenceRecord:
    """Evaluate the samples of one reference, and write its pictures to `folder`.

    A metric that trouble of the machine prevents loses its scores, or ends a job that is `retried` after it.
    """
    spec = job.spec
    dataset = registry.create("dataset", spec.dataset)
    check_content(spec.dataset, dataset)
    splits = Splits(dataset)
    evaluator = build_evaluator(registry, dataset, spec.evaluation, device, splits)
    made = _from_data(spec, splits) if job.path is None else _from_files(spec, dataset, job.path)
    scores = evaluator.scores(made.samples, made.source, labels=made.labels)
    pass_on(scores.failures.values(), retried)
    scores.require_some((TooFewSamples,))
    write_traceback(folder, raised(scores))
    near = write_pictures(folder, made.samples, evaluator)
    return ReferenceRecord(
        id=spec.id,
        spec=spec,
        evaluation=scores.evaluation if made.with_verdict else replace(scores.evaluation, verdict=None),
        samples=len(made.samples),
        notes=made.notes,
        provenance=replace(
            provenance.machine(), protocol=EVALUATION_PROTOCOL, device=device_name(device),
            plugins=provenance.plugins(registry, spec.choices()),
        ),
        neighbors=near,
    )  # fmt: skip


def _from_data(spec: ReferenceSpec, splits: Splits) -> _Samples:
    samples, labels = reference_samples(spec.reference, splits, spec.evaluation.split, spec.evaluation.samples)
    # compared with the test split, the real samples are the training split itself, which no verdict suits
    trained_on = spec.reference == "real" and spec.evaluation.split == "test"
    notes = ("these are the training split",) if trained_on else ()
    return _Samples(samples, labels, Source(f"reference: {spec.reference}", None), notes, not trained_on)


def _from_files(spec: ReferenceSpec, dataset: Dataset, path: Path) -> _Samples:
    """Raises `UsageError` if the files hold no such samples, or were changed since the id was made."""
    if samples_hash(path) != spec.samples:
        raise UsageError(f"{path} changed while it was evaluated; evaluate it again")
    samples, labels, total = read_samples(path, tuple(dataset.shape), spec.evaluation.samples)
    labels = checked_labels(path, labels, dataset)
    notes = (f"{len(samples):,} of {total:,} samples, drawn at random",) if total > len(samples) else ()
    return _Samples(samples, labels, Source(EXTERNAL, None), notes)


def check_samples(path: Path, dataset: Dataset, count: int) -> None:
    """Raise `UsageError` unless files hold samples of a dataset."""
    checked_labels(path, read_samples(path, tuple(dataset.shape), count).labels, dataset)


def checked_labels(path: Path, labels: Tensor | None, dataset: Dataset) -> Tensor | None:
    """Labels of a dataset that has classes, None for another. Raises `UsageError` if there are other classes."""
    classes: int | None = getattr(dataset, "classes", None)
    if labels is None or not classes:
        return None
    if int(labels.max()) >= classes:
        raise UsageError(f"{path} holds the label {int(labels.max())}; the classes of the data are 0 to {classes - 1}")
    return labels
