"""Checks the data of every job before the first one starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ganbench.errors import GanbenchError, MissingError
from ganbench.evaluation.data_contract import CheckedData, check_data, too_few
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import feature_count
from ganbench.registry.registry import Registry
from ganbench.runner.jobs import Job, ReferenceJob
from ganbench.runner.reference_work import check_samples
from ganbench.suite.specs import ReferenceSpec, RunSpec


class DataCheck:
    """The problems of the datasets of some jobs; each dataset is loaded once, and `report` gets lines of notes."""

    def __init__(self, registry: Registry, report: Callable[[str], None]) -> None:
        self.registry, self.report = registry, report
        self.problems: list[tuple[str, str]] = []
        """Each problem with the label of its dataset."""
        self.missing: list[str] = []
        self._checked: dict[str, CheckedData | None] = {}

    def __call__(self, jobs: Iterable[Job]) -> list[tuple[str, str]]:
        """Every problem once, with the label of its dataset. Raises `MissingError` if only files are missing."""
        for job in jobs:
            checked = self._check(job.dataset, job.spec.dataset)
            if checked is not None and not checked.problems:
                self._check_subset(checked, job.spec.dataset)
                self._check_counts(checked, job.spec)
                self._check_samples(job)
        if self.missing and not self.problems:
            raise MissingError("\n".join(self.missing))
        return list(dict.fromkeys(self.problems))

    def _check(self, label: str, choice: Choice) -> CheckedData | None:
        """What one dataset loads, or None if it is missing."""
        if label not in self._checked:
            self._checked[label] = None
            try:
                checked = check_data(label, self.registry.create("dataset", choice))
            except MissingError as error:
                self.missing.append(str(error))
            except GanbenchError as error:
                self.problems.append((label, str(error)))
            else:
                self._checked[label] = checked
                self.problems += [(label, text) for text in checked.problems]
                for note in checked.notes:
                    self.report(note)
        return self._checked[label]

    def _check_samples(self, job: Job) -> None:
        """Samples made elsewhere must be samples of the dataset."""
        if isinstance(job, ReferenceJob) and job.path is not None:
            try:
                check_samples(job.path, self.registry.create("dataset", job.spec.dataset), job.spec.evaluation.samples)
            except GanbenchError as error:
                self.problems.append(("", f"samples {job.title!r}: {error}"))

    def _check_subset(self, checked: CheckedData, choice: Choice) -> None:
        subset, have = self.registry.subset(choice), checked.counts["train"]
        if subset > have:
            text = f"dataset {checked.name!r}: subset is {subset:,}, but there are {have:,} training samples"
            self.problems.append((checked.name, text))

    def _check_counts(self, checked: CheckedData, spec: RunSpec | ReferenceSpec) -> None:
        extractor = self.registry.create("extractor", spec.evaluation.extractor)
        dims = feature_count(extractor, self.registry.create("dataset", spec.dataset))
        metrics = {choice.name: self.registry.create("metric", choice) for choice in spec.evaluation.metrics}
        lacking = too_few(checked, spec.evaluation, dims, metrics)
        if lacking:
            self.problems.append((checked.name, lacking))
