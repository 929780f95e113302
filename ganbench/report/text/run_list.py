"""The list of a folder's runs: as text for a terminal of any width, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ganbench.analysis.run_list import ListedRun
from ganbench.formatting import counted, file_size, number
from ganbench.report.text.columns import GAP, Column, groups, widths_within
from ganbench.report.text.escape import neutralize_formula, replace_controls
from ganbench.report.text.grid import NONE
from ganbench.suite.labels import variant_title

NO_PLAN = "no plan"
WORDS = frozenset({"variant", "dataset", "status", "score", "suite"})
NUMBERS = frozenset({"seed", "value", "size"})


def columns(runs: Sequence[ListedRun]) -> list[Column]:
    """What a person sees of each run."""
    cells = {
        "run": [run.id for run in runs],
        "variant": [variant_title(*run.texts[:2]) if run.labels else NONE for run in runs],
        "dataset": [run.texts[2] or NONE for run in runs],
        "seed": [NONE if run.seed is None else str(run.seed) for run in runs],
        "status": [run.status for run in runs],
        "score": [run.score.name if run.score else NONE for run in runs],
        "value": [number(run.score.value) if run.score else NONE for run in runs],
        "suite": [suite_text(run) for run in runs],
        "ended": [(run.ended or NONE)[:10] for run in runs],
        "size": [file_size(run.bytes) if run.bytes else NONE for run in runs],
    }
    return [Column(head, [replace_controls(text) for text in own], head in WORDS) for head, own in cells.items()]


def suite_text(run: ListedRun) -> str:
    """The suites that refer to a run, in words."""
    if not run.suites:
        return f"{NO_PLAN} (was {run.origin})" if run.origin else NO_PLAN
    return ", ".join(run.suites) + (" (earlier)" if run.earlier else "")


def summary(runs: Sequence[ListedRun]) -> str:
    """How many runs these are, how large they are, and how many no plan refers to."""
    free = sum(not run.suites for run in runs)
    text = f"{counted(len(runs), 'run')}, {file_size(sum(run.bytes for run in runs))}"
    return f"{text}; {free} in no plan: `ganbench clean` lists what can be removed" if free else text


def lines(runs: Sequence[ListedRun], width: int | None = None) -> str:
    """The runs in columns that fit a width: words wrap, no number is cut, and what does not fit goes below.

    Without a width, each run is one line. It is not drawn as a table's few rows are: there may be ten thousand.
    """
    found = columns(runs)
    if width is None:
        return _block(found, [column.natural for column in found])
    blocks = [_block(group, widths_within(group, width)) for group in groups(found[:1], found[1:], width)]
    return "\n".join(blocks)


def _block(found: Sequence[Column], widths: Sequence[int]) -> str:
    """Columns beside one another, the first line their heads."""
    wrap = cache(_wrapped)
    text = []
    for row in zip(*((column.head, *column.cells) for column in found), strict=True):
        cells = [wrap(cell, width) for cell, width in zip(row, widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            own = map(_aligned, parts, widths, found)
            text.append((" " * GAP).join(own).rstrip() + "\n")
    return "".join(text)


def _wrapped(text: str, width: int) -> list[str]:
    """A text on lines of at most so many characters of a terminal."""
    if cell_len(text) <= width:
        return [text]
    return [line.plain.rstrip() for line in Text(text).wrap(Console(width=width), width)]


def _aligned(text: str, width: int, column: Column) -> str:
    space = " " * (width - cell_len(text))
    return f"{space}{text}" if column.head in NUMBERS else f"{text}{space}"


def _plain(run: ListedRun) -> dict[str, Any]:
    loss, architecture, dataset = run.texts
    return {
        "id": run.id, "suites": list(run.suites), "earlier": run.earlier, "origin": run.origin, "loss": loss,
        "architecture": architecture, "dataset": dataset, "seed": run.seed, "status": run.status,
        "score": run.score and run.score.name, "value": run.score and run.score.value,
        "better": run.score and run.score.better, "ended": run.ended, "bytes": run.bytes, "problem": run.problem,
    }  # fmt: skip


HEAD = (
    "id", "suites", "earlier", "origin", "loss", "architecture", "dataset", "seed", "status", "score", "value",
    "better", "ended", "bytes", "problem",
)  # fmt: skip


def json_text(runs: Sequence[ListedRun]) -> str:
    """A list of objects with the keys `HEAD`; what a run does not have is null or empty."""
    return json.dumps([_plain(run) for run in runs], indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def csv_text(runs: Sequence[ListedRun]) -> str:
    """One line for each run; suites are separated by a space and a semicolon."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for run in runs:
        writer.writerow([_cell(value) for value in _plain(run).values()])
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, list):
        value = "; ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else neutralize_formula(value) if isinstance(value, str) else repr(value)
