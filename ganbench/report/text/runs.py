"""One line per run as CSV."""

from __future__ import annotations

import csv
import io

from ganbench.analysis.run_table import RunTable, Value
from ganbench.report.text.escape import neutralize_formula


def runs_csv(table: RunTable) -> str:
    """The table of a suite's runs; a value that a run does not have is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([neutralize_formula(name) for name in table.columns])
    for row in table.rows:
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return neutralize_formula(value) if isinstance(value, str) else repr(value)
