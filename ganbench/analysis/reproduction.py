"""Compares a replayed run with its record and finds the first divergence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from pathlib import Path
from typing import Literal

from ganbench.errors import ResultsError
from ganbench.results.manifest import checksum
from ganbench.results.records import AnyRecord, Record
from ganbench.results.run_files import HISTORY, WEIGHTS, read_history
from ganbench.statistics import significance
from ganbench.statistics.differences import MIN_SEEDS

ROUNDING = 1e-6
"""Relative gap of two scores that only the last bits of float32 explain: its resolution is 1.2e-7."""

ENVIRONMENT = ("platform", "processor", "device", "threads", "python", "path", "lanes", "revision", "protocol")
"""Facts of the provenance that may change bits; libraries and plugins are compared one by one."""
Verdict = Literal["bit-identical", "same failure", "within rounding", "within the seeds' spread", "different"]


@dataclass(frozen=True)
class ScoreGap:
    """One score as recorded and as replayed; `low` and `high` are the seeds' spread, if there are enough seeds."""

    name: str
    recorded: float | None
    replayed: float | None
    low: float | None = None
    high: float | None = None

    @property
    def relative(self) -> float:
        """|a - b| over the larger of |a| and |b|."""
        if self.recorded is None or self.replayed is None:
            return inf
        largest = max(abs(self.recorded), abs(self.replayed))
        return abs(self.recorded - self.replayed) / largest if largest else 0.0

    @property
    def inside(self) -> bool:
        if self.replayed is None or self.low is None or self.high is None:
            return False
        return self.low <= self.replayed <= self.high


@dataclass(frozen=True)
class Difference:
    """The first step in the history whose signals differ: {signal: (recorded, replayed)}."""

    step: int
    signals: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class Comparison:
    """Everything compared between a record and its replay."""

    verdict: Verdict
    statuses: tuple[str, str]
    reasons: tuple[str, str]
    scores: tuple[ScoreGap, ...]
    files: dict[str, str]
    """name -> `same`, `different`, or why it is not known"""
    first: Difference | None
    environment: tuple[str, ...]
    """Differences that may explain other bits."""

    @property
    def same(self) -> bool:
        return self.verdict != "different"


def compare(
    record: AnyRecord,
    folder: Path,
    again: AnyRecord,
    again_folder: Path,
    seeds: Sequence[Record] = (),
    changed: Sequence[str] = (),
) -> Comparison:
    """A record and its replay, each with the folder of its files; `seeds` are runs of the same spec and other seeds,
    `changed` differences that are known already.

    Bit-identical: status, every score (snapshots' too), and the bytes of history and weights, as far
    as the record holds them. Within rounding: every score to a relative 1e-6. Within the seeds'
    spread: training is chaotic, so that another rounding is in effect another seed; only if the
    environment differs, it is enough that every score lies in the interval that contains a
    further seed's scores, all of them together, with 95 % probability (Student's t).
    """
    files = {name: _file(record, folder, again, name) for name in (HISTORY, WEIGHTS)}
    names = dict.fromkeys([*record.evaluation.metrics, *again.evaluation.metrics])
    scores = tuple(_gap(name, record, again, seeds) for name in names)
    statuses, reasons = (record.status, again.status), (record.reason, again.reason)
    first = _first(folder, again_folder) if files[HISTORY] == OTHER else None
    environment = (*changed, *_environment(record, again))
    verdict = _verdict(record, again, scores, files, bool(environment))
    return Comparison(verdict, statuses, reasons, scores, files, first, environment)


OTHER = "different"


def _verdict(
    record: AnyRecord, again: AnyRecord, scores: Sequence[ScoreGap], files: Mapping[str, str], elsewhere: bool
) -> Verdict:
    if record.status != again.status:
        return "different"
    exact = all(score.recorded == score.replayed for score in scores) and _snapshots(record) == _snapshots(again)
    if exact and OTHER not in files.values():
        if "same" not in files.values() and not scores:
            return "same failure" if record.status != "ok" else "different"
        return "bit-identical"
    if not scores:
        return "different"
    if all(score.relative <= ROUNDING for score in scores):
        return "within rounding"
    if elsewhere and all(score.relative <= ROUNDING or score.inside for score in scores):
        return "within the seeds' spread"
    return "different"


def _snapshots(record: AnyRecord) -> list[tuple[int, dict[str, float]]]:
    return [(entry.step, dict(entry.metrics)) for entry in record.evaluation.snapshots]


def _file(record: AnyRecord, folder: Path, again: AnyRecord, name: str) -> str:
    """Whether a file has the recorded bytes. Raises `ResultsError` if the file in the folder has not."""
    stated, now = record.files.get(name), again.files.get(name)
    if stated is None:
        return "not recorded"
    path = folder / name
    if path.exists() and (path.is_symlink() or not path.is_file() or checksum(path)[1] != stated):
        raise ResultsError(f"{path} does not match the checksum in its record; `ganbench verify` lists all changes")
    return "same" if stated == now else "not replayed" if now is None else OTHER


def _gap(name: str, record: AnyRecord, again: AnyRecord, seeds: Sequence[Record]) -> ScoreGap:
    count = len(record.evaluation.metrics)
    known = [seed.evaluation.metrics[name] for seed in seeds if seed.status == "ok" and name in seed.evaluation.metrics]
    values = [*known, *([record.evaluation.metrics[name]] if name in record.evaluation.metrics else [])]
    card = record.evaluation.cards.get(name)
    scale = "log" if card and card.kind == "log" else "linear"
    low, high = spread(values, scale, count) if len(values) >= MIN_SEEDS else (None, None)
    return ScoreGap(name, record.evaluation.metrics.get(name), again.evaluation.metrics.get(name), low, high)


def spread(values: Sequence[float], scale: str, scores: int) -> tuple[float, float]:
    """The interval of a further seed, with 95 % probability for all `scores` together (Student's t, Bonferroni)."""
    logs = scale == "log" and min(values) > 0
    taken = [log(value) for value in values] if logs else list(values)
    mean, part = significance.moments(taken)
    alpha = (1 - significance.CONFIDENCE) / max(1, scores)
    half = significance.quantile(len(taken) - 1, 1 - alpha) * sqrt(part * (len(taken) + 1))
    return (exp(mean - half), exp(mean + half)) if logs else (mean - half, mean + half)


def _first(recorded: Path, replayed: Path) -> Difference | None:
    """The first row in which the histories of two folders differ; None if one of them cannot be read."""
    try:
        a, b = read_history(recorded), read_history(replayed)
    except ResultsError:
        return None
    if a is None or b is None:
        return None
    for one, other in zip(a.rows, b.rows, strict=False):
        if one != other:
            signals = {name: (x, y) for name, x, y in zip(a.names, one, other, strict=False) if x != y}
            return Difference(int(one[0]), signals)
    if len(a.rows) != len(b.rows):
        longer = max(a, b, key=lambda history: len(history.rows))
        step = int(longer.rows[min(len(a.rows), len(b.rows))][0])
        return Difference(step, {"rows": (str(len(a.rows)), str(len(b.rows)))})
    return None


def _environment(record: AnyRecord, again: AnyRecord) -> list[str]:
    """Differences of the two environments, such as `torch 2.15.0, here 2.14.0`."""
    a, b = record.provenance, again.provenance
    pairs = [(key, getattr(a, key), getattr(b, key)) for key in ENVIRONMENT]
    pairs = [(key, there, here) for key, there, here in pairs if there is not None]
    pairs += [(name, version, b.libraries.get(name)) for name, version in a.libraries.items()]
    pairs += [
        (f"source of {key}", plugin.source, b.plugins[key].source if key in b.plugins else None)
        for key, plugin in a.plugins.items()
    ]
    return [f"{name} {there}, here {here}" for name, there, here in pairs if here is not None and there != here]
