"""The variants of a dataset that a figure shows: chosen by name, named in short, with the records of their seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.results.records import Record
from ganbench.results.store import Store
from ganbench.suite.labels import variant_title
from ganbench.suite.plan_file import SavedPlan

Pair = tuple[str, str]
"""The labels of a loss and an architecture."""


@dataclass(frozen=True)
class VariantRuns:
    """One variant on one dataset: its name in this figure, and the record of each seed, None if it has not run."""

    name: str
    title: str
    runs: Mapping[int, str]
    records: dict[int, Record | None]

    @cached_property
    def finished(self) -> dict[int, Record]:
        """The records of the seeds that finished."""
        return {seed: record for seed, record in self.records.items() if record and record.ok}

    @property
    def label(self) -> str:
        return with_count(self.name, len(self.finished), len(self.runs))


def with_count(name: str, ok: int, n: int) -> str:
    """A name, followed by `7/8` if not all seeds finished."""
    return name if ok == n else f"{name} {ok}/{n}"


def datasets(plan: SavedPlan) -> list[str]:
    """The labels of a suite's datasets, in the suite's order."""
    return list(dict.fromkeys(row.dataset.text for row in plan.rows))


def find_dataset(plan: SavedPlan, asked: str | None) -> str:
    """A dataset by its label, by its name without hyperparameters, or the only one. Raises `UsageError`."""
    known = datasets(plan)
    if asked is None:
        if len(known) == 1:
            return known[0]
        raise UsageError(f"suite {plan.suite} has several datasets; name one with --dataset: {', '.join(known)}")
    found = list(dict.fromkeys(row.dataset.text for row in plan.rows if row.dataset.answers_to(asked)))
    if asked in found or len(found) == 1:
        return asked if asked in found else found[0]
    if found:
        raise UsageError(f"--dataset {asked!r} can be {' or '.join(found)}; write it in full")
    raise UsageError(f"suite {plan.suite} has no dataset {asked!r}{suggestion(asked, known)}")


def select(pairs: Iterable[Pair], names: Sequence[str]) -> list[Pair]:
    """The pairs named by loss, by architecture or as `loss x architecture`; all of them without names.

    Raises `UsageError` for a name that fits none of them.
    """
    pairs = list(dict.fromkeys(pairs))
    for name in names:
        known = sorted({known for pair in pairs for known in (*pair, variant_title(*pair))})
        if name not in known:
            raise UsageError(f"--variant: there is no {name!r} here{suggestion(name, known)}")
    return [pair for pair in pairs if not names or {*pair, variant_title(*pair)} & set(names)]


def short_names(pairs: Sequence[Pair]) -> tuple[dict[Pair, str], str]:
    """Each pair's name without what all have in common, and what that is (empty if there is one pair only)."""
    losses, architectures = ({pair[side] for pair in pairs} for side in (0, 1))
    if len(pairs) > 1 and len(architectures) == 1:
        return {pair: pair[0] for pair in pairs}, pairs[0][1]
    if len(pairs) > 1 and len(losses) == 1:
        return {pair: pair[1] for pair in pairs}, pairs[0][0]
    return {pair: variant_title(*pair) for pair in pairs}, ""


def heading(dataset: str, common: str) -> str:
    """A figure's heading: the dataset, and what the names of all variants leave out."""
    return f"{dataset}, {common}" if common else dataset


def dataset_variants(
    plan: SavedPlan, store: Store, dataset: str, names: Sequence[str] = ()
) -> tuple[list[VariantRuns], str]:
    """The variants of a dataset in the suite's order, those of `names` if there are any, and the figure's heading.

    Raises `UsageError` for an unknown name, or if no run of the dataset is in the store.
    """
    rows = {row.texts[:2]: row for row in plan.rows if row.dataset.text == dataset}
    pairs = select(rows, names)
    short, common = short_names(pairs)
    found = [
        VariantRuns(
            short[pair],
            variant_title(*pair),
            rows[pair].runs,
            rows[pair].records(store),
        )
        for pair in pairs
    ]
    if not any(record for variant in found for record in variant.records.values()):
        raise UsageError(f"no run on {dataset} is in {store.root}; run the suite {plan.suite} first")
    return found, heading(dataset, common)


def limit_note(shown: int, n: int) -> list[str]:
    """The note that not all variants are drawn, if that is so."""
    return [f"{shown} of {n} variants are drawn; choose with --variant"] if n > shown else []
