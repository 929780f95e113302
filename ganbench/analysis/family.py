"""The family of a suite: the comparisons of its primary scores over all datasets, each decided once.

Tables, sentences, plots, reports, `ganbench compare` and the Python API read their answers here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from ganbench.analysis.score_table import Score, Table, VariantKey
from ganbench.statistics import claims, differences
from ganbench.statistics.claims import Claim, Judgment
from ganbench.statistics.differences import Difference, Measure
from ganbench.suite.family import FamilySettings
from ganbench.suite.plan_file import SavedPlan


@dataclass(frozen=True)
class FamilyComparison:
    """Variant a against variant b, which is the reference if the suite has one, by a dataset's primary score."""

    dataset: str
    score: str
    a: VariantKey
    b: VariantKey
    judgment: Judgment

    @property
    def claim(self) -> Claim:
        return self.judgment.claim

    @property
    def difference(self) -> Difference | None:
        return self.judgment.difference

    @property
    def p(self) -> float | None:
        return self.judgment.p

    @property
    def p_adjusted(self) -> float | None:
        return self.judgment.p_adjusted

    @property
    def winner(self) -> VariantKey | None:
        """The variant that is claimed to be better."""
        return {"better": self.a, "worse": self.b}.get(self.claim)

    @property
    def loser(self) -> VariantKey | None:
        """The variant that is claimed to be worse."""
        return {"better": self.b, "worse": self.a}.get(self.claim)


@dataclass(frozen=True)
class Family:
    """All comparisons that a suite makes, corrected together (Bonferroni).

    Their number is fixed by the suite: the pairs of variants of every dataset, or the variants that have a reference.
    It counts variants that have not run, have too few seeds, or do not vary, so that no result changes it.
    """

    comparisons: tuple[FamilyComparison, ...] = ()
    settings: FamilySettings = field(default_factory=FamilySettings)

    @property
    def reference(self) -> Mapping[str, str]:
        """`loss`, `architecture` -> label; empty if all pairs are compared."""
        return self.settings.reference

    @property
    def m(self) -> int:
        """The number of comparisons."""
        return len(self.comparisons)

    @property
    def level(self) -> float:
        """The confidence level of each comparison's interval."""
        return claims.level(self.m)

    def on(self, dataset: str) -> list[FamilyComparison]:
        """The comparisons on one dataset."""
        return [one for one in self.comparisons if one.dataset == dataset]

    def between(self, dataset: str, a: VariantKey, b: VariantKey) -> Judgment | None:
        """What is said of a against b; None if the family does not compare them."""
        for one in self.comparisons:
            if one.dataset == dataset and {one.a, one.b} == {a, b}:
                return one.judgment if one.a == a else one.judgment.turned
        return None

    def reference_of(self, key: VariantKey) -> VariantKey:
        """The variant that one is compared with, which is itself if the suite compares all pairs."""
        return _referred(key, self.reference)

    def is_reference(self, key: VariantKey) -> bool:
        """Whether a variant is one that others are compared with."""
        return bool(self.reference) and self.reference_of(key) == key


def pairs(keys: Sequence[VariantKey], reference: Mapping[str, str]) -> list[tuple[VariantKey, VariantKey]]:
    """The comparisons of one dataset's variants: each with its reference, or all pairs."""
    if not reference:
        return list(combinations(keys, 2))
    found = [(key, _referred(key, reference)) for key in keys]
    return [(key, other) for key, other in found if other != key and other in keys]


def _referred(key: VariantKey, reference: Mapping[str, str]) -> VariantKey:
    """The variant with the reference's values, and this one's otherwise."""
    return reference.get("loss", key[0]), reference.get("architecture", key[1])


def measure(score: Score, settings: FamilySettings) -> Measure:
    """How a suite compares variants by a score, which any cell of its column tells."""
    return Measure(score.better, score.logs, score.kind == "count", settings.paired, settings.margins.get(score.name))


def compared(layout: SavedPlan, tables: Sequence[Table]) -> list[Table]:
    """The tables, each with the family of the whole suite."""
    settings = layout.family
    planned = {
        table.dataset: [row.texts[:2] for row in layout.rows if row.dataset.text == table.dataset] for table in tables
    }
    asked = {name: pairs(keys, settings.reference) for name, keys in planned.items()}
    m = sum(map(len, asked.values()))
    comparisons = [one for table in tables for one in _compared(table, asked[table.dataset], settings, m)]
    family = Family(tuple(comparisons), settings)
    return [replace(table, family=family) for table in tables]


def _compared(
    table: Table, asked: Iterable[tuple[VariantKey, VariantKey]], settings: FamilySettings, m: int
) -> Iterable[FamilyComparison]:
    score = table.primary
    rows = {row.key: row for row in table.variants}
    samples = {key: row.sample(score) for key, row in rows.items() if score in row.scores}
    varies = differences.varies(list(samples.values()))
    for a, b in asked:
        if a not in samples or b not in samples:
            yield FamilyComparison(table.dataset, score, a, b, Judgment("too few seeds", m=m))
            continue
        how = measure(rows[a].scores[score], settings)
        found = claims.decide(samples[a], samples[b], how, m)
        if not varies and found.difference is not None and found.claim != "equal":
            found = Judgment("no variation", m=m)
        yield FamilyComparison(table.dataset, score, a, b, found)
