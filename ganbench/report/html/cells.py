"""A table as a page shows it: columns to choose from, cells with their sort keys and links."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.analysis.score_table import COSTS, Score, Table, TableRow
from ganbench.analysis.tiers import rules
from ganbench.formatting import amount
from ganbench.report.html.content import Content
from ganbench.report.text.grid import ARROWS, NONE, rank, tier
from ganbench.report.text.spread import shown
from ganbench.results.records import ScoreName

FIRST = 5
"""Scores shown by default; the others can be switched on."""


@dataclass(frozen=True)
class Column:
    """A column: `shown` by default or not; `better` is empty for a cost."""

    name: str
    better: str
    shown: bool
    score: ScoreName | None = None

    @property
    def head(self) -> tuple[str, str]:
        """The score with its direction, and the extractor below it: `FID ↓`, `digits16`."""
        score = self.score.score if self.score else self.name
        head = f"{score} {ARROWS[self.better]}" if self.better else score
        return head, self.score.extractor or "" if self.score else ""


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


@dataclass(frozen=True)
class Line:
    """A row: a variant, a reference or a publication. With `rule` all rows above are better than it and all below."""

    title: str
    kind: str
    href: str
    ok: str
    finished: float | None
    tier: str
    rank: Cell
    verdict: str
    cells: tuple[Cell, ...]
    runs: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()
    rule: bool = False


@dataclass(frozen=True)
class View:
    """A table's columns, its variants, and what is below them."""

    name: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    below: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()
    """Why some variants are missing, and what others published."""

    @property
    def dots(self) -> bool:
        """Whether there are seeds to show one by one."""
        return any(len(line.runs) > 1 for line in self.lines)


def columns(table: Table) -> list[Column]:
    """The scores of a table, without its costs."""
    items = enumerate(table.columns.items())
    return [Column(name, better, i < FIRST, table.score_name(name)) for i, (name, better) in items]


def view(content: Content, table: Table, published: bool = False) -> View:
    """A dataset's table: scores, then the cost of a seed; with or without published rows."""
    costs = [name for name, key in COSTS.items() if any(row.cost.get(key) is not None for row in table.variants)]
    heads = columns(table)
    heads += [Column(f"cost: {name}", "", i == 0) for i, name in enumerate(costs)]
    elsewhere = content.published[table.dataset] if published else ()
    above = rules(table)
    lines = [_line(content, table, row, costs, i in above) for i, row in enumerate((*table.rows, *elsewhere)) if row.n]
    notes_of: dict[str, list[str]] = {}
    for row in (*table.rows, *elsewhere):
        if not row.n or row.kind == "published":
            notes_of.setdefault("; ".join(row.notes), []).append(row.title)
    notes = tuple(f"{', '.join(titles)}: {note}" for note, titles in notes_of.items())
    variants = tuple(line for line in lines if line.kind == "variant")
    below = tuple(line for line in lines if line.kind != "variant")
    return View(table.dataset, tuple(heads), variants, below, notes)


def _line(content: Content, table: Table, row: TableRow, costs: list[str], rule: bool) -> Line:
    anchor = f"#{content.datasets[row.dataset]}"
    runs = content.runs_of(row)
    if row.kind == "variant":
        href = f"variants/{content.variants[row.title]}.html{anchor}"
    else:
        reference = content.reference_of(row)
        href = reference.path if reference and reference.record and row.kind in ("reference", "external") else ""
    seeds = [run.seed for run in runs]
    cells = [_cell(row.scores[name], row.n, name in row.led, href, seeds) for name in table.columns]
    cells += [_cost(name, row, href) for name in costs]
    place = Cell(rank(row), sort=None if row.rank is None else 1000 * row.rank[0] + row.rank[1])
    links = tuple((run.seed, run.path if run.record else "") for run in runs)
    return Line(
        row.title, row.kind, href, _ok(row), row.n_ok / row.n if row.kind == "variant" else None,
        tier(row), place, row.verdict, tuple(cells), links, row.notes, rule,
    )  # fmt: skip


def _ok(row: TableRow) -> str:
    return f"{row.n_ok}/{row.n}" if row.kind == "variant" else ""


def _cell(score: Score, asked: int, best: bool, href: str, seeds: list[int]) -> Cell:
    found = shown(score, asked)
    if not found.text:
        return Cell()
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
