"""The first screen of a report: variants by datasets, each with its primary score between the references."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from ganbench.analysis.aggregate import OverallRow
from ganbench.analysis.equal_counts import Ends, ends
from ganbench.analysis.figure_data.selection import Pair, short_names
from ganbench.analysis.score_table import Score, Table, TableRow
from ganbench.analysis.standing import Standing, standings
from ganbench.formatting import enumerated, shortened
from ganbench.report.html.content import Content
from ganbench.report.text.grid import ARROWS, FAULTY, NONE, tier
from ganbench.report.text.spread import shown
from ganbench.statistics.bootstrap import normalized

MARKS = {
    "better": "▲", "worse": "▼", "inconclusive": "~", "equal": "=", "reference": "●", "too few seeds": "–",  # noqa: RUF001
    "no variation": "–", "not run": "–",  # noqa: RUF001
}  # fmt: skip
"""The signs of tiers with a reference; letters stand for themselves."""
DENSE = 16
"""From this many variants on, rows are low, so that forty of them fit a screen."""
MAX_NAME = 30
"""Characters of a name."""
MAX_DATASETS = 4
"""The most datasets that the explanation of the bars names."""


@dataclass(frozen=True)
class Bar:
    """An interval on an axis of 0 to 100, from uniform noise to real data, or from the worst to the best shown."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class MatrixCell:
    """A variant's primary score on one dataset: `full` is the text with its interval, `mark` the sign of its tier."""

    text: str = NONE
    full: str = ""
    bar: Bar | None = None
    mark: str = ""
    tier: str = ""
    faulty: bool = False
    verdict: str = ""
    led: bool = False
    href: str = ""
    finished: str = ""
    """How many seeds finished, if not all."""


@dataclass(frozen=True)
class MatrixRow:
    """A variant or a reference over all datasets; `overall` is its interquartile mean."""

    name: str
    href: str
    cells: tuple[MatrixCell, ...]
    overall: MatrixCell | None = None
    compared_with: bool = False
    """Whether it is the reference of others."""

    @property
    def short(self) -> str:
        """The name without its middle, where it is long."""
        return shortened(self.name, MAX_NAME)


@dataclass(frozen=True)
class MatrixHead:
    """A dataset: its primary score with its direction, and the extractor below it.

    `axis` says what the bars span, `log` whether on a logarithmic scale.
    """

    dataset: str
    score: str
    extractor: str
    axis: str
    log: bool
    href: str

    @property
    def short(self) -> str:
        """The dataset without the middle of its name, where it is long."""
        return shortened(self.dataset, MAX_NAME)


@dataclass(frozen=True)
class Matrix:
    """Rows best first; `letters` says whether tiers are letters; `common` is what all names leave out."""

    heads: tuple[MatrixHead, ...]
    rows: tuple[MatrixRow, ...]
    references: tuple[MatrixRow, ...]
    common: str
    overall: bool
    letters: bool

    @property
    def dense(self) -> bool:
        return len(self.rows) >= DENSE

    @property
    def bars(self) -> str:
        """What the bars show, and where their scale is logarithmic; empty if there are none."""
        spans: dict[str, list[str]] = {}
        for head in self.heads:
            if head.axis:
                spans.setdefault(head.axis, []).append(head.dataset)
        if not spans:
            return ""
        texts = [f"{text} on {enumerated(where, MAX_DATASETS)}" for text, where in spans.items()]
        logs = [head.dataset for head in self.heads if head.axis and head.log]
        scale = f"; logarithmic on {enumerated(logs, MAX_DATASETS)}" if logs else ""
        return f"Bars: mean and interval, {'; '.join(texts) if len(spans) > 1 else next(iter(spans))}{scale}."


@dataclass(frozen=True)
class Axis:
    """The axis of a dataset's bars: 0 at `floor`, 100 at `ceiling`."""

    floor: float
    ceiling: float
    scale: str
    text: str

    def at(self, value: float) -> float:
        return round(100 * normalized(value, self.floor, self.ceiling, self.scale), 1)

    def bar(self, score: Score) -> Bar | None:
        if score.mean is None:
            return None
        low, high = score.ends or (None, None)
        if low is None or high is None:
            return Bar(self.at(score.mean))
        return Bar(self.at(score.mean), *sorted((self.at(low), self.at(high))))


def matrix(content: Content) -> Matrix:
    """The variants of all datasets, best first, then the references."""
    found = standings(content.tables, content.overall)
    names, common = short_names([one.key for one in found])
    axes = {table.dataset: _axis(table) for table in content.tables}
    overall = {row.title: row for row in content.overall.rows} if content.overall else {}
    rows = [_row(content, axes, one, names, overall.get(one.title)) for one in found]
    families = [table.family for table in content.tables if table.family]
    return Matrix(
        tuple(_head(content, table, axes[table.dataset]) for table in content.tables), tuple(rows),
        tuple(_references(content, axes)), common, bool(overall), not any(one.reference for one in families),
    )  # fmt: skip


def _head(content: Content, table: Table, axis: Axis | None) -> MatrixHead:
    name = table.score_name(table.primary)
    arrow = ARROWS.get(table.columns.get(table.primary, ""), "")
    return MatrixHead(
        table.dataset,
        f"{name.score} {arrow}".strip(),
        name.extractor or "",
        axis.text if axis else "",
        axis is not None and axis.scale == "log",
        f"#{content.datasets[table.dataset]}",
    )


def _axis(table: Table) -> Axis | None:
    """From uniform noise to real data; without both, from the worst to the best end of an interval."""
    found: Ends | None = ends(table) if table.primary else None
    if found is not None:
        return Axis(found.floor, found.ceiling, found.scale, "from uniform noise to real data")
    scores = [row.scores[table.primary] for row in table.variants if table.primary in row.scores]
    values = [value for score in scores for value in (score.ends or (score.mean,)) if value is not None]
    if not values or min(values) == max(values):
        return None
    scale = "log" if scores[0].averaged == "log" and min(values) > 0 else "linear"
    low, high = min(values), max(values)
    floor, ceiling = (high, low) if table.columns[table.primary] == "lower" else (low, high)
    return Axis(floor, ceiling, scale, "from the worst to the best shown")


def _row(
    content: Content, axes: dict[str, Axis | None], one: Standing, names: dict[Pair, str], overall: OverallRow | None
) -> MatrixRow:
    cells = []
    page = f"variants/{content.variants[one.title]}.html"
    for table in content.tables:
        place = one.place(table.dataset)
        href = f"{page}#{content.datasets[table.dataset]}"
        cells.append(_cell(table, place.row, axes[table.dataset], href) if place else MatrixCell())
    return MatrixRow(names[one.key], page, tuple(cells), _overall(overall), one.reference)


def _cell(table: Table, row: TableRow, axis: Axis | None, href: str) -> MatrixCell:
    score = row.scores.get(table.primary)
    if score is None:
        return MatrixCell()
    found = shown(score, row.n)
    what = tier(row).removesuffix(FAULTY).strip()
    ok = f"{row.n_ok}/{row.n}" if row.kind == "variant" and row.n_ok < row.n else ""
    return MatrixCell(
        found.text or NONE, str(found), axis.bar(score) if axis else None, MARKS.get(what) or _short(what), what,
        row.faulty, row.verdict, bool(row.led), href, ok,
    )  # fmt: skip


def _short(letters: str) -> str:
    """Compact letters, with four and more in a row as a range: `A-F`."""
    if not (letters.isalpha() and letters.isupper()):
        return letters
    runs = groupby(enumerate(letters), key=lambda pair: ord(pair[1]) - pair[0])
    texts = ("".join(letter for _, letter in run) for _, run in runs)
    return "".join(f"{text[0]}-{text[-1]}" if len(text) > 3 else text for text in texts)


def _overall(row: OverallRow | None) -> MatrixCell | None:
    if row is None:
        return None
    mean, low, high = (round(100 * value, 1) for value in row.iqm)
    full = f"{row.iqm[0]:.3f} [{row.iqm[1]:.3f}, {row.iqm[2]:.3f}]"
    return MatrixCell(f"{row.iqm[0]:.2f}", full, Bar(mean, low, high) if row.n else Bar(mean))


def _references(content: Content, axes: dict[str, Axis | None]) -> list[MatrixRow]:
    """The references over all datasets, in the order of the first one's table."""
    titles = dict.fromkeys(
        row.loss for table in content.tables for row in table.rows if row.kind == "reference" and row.n
    )
    overall = {row.title: row for row in content.overall.references} if content.overall else {}
    found = []
    for title in titles:
        cells = []
        for table in content.tables:
            row = next((row for row in table.rows if row.kind == "reference" and row.loss == title), None)
            reference = content.reference_of(row) if row else None
            href = reference.path if reference and reference.record else ""
            cells.append(_cell(table, row, axes[table.dataset], href) if row else MatrixCell())
        found.append(MatrixRow(title, "", tuple(cells), _overall(overall.get(title))))
    return found
