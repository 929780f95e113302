"""Where each variant stands over all datasets of a suite, counted from the family of comparisons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.analysis.aggregate import Overall
from ganbench.analysis.score_table import Table, TableRow, VariantKey


@dataclass(frozen=True)
class Place:
    """A variant on one dataset: how many others it is better than, how many are better, and how many it is compared
    with. With a reference the only other is the reference, and the reference itself has been compared with nothing.
    """

    dataset: str
    row: TableRow
    better: int
    worse: int
    compared: int

    @property
    def leads(self) -> bool:
        """Whether the variant is better than another here, and none is better."""
        return self.better > 0 and self.worse == 0

    @property
    def alone(self) -> bool:
        """Whether the variant is better than every other one here."""
        return self.better > 0 and self.better == self.compared


@dataclass(frozen=True)
class Standing:
    """A variant over all datasets; `places` are those on which it was asked to train, in the suite's order."""

    key: VariantKey
    title: str
    places: tuple[Place, ...]
    reference: bool = False
    """Whether it is one that others are compared with."""

    def place(self, dataset: str) -> Place | None:
        return next((place for place in self.places if place.dataset == dataset), None)

    @property
    def leading(self) -> list[Place]:
        return [place for place in self.places if place.leads]

    @property
    def trailing(self) -> list[Place]:
        """Where another is better."""
        return [place for place in self.places if place.worse]


@dataclass(frozen=True)
class Decided:
    """How many comparisons of a family have which claim."""

    better: int
    equal: int
    open: int
    untested: int

    @property
    def all(self) -> int:
        return self.better + self.equal + self.open + self.untested


def standings(tables: Sequence[Table], overall: Overall | None) -> list[Standing]:
    """The variants of all tables, best first.

    By the interquartile mean over all datasets; variants without one come after, by their mean position on the
    datasets that they are on. On one dataset the order is that of the primary score.
    """
    found: dict[VariantKey, list[Place]] = {}
    references: set[VariantKey] = set()
    for table in tables:
        for place in _places(table):
            found.setdefault(place.row.key, []).append(place)
        references |= {one.b for one in table.comparisons if table.family and table.family.is_reference(one.b)}
    means = {row.title: -row.iqm[0] for row in overall.rows} if overall else {}
    positions = _positions(tables)
    own = [Standing(key, places[0].row.title, tuple(places), key in references) for key, places in found.items()]

    def order(one: Standing) -> tuple[bool, float, float]:
        held = [positions[place.dataset][one.key] for place in one.places]
        return one.title not in means, means.get(one.title, 0.0), sum(held) / len(held)

    return sorted(own, key=order)


def is_whole(tables: Sequence[Table]) -> bool:
    """Whether the tables show every comparison of their suite's family, so that its answer can be read from them."""
    family = next((table.family for table in tables if table.family), None)
    return family is None or sum(len(table.comparisons) for table in tables) == family.m


def decided(tables: Sequence[Table]) -> Decided:
    """The claims of the suite's family, counted."""
    family = next((table.family for table in tables if table.family), None)
    claims = [one.claim for one in family.comparisons] if family else []
    better, equal = sum(one in ("better", "worse") for one in claims), claims.count("equal")
    untested = sum(one in ("too few seeds", "no variation") for one in claims)
    return Decided(better, equal, len(claims) - better - equal - untested, untested)


def _places(table: Table) -> list[Place]:
    """The variants of a dataset; with a reference, a comparison is that of the variant alone."""
    compared, won, lost = Counter[VariantKey](), Counter[VariantKey](), Counter[VariantKey]()
    referred = table.family is not None and bool(table.family.reference)
    for one in table.comparisons:
        for key in (one.a,) if referred else (one.a, one.b):
            compared[key] += 1
            won[key] += one.winner == key
            lost[key] += one.loser == key
    return [Place(table.dataset, row, won[row.key], lost[row.key], compared[row.key]) for row in table.variants]


def _positions(tables: Sequence[Table]) -> dict[str, dict[VariantKey, float]]:
    """By dataset the position of each variant by the primary score, between 0 for the best and 1 for the worst."""
    found = {}
    for table in tables:
        order = table.best_first
        found[table.dataset] = {row.key: i / max(1, len(order) - 1) for i, row in enumerate(order)}
    return found
