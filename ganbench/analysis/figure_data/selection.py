"""The variants of a dataset that a figure shows: chosen by name, named in short, with the records of their seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.results.records import Record
from ganbench.results.store import Store
from ganbench.suite.labels import Variant, only, picked_variants, variant_title
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
    if asked is not None:
        return only((row.dataset for row in plan.rows), asked, f"suite {plan.suite} has no dataset").text
    if len(known) == 1:
        return known[0]
    raise UsageError(f"suite {plan.suite} has several datasets; name one with --dataset: {', '.join(known)}")


def select(variants: Iterable[Variant], names: Sequence[str]) -> list[Pair]:
    """The variants named by loss, by architecture or as `loss x architecture`; all of them without names.

    Raises `UsageError` for a name that fits none of them.
    """
    variants = list(dict.fromkeys(variants))
    chosen: set[Variant] = set() if names else set(variants)
    for name in names:
        found = picked_variants(variants, name)
        if not found:
            known = sorted({text for one in variants for text in (*one.texts, one.title)})
            raise UsageError(f"--variant: there is no {name!r} here{suggestion(name, known)}")
        chosen.update(found)
    return [one.texts for one in variants if one in chosen]


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
    """The variants of a dataset in the suite's order, those of `names` or else those that have run, and the heading.

    Raises `UsageError` for an unknown name, or if no run of the dataset is in the store.
    """
    rows = {row.texts[:2]: row for row in plan.rows if row.dataset.text == dataset}
    records = {pair: rows[pair].records(store) for pair in select((row.variant for row in rows.values()), names)}
    pairs = [pair for pair, own in records.items() if names or any(own.values())]
    short, common = short_names(pairs)
    found = [VariantRuns(short[pair], variant_title(*pair), rows[pair].runs, records[pair]) for pair in pairs]
    if not any(record for variant in found for record in variant.records.values()):
        raise UsageError(f"no run on {dataset} is in {store.root}; run the suite {plan.suite} first")
    return found, heading(dataset, common)


def limit_note(shown: int, n: int) -> list[str]:
    """The note that not all variants are drawn, if that is so."""
    return [f"{shown} of {n} variants are drawn; choose with --variant"] if n > shown else []
