"""Probabilities of improvement over all datasets of a suite, by pairs of variants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from ganbench.analysis.aggregate import improvement
from ganbench.analysis.figure_data.aggregate import over_datasets, usable_places
from ganbench.analysis.score_table import Table
from ganbench.errors import UsageError
from ganbench.statistics import bootstrap

MOST = 28
"""Pairs in one figure: those of eight variants. Of more variants, each is compared with the best."""
REPETITIONS = 5_000


class Improvement(NamedTuple):
    """The probability that a seed of one variant is better than one of the other, with its 95 % interval."""

    better: str
    other: str
    over: bootstrap.Interval


@dataclass(frozen=True)
class ImprovementInfo:
    """Pairs by their probability, the largest first; `against` is the variant that all are compared with, if one is."""

    heading: str
    pairs: tuple[Improvement, ...]
    against: str = ""
    notes: tuple[str, ...] = ()


def improvement_info(tables: list[Table], names: Sequence[str] = ()) -> ImprovementInfo:
    """Each variant against the suite's reference, or all pairs, or each against the best if these are too many.

    Raises `UsageError` if there is no aggregate over datasets, no pair, or for an unknown name.
    """
    found = usable_places(tables)
    order = found.order()
    short, heading = over_datasets(tables, order, found.scores, names)
    asked = [title for title in order if title in short]
    reference = _references(tables)
    compared = [(title, reference[title]) for title in asked if reference.get(title, title) != title]
    compared = [(title, other) for title, other in compared if other in asked]
    notes = list(found.notes)
    if not compared:
        compared = list(combinations(asked, 2))
    if len(compared) > MOST and not reference:
        compared = [(asked[0], title) for title in asked[1:]]
        notes.append(f"of {len(asked)} variants, the best is compared with each other one; choose with --variant")
    if not compared:
        raise UsageError("there is no pair to compare: fewer than two variants have enough seeds on all datasets")
    values = [improvement(found.variants[a], found.variants[b], repetitions=REPETITIONS) for a, b in compared]
    pairs = [Improvement(short[a], short[b], over) for (a, b), over in zip(compared, values, strict=True)]
    others = {b for _, b in compared}
    against = short[others.pop()] if len(others) == 1 else ""
    return ImprovementInfo(heading, tuple(sorted(pairs, key=lambda one: -one.over[0])), against, tuple(notes))


def _references(tables: Sequence[Table]) -> dict[str, str]:
    """Each variant's title -> that of the one that the suite compares it with; empty if all pairs are compared."""
    family = next((table.family for table in tables if table.family and table.family.reference), None)
    if family is None:
        return {}
    titles = {row.key: row.title for table in tables for row in table.variants}
    keys = {key: family.reference_of(key) for key in titles}
    return {titles[key]: titles[other] for key, other in keys.items() if other in titles}
