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
    escaped: dict[str, str] = {}  # most texts occur in many rows
    for row in table.rows:
        writer.writerow([_cell(value, escaped) for value in row])
    return text.getvalue()


def _cell(value: Value, escaped: dict[str, str]) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    if value not in escaped:
        escaped[value] = neutralize_formula(value)
    return escaped[value]
