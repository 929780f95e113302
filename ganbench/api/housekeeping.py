"""Removes from a results folder what it can do without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganbench.analysis.removable import Removable, Search
from ganbench.analysis.run_list import ALL_RUNS, RunFilter, RunList
from ganbench.errors import UsageError
from ganbench.results.manifest import NAME
from ganbench.results.store import Store


@dataclass(frozen=True)
class Cleaned:
    """What can be removed from a results folder, or was (`removed`), and what was left alone because it is a link.

    `running` says that a suite runs there, whose states and leftovers were not looked at.
    """

    items: tuple[Removable, ...]
    links: tuple[Path, ...]
    running: bool
    removed: bool

    @property
    def bytes(self) -> int:
        """The bytes of all items."""
        return sum(one.bytes for one in self.items)


def clean(folder: Path, chosen: RunFilter = ALL_RUNS, weights: bool = False, remove: bool = False) -> Cleaned:
    """Find what a results folder can do without, and with `remove` remove it.

    That is runs and references of no plan, states of runs that have ended, leftovers of killed commands, and with
    `weights` the weights of runs whose scores are complete. `chosen` limits this to some runs. Raises `UsageError` for
    a published report, or without a plan that tells what is needed, `ResultsError` if a plan is damaged, `MissingError`
    if a suite is running there or the disk refuses.
    """
    store = Store.existing(folder, refuse_links=False)
    if (folder / NAME).exists():
        raise UsageError(f"{folder} is a published report, whose manifest lists every file; clean the results instead")
    if not remove:
        search = Search(RunList(store, chosen.suites), chosen, weights)
        return Cleaned(tuple(search.found()), tuple(search.links), search.running, removed=False)
    staged = list(_search(store, chosen, weights).staged()) if chosen.everything else []
    with store.writing():  # which empties the stage
        search = _search(store, chosen, weights)
        found = search.found()
        for one in found:
            store.discard(one.path)
    gone: Sequence[Removable] = [one for one in staged if not one.path.exists()]
    return Cleaned((*found, *gone), tuple(search.links), running=False, removed=True)


def _search(store: Store, chosen: RunFilter, weights: bool) -> Search:
    return Search(RunList(Store(store.root), chosen.suites), chosen, weights)
