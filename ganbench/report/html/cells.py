"""A table as a page shows it: columns to choose from, cells with their sort keys and links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ganbench.analysis.score_table import COSTS, Score, Table, TableRow
from ganbench.analysis.tiers import TOO_FEW, WAITING, rules
from ganbench.formatting import amount
from ganbench.report.html.content import Content, Run
from ganbench.report.text.grid import ARROWS, NONE, ok, rank, tier
from ganbench.report.text.spread import shown
from ganbench.results.protocol_card import ScoreName

FIRST = 5
"""Scores shown by default; the others can be switched on."""
TIERS = ("better", "reference", "equal", "inconclusive", "no variation", "worse", TOO_FEW, WAITING)
"""Tiers that are words, best first; those that are letters come before them."""
NOT_EVALUATED = "not evaluated"
FINISHED, FAILED, NOT_RUN = "all finished", "some failed", "some not run"
"""What became of a variant's seeds."""


@dataclass(frozen=True)
class Column:
    """A column: `shown` by default or not; `better` is empty for a cost.

    `primary`: its rows are sorted by it. `logs`: it is on logarithms.
    """

    name: str
    better: str
    shown: bool
    score: ScoreName | None = None
    primary: bool = False
    logs: bool = False

    @property
    def head(self) -> tuple[str, str]:
        """The score with its direction, and the extractor below it: `FID ↓`, `digits16`."""
        score = self.score.score if self.score else self.name
        head = f"{score} {ARROWS[self.better]}" if self.better else score
        return head, self.score.extractor or "" if self.score else ""

    @property
    def best(self) -> str:
        """Which values come first where the best do: `higher` or `lower`; of costs the lower ones, of speeds not."""
        return self.better or ("higher" if self.name.endswith("/s") else "lower")


@dataclass(frozen=True)
class Cell:
    """A cell: `beside` is its interval, `sort` its sort key (None: last), `best` whether it is starred.

    `values` are by seed, in the order of the line's `seeds`; `href` leads to where the number comes from.
    """

    text: str = NONE
    beside: str = ""
    sort: float | None = None
    best: bool = False
    values: tuple[float | None, ...] = ()
    href: str = ""


class Seed(NamedTuple):
    """A seed, the path of its run, and how it ended; both are empty if it has not run yet."""

    seed: int
    path: str
    status: str


@dataclass(frozen=True)
class Line:
    """A row: a variant, a reference or a publication. With `rule` all rows above are better than it and all below.

    `tier_order` is the sort key of its tier; `faults` are what its seeds' samples were found to be.
    """

    row: TableRow
    href: str
    rank: Cell
    cells: tuple[Cell, ...]
    seeds: tuple[Seed, ...] = ()
    faults: tuple[str, ...] = ()
    tier_order: int | None = None
    rule: bool = False

    @property
    def title(self) -> str:
        return self.row.title

    @property
    def kind(self) -> str:
        return self.row.kind

    @property
    def ok(self) -> str:
        return ok(self.row)

    @property
    def finished(self) -> float | None:
        """The share of its seeds that finished."""
        return self.row.n_ok / self.row.n if self.row.kind == "variant" else None

    @property
    def ended(self) -> tuple[str, ...]:
        """What became of its seeds: of all of them, or of some."""
        row = self.row
        parts = {FAILED: row.failed > 0, NOT_RUN: row.n > row.n_ok + row.failed}
        return tuple(name for name, true in parts.items() if true) or (FINISHED,)

    @property
    def tier(self) -> str:
        return tier(self.row)

    @property
    def complete(self) -> bool:
        """Whether all its seeds ran and finished."""
        return all(seed.status == "ok" for seed in self.seeds)


class Shortcut(NamedTuple):
    """A choice of rows by a value of a facet, and how many rows it has."""

    facet: str
    value: str
    rows: int


@dataclass(frozen=True)
class View:
    """A table's columns, its variants, and what is below them."""

    name: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    below: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()
    """Why some variants are missing, and what others published."""

    def narrowed(self, cells: int) -> View:
        """The view, with those columns alone that are shown by default if it has more than so many cells."""
        if (len(self.lines) + len(self.below)) * len(self.columns) <= cells:
            return self
        kept = [i for i, column in enumerate(self.columns) if column.shown]

        def narrow(lines: tuple[Line, ...]) -> tuple[Line, ...]:
            return tuple(replace(line, cells=tuple(line.cells[i] for i in kept)) for line in lines)

        return replace(
            self, columns=tuple(self.columns[i] for i in kept), lines=narrow(self.lines), below=narrow(self.below)
        )

    @property
    def dots(self) -> bool:
        """Whether there are seeds to show one by one."""
        return any(len(line.seeds) > 1 for line in self.lines)

    @property
    def faults(self) -> list[Shortcut]:
        """The choices of rows whose means hide something: seeds that failed, and faults of samples, most rows first."""
        ended = Counter(value for line in self.lines for value in line.ended if value != FINISHED)
        found = Counter(value for line in self.lines for value in line.faults if value not in ("ok", NOT_EVALUATED))
        return [
            *(Shortcut("seeds", *one) for one in ended.most_common()),
            *(Shortcut("verdict", *one) for one in found.most_common()),
        ]


def columns(table: Table) -> list[Column]:
    """The scores of a table, without its costs."""
    logs = {name: any(row.scores[name].logs for row in table.variants) for name in table.columns}
    return [
        Column(name, better, i < FIRST, table.score_name(name), name == table.primary, logs[name])
        for i, (name, better) in enumerate(table.columns.items())
    ]


def by_primary(table: Table) -> Table:
    """The table with its variants by the primary score, in the order of a chart: those with failed seeds come last."""
    others = [row for row in table.rows if row.kind != "variant" or not row.n]
    return replace(table, rows=(*table.best_first, *others))


def view(content: Content, table: Table, published: bool = False) -> View:
    """A dataset's table: scores, then the cost of a seed; with or without published rows."""
    table = by_primary(table)
    costs = [name for name, key in COSTS.items() if any(row.cost.get(key) is not None for row in table.variants)]
    heads = columns(table)
    heads += [Column(f"cost: {name}", "", i == 0) for i, name in enumerate(costs)]
    elsewhere = content.published[table.dataset] if published else ()
    above, tiers = rules(table), _tier_order(table.variants)
    lines = [
        replace(_line(content, table, row, costs), rule=i in above, tier_order=tiers.get(row.tier or ""))
        for i, row in enumerate((*table.rows, *elsewhere))
        if row.n
    ]
    notes_of: dict[str, list[str]] = {}
    for row in (*table.rows, *elsewhere):
        if not row.n or row.kind == "published":
            notes_of.setdefault("; ".join(row.notes), []).append(row.title)
    notes = tuple(f"{', '.join(titles)}: {note}" for note, titles in notes_of.items())
    variants = tuple(line for line in lines if line.kind == "variant")
    below = tuple(line for line in lines if line.kind != "variant")
    return View(table.dataset, tuple(heads), variants, below, notes)


def _tier_order(rows: Sequence[TableRow]) -> dict[str, int]:
    """The sort key of each tier."""
    tiers = {row.tier for row in rows if row.tier}
    known = {name: i for i, name in enumerate(TIERS)}
    return {name: i for i, name in enumerate(sorted(tiers, key=lambda name: (known.get(name, -1), name)))}


def _line(content: Content, table: Table, row: TableRow, costs: list[str]) -> Line:
    anchor = f"#{content.datasets[row.dataset]}"
    runs = content.runs_of(row)
    if row.kind == "variant":
        href = f"variants/{content.variants[row.title]}.html{anchor}"
    else:
        reference = content.reference_of(row)
        href = reference.path if reference and reference.record and row.kind in ("reference", "external") else ""
    seeds = tuple(Seed(run.seed, *((run.path, run.status) if run.record else ("", ""))) for run in runs)
    numbers = [run.seed for run in runs]
    cells = [_cell(row.scores[name], row.n, name in row.led, href, numbers) for name in table.columns]
    cells += [_cost(name, row, href) for name in costs]
    place = Cell(rank(row), sort=None if row.rank is None else 1000 * row.rank[0] + row.rank[1])
    return Line(row, href, place, tuple(cells), seeds, tuple(dict.fromkeys(_fault(run) for run in runs)))


def _fault(run: Run) -> str:
    """What a run's samples were found to be."""
    found = run.record.evaluation.verdict if run.record else None
    return found.fault if found else NOT_EVALUATED


def _cell(score: Score, asked: int, best: bool, href: str, seeds: list[int]) -> Cell:
    found = shown(score, asked)
    if not found.text:
        return Cell(values=tuple(None for _ in seeds))
    by_seed = dict(zip(score.seeds, score.values, strict=False))
    return Cell(found.text, found.beside, score.mean, best, tuple(by_seed.get(seed) for seed in seeds), href)


def _cost(name: str, row: TableRow, href: str) -> Cell:
    value = row.cost.get(COSTS[name])
    if value is None:
        return Cell()
    text = cost(COSTS[name], value)
    return Cell(text, sort=value, href=href)


def cost(key: str, value: float) -> str:
    """A cost, by its name in the record, in the unit of the tables."""
    return amount(value / 2**20 if key.endswith("bytes") else value)
