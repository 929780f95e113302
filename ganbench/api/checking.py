"""What must hold before anything trains: the data are there, and they keep their contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ganbench.api.suites import ResolvedSuite
from ganbench.errors import ContractError
from ganbench.suite.expand import places_of
from ganbench.suite.specs import Plan
from ganbench.suite.yaml import Problems

if TYPE_CHECKING:
    from ganbench.runner.jobs import Job


def fetch_data(resolved: ResolvedSuite, plan: Plan, report: Callable[[str], None]) -> None:
    """Let datasets fetch missing files, so that the content of each is known.

    Raises `MissingError` with all that are still missing. If one cannot be loaded, raises `ContractError` with the
    problems of all datasets.
    """
    from ganbench.runner.jobs import CellJob

    try:
        resolved.contents.fetch(plan)
    except ContractError:
        check_data(resolved, [CellJob(plan.suite, cell) for cell in plan.cells], report)
        raise


def check_data(resolved: ResolvedSuite, jobs: Sequence[Job], report: Callable[[str], None]) -> None:
    """Raise `ContractError` with all problems of the jobs' datasets, each where the suite names the dataset."""
    from ganbench.runner.data_check import DataCheck

    places = places_of(resolved.suite, "dataset")
    problems = Problems(resolved.suite.problems.file)
    for label, text in DataCheck(resolved.registry, report)(jobs):
        problems.add(places.get(label), text)
    if problems.found:
        raise ContractError(problems.text)
