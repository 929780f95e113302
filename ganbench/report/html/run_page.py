"""The contents of a run's page, made from its record and its history."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ganbench.analysis.figure_data.curves import run_score_panels, run_signal_panels
from ganbench.analysis.figure_data.modes import real_counts
from ganbench.analysis.score_table import TableRow
from ganbench.errors import ResultsError
from ganbench.files import MOST_OF_A_RECORD, read_file
from ganbench.formatting import number
from ganbench.report.html.cells import cost
from ganbench.report.html.charts import Chart, curves_chart, diagnosis_chart, histogram_chart
from ganbench.report.html.content import Content, Run
from ganbench.report.text.grid import ARROWS
from ganbench.report.text.spread import shown
from ganbench.results import protocol
from ganbench.results.identity import by_name
from ganbench.results.records import AnyRecord, EqualCounts, Record
from ganbench.results.run_files import read_history
from ganbench.suite.specs import resolved_evaluation


def signal_charts(record: Record, folder: Path) -> list[Chart]:
    """The training signals, with a mark at each step at which a finding begins; no chart if the history is damaged."""
    try:
        history = read_history(folder)
        panels = run_signal_panels(history) if history else []
    except ResultsError:
        return []
    since = [finding.since for finding in record.diagnosis or ()]
    steps = record.spec.train.steps
    return [curves_chart(panel.title, panel.lines, steps, panel.log, since, panel.levels) for panel in panels]


def snapshot_charts(record: Record) -> list[Chart]:
    """The scores at snapshots and at the end of training, one chart per score."""
    charts = []
    for better, panel in run_score_panels(record):
        title = f"{panel.title} {ARROWS[better]}" + (", log scale" if panel.log else "")
        charts.append(curves_chart(title, panel.lines, record.spec.train.steps, panel.log))
    return charts


def histogram(record: AnyRecord) -> Chart | None:
    """The samples per mode or class, beside the counts of as many real samples."""
    counts = record.evaluation.histogram
    if not counts:
        return None
    what = "mode" if counts.of == "modes" else "class"
    return histogram_chart(f"samples by {what}", counts.fake, real_counts(counts))


def findings(record: Record) -> Chart | None:
    """The findings of the diagnosis as bars over the steps."""
    found = record.diagnosis
    if not found:
        return None
    return diagnosis_chart([(one.flag, one.since, one.fault) for one in found], record.spec.train.steps)


class RunScore(NamedTuple):
    """One score of a run, with the means of its variant and of real data.

    `first` is the score of the run's first samples, as many as there are held-out real ones; empty if it has no more.
    """

    name: str
    value: str
    better: str
    mean: str
    real: str
    first: str = ""


def fewer(record: AnyRecord) -> EqualCounts | None:
    """The scores at the number of held-out real samples, if the run has more."""
    at = record.evaluation.at_reference_counts
    most = max((card.fake_samples for card in record.evaluation.cards.values()), default=0)
    return at if at is not None and at.samples < most else None


def scores(content: Content, run: Run) -> list[RunScore]:
    """Every score beside its variant's mean and that of real data."""
    record = run.record
    assert record is not None
    table = content.table(run.row.dataset.text)
    variant = _row(table.rows, "variant", *run.row.texts[:2])
    real = _row(table.rows, "reference", "real data", "")
    at = fewer(record)
    first = {} if at is None else {name: number(value) for name, value in at.scores.items()}
    return [
        RunScore(
            name, number(value), record.evaluation.cards[name].better, _mean(variant, name), _mean(real, name),
            first.get(name, ""),
        )
        for name, value in record.evaluation.metrics.items()
    ]  # fmt: skip


def evidence(record: AnyRecord) -> list[tuple[str, str]]:
    """Every fault of the samples that has evidence: its kind, and what shows it."""
    verdict = record.evaluation.verdict
    own = [] if verdict is None else [fault for faults in verdict.by.values() for fault in faults]
    return [(fault.kind, fault.evidence) for fault in own if fault.evidence]


def protocols(record: AnyRecord) -> list[tuple[str, str]]:
    """The protocol cards in words, scores with the same card together."""
    found: dict[str, list[str]] = {}
    for name, card in record.evaluation.cards.items():
        found.setdefault(protocol.sentence(card), []).append(name)
    return [(", ".join(names), text) for text, names in found.items()]


def _row(rows: tuple[TableRow, ...], kind: str, loss: str, architecture: str) -> TableRow | None:
    return next((r for r in rows if (r.kind, r.loss, r.architecture) == (kind, loss, architecture)), None)


def _mean(row: TableRow | None, name: str) -> str:
    return str(shown(row.scores[name], row.n)) if row and name in row.scores else ""


def costs(record: Record) -> list[tuple[str, str]]:
    """The costs of a run with their units."""
    units = {
        "train_seconds": "s of training",
        "images": "real samples seen",
        "images_per_second": "real samples per second",
        "peak_memory_bytes": "MiB of peak memory",
    }
    known = {key: getattr(record.cost, key) for key in units}
    return [(cost(key, value), units[key]) for key, value in known.items() if value is not None]


def specification(record: Record) -> dict[str, object]:
    """The training as the record holds it, and the evaluation if the run has been evaluated."""
    evaluated = {"evaluation": resolved_evaluation(record.spec.evaluation)} if record.evaluation_id else {}
    return {**record.spec.resolved(), **evaluated}


def facts(value: object) -> list[tuple[str, str]]:
    """A nested part of a record as dotted names and texts: `extractor.name`, of plugins in a list `loss.r1.gamma`.

    Of a plugin its hyperparameters are listed; one without them has the text "none".
    """
    named = by_name(value)
    if named is not None:
        return facts({name: own.get("params") or None for name, own in named.items()})
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
    """The traceback of a failure, only its end if it is very long."""
    try:
        return read_file(folder / "traceback.txt", MOST_OF_A_RECORD).decode(errors="replace")[-20_000:]
    except OSError:
        return ""
