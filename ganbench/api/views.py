"""Tables and comparisons as a person takes them out of Python: text, plain data, pandas, a notebook."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from html import escape
from typing import TYPE_CHECKING

from ganbench.analysis.comparison import Comparison
from ganbench.analysis.run_table import RunTable, Value
from ganbench.analysis.score_table import Table, TableRow
from ganbench.analysis.table_json import plain
from ganbench.errors import MissingError
from ganbench.report.latex.paper import PaperOptions, latex
from ganbench.report.text import grid
from ganbench.report.text.csv import csv_text
from ganbench.report.text.escape import escape_latex, replace_controls
from ganbench.report.text.markdown import grid as markdown_grid
from ganbench.report.text.markdown import markdown
from ganbench.report.text.runs import runs_csv
from ganbench.report.text.sentences import sentence
from ganbench.suite.plan_file import SavedPlan

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, repr=False)
class ScoreTable:
    """The scores of all variants on one dataset. It shows itself as a table."""

    plan: SavedPlan
    table: Table

    @property
    def dataset(self) -> str:
        """The dataset's label."""
        return self.table.dataset

    @property
    def rows(self) -> tuple[TableRow, ...]:
        """Variants, references and published values, in the table's order."""
        return self.table.rows

    def to_dicts(self) -> list[dict[str, object]]:
        """The rows as `ganbench table --format json` prints them."""
        rows: list[dict[str, object]] = json.loads(json.dumps(plain([self.table])))
        return rows

    def to_markdown(self) -> str:
        """The table as GitHub Markdown, with its notes and costs."""
        return markdown(self.plan, [self.table])

    def to_latex(self, wide: bool = True) -> str:
        """The table for LaTeX with booktabs, split to fit a column of 252 points.

        If not `wide`, it has the primary score alone.
        """
        return latex(self.plan, [self.table], PaperOptions(wide=wide))

    def to_csv(self) -> str:
        """One line per row and score, with the values of all seeds."""
        return csv_text(self.plan, [self.table])

    def to_pandas(self) -> DataFrame:
        """One row per row of the table: tier, `rank low`, `rank high`; per score its mean, `NAME low` and `NAME high`.

        Raises `MissingError` if pandas is not installed.
        """
        return _frame([_flat(row) for row in self.rows])

    def __repr__(self) -> str:
        return "\n".join(markdown_grid(grid.scores(self.table)))

    def _repr_html_(self) -> str:
        return _html(grid.scores(self.table), caption=f"{self.plan.suite}: {self.dataset}")


@dataclass(frozen=True, repr=False)
class RunsView:
    """One row per run of a suite. It shows itself as a table in a notebook."""

    table: RunTable

    def __repr__(self) -> str:
        return f"RunsView({len(self)} runs, {len(self.columns)} columns)"

    def __len__(self) -> int:
        return len(self.table.rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.table.columns

    @property
    def rows(self) -> tuple[tuple[Value, ...], ...]:
        """The values of every run, in the order of the columns; None if there is no value."""
        return self.table.rows

    def to_dicts(self) -> list[dict[str, Value]]:
        """One mapping per run."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def to_markdown(self) -> str:
        """The runs as GitHub Markdown."""
        return "\n".join([*markdown_grid(self._grid()), ""])

    def to_latex(self) -> str:
        """The runs for LaTeX with booktabs and longtable."""
        content = self._grid()
        lines = [" & ".join(map(escape_latex, line)) + r" \\" for line in (content.header, *content.lines)]
        begin = rf"\begin{{longtable}}{{{'l' * len(content.header)}}}"
        return "\n".join(
            [begin, r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule", r"\end{longtable}", ""]
        )

    def to_csv(self) -> str:
        """The runs as `runs.csv` holds them."""
        return runs_csv(self.table)

    def to_pandas(self) -> DataFrame:
        """One row per run. Raises `MissingError` if pandas is not installed."""
        return _frame(self.to_dicts(), self.columns)

    def _grid(self) -> grid.Grid:
        lines = [["" if value is None else str(value) for value in row] for row in self.rows]
        return grid.Grid(list(self.columns), lines, [[False] * len(self.columns) for _ in lines])

    def _repr_html_(self) -> str:
        return _html(self._grid())


@dataclass(frozen=True)
class QuotableComparison(Comparison):
    """A comparison whose text is a sentence that can be quoted."""

    @classmethod
    def of(cls, one: Comparison) -> QuotableComparison:
        """The same comparison with its sentence."""
        return cls(**{field.name: getattr(one, field.name) for field in fields(one)})

    def __str__(self) -> str:
        return sentence(self)

    def __repr__(self) -> str:
        return f"<{self}>"


def _flat(row: TableRow) -> dict[str, Value]:
    flat: dict[str, Value] = {
        "dataset": row.dataset, "loss": row.loss, "architecture": row.architecture, "kind": row.kind,
        "n_ok": row.n_ok, "n": row.n, "verdict": row.verdict, "faulty": row.faulty, "tier": row.tier,
        "rank low": row.rank and row.rank[0], "rank high": row.rank and row.rank[1],
    }  # fmt: skip
    for name, score in row.scores.items():
        flat |= {name: score.mean, f"{name} low": score.low, f"{name} high": score.high}
    return flat


def _frame(rows: list[dict[str, Value]], columns: tuple[str, ...] | None = None) -> DataFrame:
    try:
        import pandas
    except ImportError as error:
        raise MissingError("to_pandas needs pandas, which is not installed: pip install 'ganbench[pandas]'") from error
    return pandas.DataFrame(rows, columns=None if columns is None else list(columns))


def _html(content: grid.Grid, caption: str = "") -> str:
    """A table in HTML; no text in it can end as markup."""
    head = "".join(f"<th>{_text(text)}</th>" for text in content.header)
    body = "".join(
        "<tr>" + "".join(f"<td>{f'<b>{_text(text)}</b>' if bold else _text(text)}</td>"
                         for text, bold in zip(line, marks, strict=True)) + "</tr>"
        for line, marks in zip(content.lines, content.bold, strict=True)
    )  # fmt: skip
    title = f"<caption>{_text(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(text: str) -> str:
    return escape(replace_controls(text))
