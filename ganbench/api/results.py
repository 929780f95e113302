"""The results of one suite: its plan, its records, and everything that is concluded from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from ganbench.analysis import aggregate, budget, comparison, tables
from ganbench.analysis.aggregate import Overall
from ganbench.analysis.family import Family
from ganbench.analysis.lottery import Lottery, lottery
from ganbench.analysis.reference_rows import OTHER_PROTOCOL
from ganbench.analysis.run_table import RunTable, run_table
from ganbench.analysis.score_table import Table
from ganbench.api.suites import saved_plan
from ganbench.api.views import QuotableComparison, RunsView, ScoreTable
from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.report.text import formats
from ganbench.results.literature import Published, published_rows
from ganbench.results.records import Record
from ganbench.results.store import Store
from ganbench.suite.labels import only
from ganbench.suite.plan_file import SavedPlan


class Results:
    """A suite's results in a results folder. Records are read when first needed, each once."""

    def __init__(
        self, plan: SavedPlan, store: Store, registry: Registry | None = None, whole: SavedPlan | None = None
    ) -> None:
        self.plan, self.store = plan, store
        self._registry = registry
        self._whole = whole
        """The whole suite's plan, if `plan` is a part of it: claims are those of the whole suite."""

    @property
    def suite(self) -> str:
        """The suite's name."""
        return self.plan.suite

    @property
    def folder(self) -> Path:
        """The results folder."""
        return self.store.root

    @cached_property
    def registry(self) -> Registry:
        """The plugins that the results were opened with, and the installed ones."""
        return self._registry if self._registry is not None else Registry.load()

    @cached_property
    def score_tables(self) -> list[Table]:
        """The tables as the analysis makes them, one per dataset."""
        return tables.build(self.plan, self.store, whole=self._whole)

    def viewed(self, equal: Literal["steps", "time"] | None = None, published: bool = False) -> list[Table]:
        """The tables in another view: runs at an equal budget of steps or time, with values of publications."""
        if equal is None and not published:
            return self.score_tables
        return tables.build(
            self.plan, self.store, budget.equal(equal) if equal else None, self.published if published else {},
            self._whole,
        )  # fmt: skip

    @cached_property
    def published(self) -> Published:
        """The values of publications for the suite's datasets, by the datasets' labels."""
        return published_rows(self.registry, (row.dataset for row in self.plan.rows))

    def tables(self, equal: Literal["steps", "time"] | None = None, published: bool = False) -> list[ScoreTable]:
        """One table per dataset, in the suite's order.

        `equal` compares the runs after equal steps, or equal seconds of training (the suite must set
        `evaluation.snapshots`); `published` adds values of publications, each under its own protocol.
        Raises `UsageError` if the scores of one column were measured under different protocols.
        """
        return [ScoreTable(self.plan, table) for table in self.viewed(equal, published)]

    def table(self, dataset: str | None = None) -> ScoreTable:
        """The table of one dataset; without a name, of the only one. Raises `UsageError`."""
        found = {one.dataset: one for one in self.tables()}
        if dataset is None and len(found) == 1:
            return next(iter(found.values()))
        if dataset is None:
            raise UsageError(f"suite {self.suite!r} has the datasets {', '.join(found)}; name one")
        labels = [one.dataset for part in (self.plan.rows, self.plan.references, self.plan.skipped) for one in part]
        return found[only(labels, dataset, f"suite {self.suite!r} has no dataset").text]

    @property
    def ids(self) -> list[str]:
        """The ids of all runs of the suite, in its order, those that have not run included."""
        return list(dict.fromkeys(id_ for row in self.plan.rows for id_ in row.runs.values()))

    @property
    def records(self) -> list[Record]:
        """The records of all runs that have ended, in the suite's order."""
        found = (record for row in self.plan.rows for record in row.records(self.store).values() if record)
        return list({record.id: record for record in found}.values())

    def record(self, id_: str) -> Record:
        """The record of the run whose id begins with these characters. Raises `UsageError`."""
        return self.store.only_run(id_)[0]

    def runs(self) -> RunsView:
        """One row per run: names, seed, status, every score, cost, and the settings of its training."""
        return RunsView(self.run_table)

    @property
    def run_table(self) -> RunTable:
        """The same as the analysis makes it."""
        return run_table(self.plan, self.store)

    def compare(
        self, a: str, b: str, scores: Sequence[str] = (), other: Results | None = None
    ) -> list[QuotableComparison]:
        """Compare two losses, two architectures, or two variants such as `minimax x mlp`, on every dataset.

        `scores` names scores as the tables do, or is `["all"]`; by default each dataset's primary
        score, with the answer of the suite's family. With `other`, `b` is a variant of those results,
        and all comparisons of the call are a family of their own. The text of each comparison is a
        sentence that can be quoted. Raises `UsageError` for unknown names, and if the two sides
        were measured under different protocols.
        """
        second = self if other is None else other
        apart = self.suite == second.suite and self.folder.resolve() != second.folder.resolve()
        names = [f"{one.suite} in {one.folder}" if apart else one.suite for one in (self, second)]
        left = comparison.named(a, self.score_tables, names[0])
        right = comparison.named(b, second.score_tables, names[1])
        return [QuotableComparison.of(one) for one in comparison.compare(left, right, scores)]

    def lottery(self, dataset: str | None = None, seed: int = 0) -> Lottery:
        """How often comparisons by a few seeds name the wrong winner, drawn from the seeds of these results.

        `dataset` leaves out the others, whose pairs count in the correction all the same; `seed` is that of the
        random draws, where not all are taken. Raises `UsageError` if no dataset has two variants with enough seeds.
        """
        chosen = None if dataset is None else self.table(dataset).dataset
        return lottery(self.suite, self.score_tables, self.plan.family, seed, chosen)

    @property
    def family(self) -> Family:
        """All comparisons that the suite makes, each with its claim: what tables, reports and `compare` read."""
        return next((table.family for table in self.score_tables if table.family), Family())

    def aggregate(self) -> Overall | None:
        """The variants over all datasets by their interquartile means; None if they cannot be combined."""
        return aggregate.build(self.score_tables)

    @property
    def complete(self) -> bool:
        """Whether every run of the suite ended well and has all scores that were asked for."""
        return not self.missing and all(
            row.n_ok == row.n or OTHER_PROTOCOL in row.notes for table in self.score_tables for row in table.rows
        )

    @property
    def missing(self) -> list[str]:
        """The scores that runs lack because a metric failed, with the variant, the seeds' number and the reason."""
        return [
            f"{row.title} on {table.dataset}: {text}"
            for table in self.score_tables
            for row in table.rows
            for text in row.missing
        ]

    def save_tables(self) -> None:
        """Write the tables beside the results in every format."""
        formats.write_all(self.folder / self.suite, self.plan, self.score_tables, self.run_table)

    def __repr__(self) -> str:
        ended = len(self.records)
        return f"Results(suite {self.suite!r} in {str(self.folder)!r}: {ended} of {len(self.ids)} runs)"


def open_results(results: str | Path = "results", suite: str | None = None, plugins: Iterable[Path] = ()) -> Results:
    """The results of a suite that has run in a folder; without a name, of the only one.

    Raises `UsageError` if there is no such folder or suite, `ResultsError` if its plan is damaged.
    """
    root = Path(results)
    plan = saved_plan(root, suite)
    files = tuple(plugins)
    return Results(plan, Store(root), Registry.load(files) if files else None)
