"""Random search: trains what is missing of every draw, and writes the table of sensitivity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ganbench.analysis import sensitivity
from ganbench.analysis.table_selection import Selection
from ganbench.api.checking import fetch_data
from ganbench.api.running import (
    RunSettings,
    Training,
    check_not_empty,
    chosen_trackers,
    known_scores,
    widened,
)
from ganbench.api.suites import SuiteRequest, parse_filters, parse_seeds, resolve, suite_name
from ganbench.api.workplaces import places_text
from ganbench.errors import UsageError
from ganbench.report.text import search as search_table
from ganbench.results.store import Store
from ganbench.suite import search
from ganbench.suite.external import missing_samples
from ganbench.suite.load import named
from ganbench.suite.plan_file import plan_to_save
from ganbench.suite.search import Drawn, SavedSearch
from ganbench.suite.specs import Plan


class SearchResults:
    """The draws of a suite's search in a results folder, with their tables of sensitivity, built when first needed."""

    def __init__(self, saved: SavedSearch, store: Store, scores: Iterable[str] = ()) -> None:
        self.saved, self.store, self.scores = saved, store, tuple(scores)
        self.tables = sensitivity.build(saved, store, self.scores)

    @property
    def folder(self) -> Path:
        """Where the tables are written."""
        return self.store.root / self.saved.suite

    def save_tables(self) -> None:
        """Write the tables in every format."""
        search_table.write_all(self.folder, self.saved, self.tables)

    @property
    def complete(self) -> bool:
        """Whether every run of every draw ended well and has all scores that were asked for."""
        draws = (draw for row in self.saved.variants for draw in row.draws)
        runs = {(id_, draw.evaluation) for draw in draws for id_ in draw.runs.values()}
        return all((found := self.store.run(*run)) and found.ok and not found.evaluation.missing for run in runs)


def open_search(results: Path, suite: str, sets: tuple[str, ...] = (), scores: Iterable[str] = ()) -> SearchResults:
    """The suite's last search in a results folder. Raises `UsageError` if there is none."""
    name = search.search_name(named(suite_name(suite), sets))
    saved = search.load_search(results, name)
    if saved is None:
        raise UsageError(
            f"no search {name!r} in {str(results)!r}; 'ganbench run --suite {suite} --search 10' makes one"
        )
    return SearchResults(saved, Store(results), scores)


class SearchPreparation:
    """A search before it trains: all draws, and the part of them that was asked for.

    `scores` replace each dataset's first score in the table. Raises `UsageError` for an invalid
    suite, filter, seed, tracker, score or number of draws, before anything trains.
    """

    def __init__(self, request: SuiteRequest, settings: RunSettings, count: int, scores: tuple[str, ...] = ()) -> None:
        self.settings, self.scores = settings, scores
        self.resolved = resolve(request)
        self.trackers = chosen_trackers(settings, self.resolved)
        self._whole = search.draws(self.resolved.suite, self.resolved.registry, count)
        seeds = parse_seeds(settings.seeds) if settings.seeds is not None else None
        self._asked = [_narrowed(one, seeds, settings.filters) for one in self._whole]
        self._merged = search.merged(self._asked)
        check_not_empty(self._merged)
        Selection(scores).check(known_scores(self._merged, self.resolved.registry))
        self.store = Store.to_write(settings.results)

    @cached_property
    def drawn(self) -> list[Drawn]:
        """The draws that were asked for. Raises `MissingError` if data are not there: no run has an id without them."""
        return [replace(one, plan=self.resolved.contents.filled(one.plan)) for one in self._asked]

    @cached_property
    def plan(self) -> Plan:
        """All draws that were asked for in one plan. Raises as `drawn` does."""
        return search.merged(self.drawn)

    def __str__(self) -> str:
        """What would be done, and every draw's settings."""
        from ganbench.runner.plan_summary import plan_text

        lines = (f"{one.title}: {search.settings_text(one.settings())}" for one in self._asked[1:])
        where, estimate = places_text(self._merged, self.resolved.registry, self.settings)
        plan, missing = self.resolved.contents.known(self._merged)
        text = plan_text(plan, self.store, self.settings.force, where, estimate, missing)
        gone = "".join(f"Before anything is trained: {one}\n" for one in missing_samples(self._merged))
        return text + gone + "\n" + "\n".join(lines) + "\n"

    def run(self) -> SearchResults:
        """Train what is missing, and write the tables of all draws. The results are of what was asked for."""
        fetch_data(self.resolved, self._merged, self.settings.report)
        whole_draws = [replace(one, plan=self.resolved.contents.where_there(one.plan)) for one in self._whole]
        pairs = zip(whole_draws, self.drawn, strict=True)
        wide = [replace(one, plan=widened(one.plan, part.plan)) for one, part in pairs]
        saved = search.search_to_save(wide, self.resolved.digest)
        search.save_search(self.store.root, saved)  # before training, so that a table can be made on the way
        plan = plan_to_save(search.merged(wide), self.resolved.digest)
        Training(self.plan, self.resolved, self.store, plan, self.settings, self.trackers).run()
        whole = SearchResults(saved, self.store, self.scores)
        whole.save_tables()
        shown = search.search_to_save(self.drawn, self.resolved.digest)
        return whole if shown == saved else SearchResults(shown, self.store, self.scores)


def _narrowed(drawn: Drawn, seeds: tuple[int, ...] | None, filters: tuple[str, ...]) -> Drawn:
    """A draw's plan with the seeds and the variants asked for."""
    plan = drawn.plan
    if seeds:
        plan = replace(plan, cells=tuple(cell.with_seeds(seeds) for cell in plan.cells))
    return replace(drawn, plan=plan.filtered(parse_filters(filters, plan)))
