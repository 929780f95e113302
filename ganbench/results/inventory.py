"""Which suites of a results folder refer to which runs and references: those of their plans and their searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ganbench.errors import ResultsError
from ganbench.results.store import Store
from ganbench.suite.labels import Label
from ganbench.suite.plan_file import PlanRow, SavedPlan, load_plan
from ganbench.suite.search import SavedSearch, load_search


@dataclass(frozen=True)
class Use:
    """A place in a suite where a run stands: its labels (loss, architecture, dataset), its seed, and how it is scored.

    `evaluation` is the id of the evaluation whose scores count, None if the run has only one. `primary` is the score
    that the suite tests on this dataset, None for the dataset's first. `earlier` says that the suite's settings, data
    or evaluation have changed since, so that the run is no longer in its table.
    """

    suite: str
    labels: tuple[Label, Label, Label]
    seed: int
    evaluation: str | None
    primary: str | None = None
    earlier: bool = False


@dataclass(frozen=True)
class Inventory:
    """The uses of every run that a suite refers to, in the suites' order, and the ids of all references."""

    suites: tuple[str, ...]
    runs: Mapping[str, tuple[Use, ...]]
    references: frozenset[str]


def take_inventory(store: Store) -> Inventory:
    """Read all plans and searches of a results folder. Raises `ResultsError` if one is damaged or newer."""
    runs: dict[str, tuple[Use, ...]] = {}
    references: set[str] = set()
    suites = store.suites()
    for suite in suites:
        plan = load_plan(store.root, suite)
        if plan is None:
            raise ResultsError(f"{store.root / suite / 'plan.json'} was removed while it was read; try again")
        for id_, use in _of_plan(plan):
            runs[id_] = (*runs.get(id_, ()), use)
        references.update(one.id for one in plan.references)
    for name in sorted(path.parent.name for path in store.root.glob("*/draws.json")):
        search = load_search(store.root, name)
        for id_, use in _of_search(search) if search else ():
            if all(one.suite != name for one in runs.get(id_, ())):
                runs[id_] = (*runs.get(id_, ()), use)
        references.update(one.id for one in (search.references if search else ()))
    return Inventory(tuple(suites), runs, frozenset(references))


def _of_plan(plan: SavedPlan) -> Iterator[tuple[str, Use]]:
    for rows, earlier in ((plan.rows, False), (plan.earlier, True)):
        for row in rows:
            for seed, id_ in row.runs.items():
                yield id_, _use(plan, row, seed, earlier)


def _use(plan: SavedPlan, row: PlanRow, seed: int, earlier: bool) -> Use:
    primary = plan.family.primary.get(row.dataset.text)
    return Use(plan.suite, row.labels, seed, row.evaluation, primary, earlier)


def _of_search(search: SavedSearch) -> Iterator[tuple[str, Use]]:
    for row in search.variants:
        for draw in row.draws:
            for seed, id_ in draw.runs.items():
                yield id_, Use(search.suite, row.labels, seed, draw.evaluation)
