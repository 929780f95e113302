"""A data set's variants as plots name and choose them, with the records of their seeds."""

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


@dataclass(frozen=True)
class Variant:
    """One variant on one data set: its name in this plot, and the record of every seed that has one."""

    name: str
    title: str
    runs: Mapping[int, str]
    records: dict[int, Record | None]

    @cached_property
    def good(self) -> dict[int, Record]:
        """The records of the seeds that finished."""
        return {seed: record for seed, record in self.records.items() if record and record.status == "ok"}

    @property
    def label(self) -> str:
        return labelled(self.name, len(self.good), len(self.runs))


def labelled(name: str, ok: int, n: int) -> str:
    """A name, with `7/8` where not all seeds finished."""
    return name if ok == n else f"{name} {ok}/{n}"


def datasets(layout: SavedPlan) -> list[str]:
    return list(dict.fromkeys(row.dataset.text for row in layout.rows))


def dataset(layout: SavedPlan, asked: str | None) -> str:
    """The data set that is meant: by label, by name without hyperparameters, or the only one. Raises `UsageError`."""
    known = datasets(layout)
    if asked is None:
        if len(known) == 1:
            return known[0]
        raise UsageError(f"suite {layout.suite} has several data sets; name one with --dataset: {', '.join(known)}")
    found = list(dict.fromkeys(row.dataset.text for row in layout.rows if row.dataset.answers_to(asked)))
    if asked in found or len(found) == 1:
        return asked if asked in found else found[0]
    if found:
        raise UsageError(f"--dataset {asked!r} can be {' or '.join(found)}; write it in full")
    raise UsageError(f"suite {layout.suite} has no data set {asked!r}{suggestion(asked, known)}")


def chosen(pairs: Iterable[tuple[str, str]], names: Sequence[str]) -> list[tuple[str, str]]:
    """The (loss, architecture) pairs that are named, by one of both or as `loss x architecture`; all without names.

    Raises `UsageError` for a name that is none of them.
    """
    pairs = list(dict.fromkeys(pairs))
    for name in names:
        known = sorted({known for pair in pairs for known in (*pair, variant_title(*pair))})
        if name not in known:
            raise UsageError(f"--variant: there is no {name!r} here{suggestion(name, known)}")
    return [pair for pair in pairs if not names or {*pair, variant_title(*pair)} & set(names)]


def short(pairs: Sequence[tuple[str, str]]) -> tuple[dict[tuple[str, str], str], str]:
    """Each pair's name without what all have in common, and what that is (nothing for a single pair)."""
    losses, architectures = ({pair[side] for pair in pairs} for side in (0, 1))
    if len(pairs) > 1 and len(architectures) == 1:
        return {pair: pair[0] for pair in pairs}, pairs[0][1]
    if len(pairs) > 1 and len(losses) == 1:
        return {pair: pair[1] for pair in pairs}, pairs[0][0]
    return {pair: variant_title(*pair) for pair in pairs}, ""


def heading(dataset: str, common: str) -> str:
    return f"{dataset}, {common}" if common else dataset


def variants(layout: SavedPlan, store: Store, dataset: str, names: Sequence[str] = ()) -> tuple[list[Variant], str]:
    """The variants of a data set in the suite's order, and the plot's heading. Raises `UsageError`.

    `names` choose among them; see `chosen`.
    """
    rows = {row.texts[:2]: row for row in layout.rows if row.dataset.text == dataset}
    pairs = chosen(rows, names)
    shown, common = short(pairs)
    found = [
        Variant(
            shown[pair],
            variant_title(*pair),
            rows[pair].runs,
            {s: store.run(id_) for s, id_ in rows[pair].runs.items()},
        )
        for pair in pairs
    ]
    if not any(record for variant in found for record in variant.records.values()):
        raise UsageError(f"no run on {dataset} is in {store.root}; run the suite {layout.suite} first")
    return found, heading(dataset, common)
