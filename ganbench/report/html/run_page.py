"""One run in full: what its page says, made from its record and its history."""

from __future__ import annotations

import csv
from math import nan
from pathlib import Path
from typing import Any

from ganbench.analysis.score_table import TableRow
from ganbench.formatting import number
from ganbench.report.html.cells import cost
from ganbench.report.html.charts import Chart, bars, curves, timeline
from ganbench.report.html.content import Content, Run
from ganbench.report.text.grid import ARROWS
from ganbench.results import protocol
from ganbench.results.records import AnyRecord, Record
from ganbench.signals import LEVELS, MEANING

PANELS = (
    ("losses", ("d_loss", "g_loss"), False),
    ("mean D(x) and D(G(z))", ("d_real", "d_fake"), False),
    ("accuracy of D, and P(D(x) > D(G(z)))", ("accuracy_real", "accuracy_fake", "p_real_above_fake"), False),
    ("Jensen-Shannon estimate, nats", ("js",), False),
    ("diversity of fakes over that of reals", ("diversity",), False),
    ("gradient norms, log scale", ("d_gradient", "g_gradient"), True),
)
"""Which signals are drawn together, and whether on a logarithmic axis."""


def history(path: Path) -> dict[str, list[float]]:
    """The columns of a history.csv; empty fields are NaN. Nothing where there is no such file, or a damaged one."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        return {name: [float(row[i]) if row[i] else nan for row in rows] for i, name in enumerate(head)}
    except (OSError, ValueError, IndexError, csv.Error):
        return {}


def signals(record: Record, columns: dict[str, list[float]]) -> list[Chart]:
    """The training signals as charts, with a mark where the diagnosis begins to find something."""
    steps = columns.get("step", [])
    since = [finding.since for finding in record.diagnosis or ()]
    length = record.spec.train.steps
    drawn = []
    for name, parts, log in PANELS:
        there = [part for part in parts if any(v == v for v in columns.get(part, ()))]
        lines = [(MEANING[part], steps, columns[part]) for part in there]
        levels = sorted({LEVELS[part] for part in there if part in LEVELS})
        if steps and lines:
            drawn.append(curves(name, lines, length, log, since, levels))
    return drawn


def progress(record: Record) -> list[Chart]:
    """Scores over the snapshots of a training, and at its end, a chart a score."""
    taken = [entry for entry in record.evaluation.snapshots if entry.metrics]
    if not taken:
        return []
    drawn = []
    for name, card in record.evaluation.cards.items():
        points = [(float(entry.step), entry.metrics[name]) for entry in taken if name in entry.metrics]
        points.append((record.spec.train.steps, record.evaluation.metrics[name]))
        at, values = zip(*sorted(dict(points).items()), strict=True)
        log = card.scale == "log" and min(values) > 0
        title = f"{name} {ARROWS[card.better]}" + (", log scale" if log else "")
        drawn.append(curves(title, [(name, at, values)], record.spec.train.steps, log))
    return drawn


def histogram(record: AnyRecord) -> Chart | None:
    """Samples a mode or class, beside what as many real samples give."""
    counts = record.evaluation.histogram
    if not counts:
        return None
    real = None
    if counts.real:
        share = counts.n / max(1, counts.n_real or sum(counts.real))
        real = [count * share for count in counts.real]
    what = "mode" if counts.of == "modes" else "class"
    return bars(f"samples by {what}", counts.fake, real)


def findings(record: Record) -> Chart | None:
    """The diagnosis as bars over the steps."""
    found = record.diagnosis
    if not found:
        return None
    return timeline([(one.flag, one.since, one.fault) for one in found], record.spec.train.steps)


def scores(content: Content, run: Run) -> list[dict[str, Any]]:
    """Every score beside its variant's mean and real data, with its protocol in words."""
    record = run.record
    assert record is not None
    table = content.table(run.row.dataset.text)
    variant = _row(table.rows, "variant", *run.row.texts[:2])
    real = _row(table.rows, "reference", "real data", "")
    return [
        {
            "name": name,
            "value": number(value),
            "better": record.evaluation.cards[name].better,
            "mean": _mean(variant, name),
            "real": _mean(real, name),
        }
        for name, value in record.evaluation.metrics.items()
    ]


def protocols(record: AnyRecord) -> list[tuple[str, str]]:
    """The protocol cards in words, scores with the same one together."""
    found: dict[str, list[str]] = {}
    for name, card in record.evaluation.cards.items():
        found.setdefault(protocol.sentence(card), []).append(name)
    return [(", ".join(names), text) for text, names in found.items()]


def _row(rows: tuple[TableRow, ...], kind: str, loss: str, architecture: str) -> TableRow | None:
    return next((r for r in rows if (r.kind, r.loss, r.architecture) == (kind, loss, architecture)), None)


def _mean(row: TableRow | None, name: str) -> str:
    mean = row.scores[name].mean if row and name in row.scores else None
    return "" if mean is None else number(mean)


def costs(record: Record) -> list[tuple[str, str]]:
    """What it cost, in words."""
    units = {
        "train_seconds": "s of training",
        "images": "real samples seen",
        "images_per_second": "real samples a second",
        "peak_memory_bytes": "MiB of memory at the peak",
    }
    known = {key: getattr(record.cost, key) for key in units}
    return [(cost(key, value), units[key]) for key, value in known.items() if value is not None]


def facts(value: Any) -> list[tuple[str, str]]:
    """A nested part of a record as names and texts, dotted: `extractor.name`."""
    if isinstance(value, dict):
        inner = [(key, part) for key, item in value.items() for part in facts(item)]
        return [(f"{key}.{name}" if name else key, text) for key, (name, text) in inner]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        inner = [(str(i), part) for i, item in enumerate(value) for part in facts(item)]
        return [(f"{key}.{name}" if name else key, text) for key, (name, text) in inner]
    if isinstance(value, list):
        return [("", ", ".join(map(str, value)))]
    return [("", "none" if value is None else str(value))]


def traceback(folder: Path) -> str:
    """The traceback of a failure, its end where it is very long."""
    try:
        return (folder / "traceback.txt").read_text(encoding="utf-8", errors="replace")[-20_000:]
    except OSError:
        return ""
