"""The formats in which a suite's tables are written, with their file names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ganbench.analysis import aggregate
from ganbench.analysis.run_table import RunTable
from ganbench.analysis.score_table import Table
from ganbench.analysis.table_json import plain
from ganbench.files import write_atomically
from ganbench.report.latex.paper import latex
from ganbench.report.text.csv import csv_text
from ganbench.report.text.markdown import markdown
from ganbench.report.text.runs import runs_csv
from ganbench.suite.plan_file import SavedPlan


def json_text(plan: SavedPlan, tables: list[Table]) -> str:
    return json.dumps(plain(tables), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def overall_text(plan: SavedPlan, tables: list[Table]) -> str:
    """The variants over all datasets as JSON; null if they cannot be aggregated."""
    found = aggregate.build(tables)
    return json.dumps(aggregate.plain(found) if found else None, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


RUNS = "runs.csv"
NONE = "null\n"
FORMATS: dict[str, tuple[str, Callable[[SavedPlan, list[Table]], str]]] = {
    "markdown": ("table.md", markdown),
    "csv": ("table.csv", csv_text),
    "latex": ("table.tex", latex),
    "json": ("table.json", json_text),
    "overall": ("overall.json", overall_text),
}


def write_all(folder: Path, plan: SavedPlan, tables: list[Table], runs: RunTable) -> None:
    """Write every format and `runs.csv` into the suite's folder; a format without content gives no file."""
    write_atomically(folder / RUNS, runs_csv(runs).encode())
    for name, text in FORMATS.values():
        content = text(plan, tables)
        if content == NONE:
            (folder / name).unlink(missing_ok=True)
        else:
            write_atomically(folder / name, content.encode())
