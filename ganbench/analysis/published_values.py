"""What publications print under one name: how far the values are apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ganbench.results.literature import Published, PublishedRow


@dataclass(frozen=True)
class Spread:
    """The values of one score that publications print for one name on one dataset, the lowest first."""

    dataset: str
    name: str
    score: str
    rows: tuple[PublishedRow, ...]

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(row.scores[self.score][0] for row in self.rows)

    @property
    def lowest(self) -> PublishedRow:
        return self.rows[0]

    @property
    def highest(self) -> PublishedRow:
        return self.rows[-1]


def spreads(published: Published) -> list[Spread]:
    """Every name that has at least two different values of a score on a dataset, those with the most values first."""
    found = [
        Spread(dataset, name, score, rows)
        for dataset, every in published.items()
        for name, own in _by_name(every).items()
        for score in dict.fromkeys(score for row in own for score in row.scores)
        if len({(rows := _with(own, score))[0].scores[score][0], rows[-1].scores[score][0]}) > 1
    ]
    return sorted(found, key=lambda one: (-len(one.rows), one.dataset, one.name, one.score))


def _by_name(rows: Iterable[PublishedRow]) -> dict[str, list[PublishedRow]]:
    found: dict[str, list[PublishedRow]] = {}
    for row in rows:
        found.setdefault(row.name, []).append(row)
    return found


def _with(rows: Sequence[PublishedRow], score: str) -> tuple[PublishedRow, ...]:
    """The rows that have a score, by its value."""
    return tuple(sorted((row for row in rows if score in row.scores), key=lambda row: row.scores[score][0]))
