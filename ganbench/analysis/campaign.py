"""How far suites are, over one or several results folders in which parts of them run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.results import live
from ganbench.results.records import FINISHED
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, load_plan
from ganbench.suite.plan_union import united

DONE, RUNNING, FAILED, INTERRUPTED, MISSING = "done", "running", "failed", "interrupted", "missing"
NOT_EVALUATED = "not evaluated"
STATES = (DONE, RUNNING, NOT_EVALUATED, FAILED, INTERRUPTED, MISSING)
"""`done`: ended well, or diverged. `not evaluated`: trained, without these scores. `failed`: will be tried again.
`interrupted`: there is a checkpoint, and nothing trains it. `missing`: nothing is there."""
_RANK = {state: rank for rank, state in enumerate(STATES)}


@dataclass(frozen=True)
class FolderStatus:
    """What happens in a results folder: `running`, `stopping`, `dead` (killed while it ran) or `idle`.

    `suite` is the one that runs, or ran when it was killed, since `started` and until `updated`; `done` of `jobs` jobs,
    and `eta` seconds to go where that is known.
    """

    folder: str
    state: str
    suite: str = ""
    started: str = ""
    updated: str = ""
    done: int = 0
    jobs: int = 0
    eta: float | None = None


@dataclass(frozen=True)
class SuiteStatus:
    """The number of a suite's runs in each state, of `total`."""

    suite: str
    total: int
    states: dict[str, int]
    diverged: int = 0

    @property
    def complete(self) -> bool:
        """Whether every run is done."""
        return self.states.get(DONE, 0) == self.total


def suite_statuses(stores: Sequence[Store]) -> list[SuiteStatus]:
    """Every suite of the folders, each run in the best state that it has anywhere. Raises `ResultsError`."""
    plans: dict[str, SavedPlan] = {}
    for store in stores:
        for suite in store.suites():
            plan = load_plan(store.root, suite)
            if plan is not None:
                plans[suite] = united(plan, plans.get(suite))
    running = {id_ for store in stores for id_ in _running(live.read(store.root))}
    return [_status(plan, stores, running) for _, plan in sorted(plans.items())]


def _status(plan: SavedPlan, stores: Sequence[Store], running: set[str]) -> SuiteStatus:
    found = {
        id_: min((_state(store, id_, row.evaluation, running) for store in stores), key=lambda one: _RANK[one[0]])
        for row in plan.rows for id_ in row.runs.values()
    }  # fmt: skip
    states = Counter(state for state, _ in found.values())
    diverged = sum(ended for _, ended in found.values())
    return SuiteStatus(plan.suite, len(found), {state: states[state] for state in STATES if states[state]}, diverged)


def _state(store: Store, id_: str, evaluation: str | None, running: set[str]) -> tuple[str, bool]:
    """The state of a run in one folder, and whether it diverged."""
    record = store.run(id_, evaluation)
    if record is not None and record.training_status in FINISHED:
        trained = record.training_failure is None
        return (DONE if record.evaluated or not trained else NOT_EVALUATED), not trained
    if id_ in running:
        return RUNNING, False
    if any((store.checkpoints / id_).glob("*.safetensors")):
        return INTERRUPTED, False
    return (MISSING if record is None else FAILED), False


def _running(state: dict[str, Any] | None) -> set[str]:
    """The runs that train at this moment."""
    if state is None or state["state"] == "stale":
        return set()
    jobs = [job for job in state.get("running", ()) if isinstance(job, dict)]
    return {str(id_) for job in jobs if isinstance(job.get("runs"), dict) for id_ in job["runs"].values()}


def folder_status(store: Store) -> FolderStatus:
    """What happens in a folder now."""
    state = live.read(store.root)
    if state is None:
        return FolderStatus(str(store.root), "idle")
    counts = state.get("jobs") if isinstance(state.get("jobs"), dict) else {}
    eta = state.get("eta")
    return FolderStatus(
        str(store.root), "dead" if state["state"] == "stale" else str(state["state"]), str(state.get("suite", "")),
        str(state.get("started", "")), str(state.get("updated", "")), _whole(counts, "done"), _whole(counts, "total"),
        float(eta) if isinstance(eta, int | float) else None,
    )  # fmt: skip


def _whole(counts: dict[str, Any] | None, key: str) -> int:
    found = (counts or {}).get(key, 0)
    return found if isinstance(found, int) else 0
