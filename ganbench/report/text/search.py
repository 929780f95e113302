"""Sensitivity tables as Markdown, CSV, JSON and on a terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from ganbench.analysis.sensitivity import DrawResult, Sensitivity, Variation
from ganbench.files import write_atomically
from ganbench.formatting import number
from ganbench.report.text.escape import escape_markdown, neutralize_formula
from ganbench.report.text.grid import ARROWS, Grid
from ganbench.report.text.markdown import grid
from ganbench.report.text.terminal import draw_grid
from ganbench.suite.search import SavedSearch, settings_text

LEGEND = (
    "default: the suite's own settings, mean over seeds. median: of the means of the random draws. best of k: expected "
    "score of the best of k draws (exact, over all subsets of the draws), [95 % bootstrap interval over draws; too "
    "narrow near the largest k, because no resample contains a better draw than the best one observed]. These select "
    "the best draw on the same seeds that they report, which is optimistic; 'other seeds' selects on half of the seeds "
    "and reports the other half (averaged over both halves). ok: draws whose seeds all finished, of those run."
)
NONE = "–"  # noqa: RUF001


def budgets(most: int) -> list[int]:
    """1, 2, 5, 10, 20, 50, ... below `most`, and `most`."""
    steps = (first * 10**power for power in range(4) for first in (1, 2, 5))
    return [*(k for k in steps if k < most), *([most] if most else [])]


def _number(value: float | None) -> str:
    return NONE if value is None else number(value)


def _best(row: Variation, k: int) -> str:
    """`0.0211 [0.0193, 0.0402]` if the row has at least k draws."""
    if k > len(row.best):
        return NONE
    low, high = row.intervals[k - 1]
    return f"{number(row.best[k - 1])} [{number(low)}, {number(high)}]"


def _grid(table: Sensitivity) -> Grid:
    """A table as text."""
    most = max(len(row.draws) for row in table.rows)
    ks = budgets(most)
    header = ["variant", "ok", "default", "median", *(f"best of {k}" for k in ks), f"best of {most}, other seeds"]
    body = []
    for row in table.rows:
        held_out = row.held_out[-1] if len(row.held_out) == most and most else None
        body.append([
            row.title, f"{row.n_ok}/{len(row.draws)}", _number(row.default.score), _number(row.median),
            *(_best(row, k) for k in ks), _number(held_out),
        ])  # fmt: skip
    return Grid(header, body)


def short(settings: Mapping[str, object]) -> str:
    """Settings without their section: `lr=0.0031, d.lr=0.001, r1.gamma=0.2`."""
    return settings_text({key.partition(".")[2]: value for key, value in settings.items()})


def notes(table: Sensitivity) -> list[str]:
    """The notes below a table: the best settings, failures, missing runs and the total cost."""
    found = []
    for row in table.rows:
        best = row.winner
        if best:
            twins = sum(draw.score == best.score for draw in row.draws if draw.status == "ok") - 1
            also = f", tied with {twins} other{'s' if twins > 1 else ''}" if twins else ""
            found.append(
                f"{row.title}: best is draw {best.number} ({_number(best.score)}{also}): {short(best.settings)}"
            )
    for row in table.rows:
        if row.default.reason:
            found.append(f"{row.title}: default: {row.default.reason}")
        failed = [draw for draw in row.draws if draw.status == "failed"]
        if failed:
            reasons = "; ".join(f"draw {draw.number}: {draw.reason}" for draw in failed)
            count = f"{len(failed)} of {len(row.draws)} draws failed and count as {_number(table.worst)}"
            found.append(f"{row.title}: {count}, the worst of all draws and references ({reasons})")
        if row.asked > len(row.draws):
            found.append(f"{row.title}: {row.asked - len(row.draws)} of {row.asked} draws not run yet")
        missing = sum(draw.missing for draw in (row.default, *row.draws) if draw.status != "not run")
        if missing:
            found.append(f"{row.title}: {missing} seeds not run yet")
    return [*found, f"{table.trainings} trainings, {table.seconds:.0f} s of training in total"]


def _title(table: Sensitivity) -> str:
    return f"{table.dataset}: {table.score} {ARROWS[table.better]}"


def markdown(search: SavedSearch, tables: list[Sensitivity]) -> str:
    """GitHub Markdown, columns aligned so that it also reads as text."""
    parts = [f"# {escape_markdown(search.suite)}", "", *([escape_markdown(search.about), ""] if search.about else [])]
    for table in tables:
        parts += [f"## {escape_markdown(_title(table))}", "", *grid(_grid(table)), ""]
        parts += [*(f"- {escape_markdown(note)}" for note in notes(table)), ""]
    return "\n".join([*parts, escape_markdown(LEGEND) if tables else "No draw has finished yet.", ""])


def _draw_data(draw: DrawResult) -> dict[str, object]:
    return {
        "draw": draw.number, "settings": draw.settings, "status": draw.status, "reason": draw.reason,
        "mean": draw.score, "counted": draw.counted, "values": {str(seed): v for seed, v in draw.values.items()},
        "runs": list(draw.runs),
    }  # fmt: skip


def search_data(tables: list[Sensitivity]) -> list[dict[str, object]]:
    """The tables as JSON data for scripts."""
    return [
        {
            "dataset": table.dataset, "score": table.score, "better": table.better, "draws": table.draws,
            "failed_counts_as": table.worst, "trainings": table.trainings,
            "train_seconds": round(table.seconds, 3), "notes": notes(table),
            "rows": [_row_data(row) for row in table.rows],
        }
        for table in tables
    ]  # fmt: skip


class BestOf(NamedTuple):
    """The expected score of the best of k draws with its interval; `other_seeds` is None if draws have one seed."""

    k: int
    mean: float
    low: float
    high: float
    other_seeds: float | None


def _best_of(row: Variation) -> list[BestOf]:
    held_out: Sequence[float | None] = row.held_out or [None] * len(row.best)
    found = zip(row.best, row.intervals, held_out, strict=True)
    return [BestOf(k, mean, low, high, other) for k, (mean, (low, high), other) in enumerate(found, start=1)]


def _row_data(row: Variation) -> dict[str, object]:
    loss, architecture, _ = row.row.texts
    return {
        "loss": loss, "architecture": architecture, "n_ok": row.n_ok, "n": len(row.draws),
        "asked": row.asked, "trainings": len(row.trained), "default": _draw_data(row.default),
        "median": row.median, "best": [one._asdict() for one in _best_of(row)],
        "best_draw": row.winner.number if row.winner else None, "draws": [_draw_data(draw) for draw in row.draws],
    }  # fmt: skip


HEAD = [
    "suite", "dataset", "loss", "architecture", "score", "better", "kind", "number", "status",
    "value", "low", "high", "other_seeds", "n", "values", "settings",
]  # fmt: skip


def csv_text(search: SavedSearch, tables: list[Sensitivity]) -> str:
    """One line per draw (`kind` default or draw, `number` its number), for the median, and per k (`kind` best)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for table in tables:
        for row in table.rows:
            names = (search.suite, table.dataset, *row.row.texts[:2], table.score)
            labels = [neutralize_formula(name) for name in names]
            writer.writerows([*labels, table.better, *line] for line in _csv_lines(row))
    return text.getvalue()


def _csv_lines(row: Variation) -> Iterator[list[object]]:
    for draw in (row.default, *row.draws):
        kind = "draw" if draw.number else "default"
        values = " ".join(repr(value) for value in draw.values.values())
        settings = neutralize_formula(settings_text(draw.settings))
        yield [kind, draw.number, draw.status, draw.counted, "", "", "", len(draw.values), values, settings]
    yield ["median", "", "", row.median, "", "", "", len(row.draws), "", ""]
    for one in _best_of(row):
        yield ["best", one.k, "", *one[1:], len(row.draws), "", ""]


def json_text(search: SavedSearch, tables: list[Sensitivity]) -> str:
    return json.dumps(search_data(tables), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


FORMATS: dict[str, tuple[str, Callable[[SavedSearch, list[Sensitivity]], str]]] = {
    "markdown": ("search.md", markdown),
    "csv": ("search.csv", csv_text),
    "json": ("search.json", json_text),
}


def write_all(folder: Path, search: SavedSearch, tables: list[Sensitivity]) -> None:
    """Write every format to the search's folder."""
    for name, text in FORMATS.values():
        write_atomically(folder / name, text(search, tables).encode())


def show(console: Console, search: SavedSearch, tables: list[Sensitivity]) -> None:
    """On a terminal, intervals below values."""
    for table in tables:
        draw_grid(console, _grid(table), f"{search.suite}: {_title(table)}")
        for note in notes(table):
            console.print(Text(f"  {note}"), style="dim")
        console.print()
    console.print(Text(LEGEND if tables else "No draw has finished yet."), style="dim")
