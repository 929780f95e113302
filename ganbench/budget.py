"""Equal budgets: every run as it stood after the same steps or seconds, and how soon a score was reached."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from statistics import median
from typing import Any, Literal

from ganbench.errors import UsageError
from ganbench.layout import Row
from ganbench.records import Record, Store
from ganbench.tables import Read, Reading

Budget = Literal["steps", "time"]
UNITS = {"steps": "steps", "time": "s of training"}


def equal(budget: Budget) -> Reading:
    """A reading of a data set's records at the largest budget that all its variants had.

    For `time`, that is the shortest training of any finished run; each run is then read at its
    last snapshot within the budget (the end of training counts as one). Raises `UsageError` where
    a run has no snapshot within it.
    """

    def reading(read: Read) -> Read:
        done = [(row, r) for row, records in read for r in records.values() if r and r["status"] == "ok"]
        if not done:
            return read
        limit = min(_spent(record, budget) for _, record in done)
        return [(row, {seed: _at(row, r, budget, limit) for seed, r in records.items()}) for row, records in read]

    return reading


def _spent(record: Record, budget: Budget) -> float:
    return float(record["spec"]["train"]["steps"] if budget == "steps" else record["cost"]["train_seconds"])


def _stages(record: Record, budget: Budget) -> list[tuple[float, dict[str, float]]]:
    """What a run had reached: (steps or seconds, scores), the end included."""
    key = "step" if budget == "steps" else "train_seconds"
    stages = [(float(entry[key]), entry["metrics"]) for entry in record.get("snapshots", ()) if entry["metrics"]]
    return [*stages, (_spent(record, budget), record["metrics"])]


def _at(row: Row, record: Record | None, budget: Budget, limit: float) -> Record | None:
    if record is None or record["status"] != "ok":
        return record
    within = [stage for stage in _stages(record, budget) if stage[0] <= limit]
    if not within:
        raise UsageError(
            f"{row.loss} x {row.architecture} on {row.dataset} has no snapshot within {limit:g} {UNITS[budget]}, what "
            "the shortest run had; set evaluation.snapshots in the suite (10, say) and run it again"
        )
    checkpoint = f"last snapshot within {limit:g} {UNITS[budget]}"
    shown = {name: {**card, "checkpoint": checkpoint} for name, card in record["cards"].items()}
    return {**record, "metrics": within[-1][1], "cards": shown, "verdict": None}


@dataclass(frozen=True)
class Reached:
    """How soon a variant's seeds reached a score: medians over all seeds, None where most never did."""

    variant: str
    dataset: str
    target: str
    n: int
    reached: int
    step: float | None
    seconds: float | None
    snapshots: int


def reach(target: str, rows: tuple[Row, ...], store: Store) -> list[Reached]:
    """For `SCORE=VALUE`: when the first snapshot at least so good was taken, by variant.

    Raises `UsageError` for a target of another form, or a score that no run has.
    """
    score, equals, text = target.rpartition("=")
    try:
        value = float(text)
    except ValueError:
        equals = ""
    if not equals or not score:
        raise UsageError(f"--reach {target!r}: write SCORE=VALUE, as in modes=8 or 'FID[digits16]=50'")
    found = []
    known: set[str] = set()
    for row in rows:
        records = [record for id_ in row.runs.values() if (record := store.run(id_)) is not None]
        known.update(*(record["metrics"] for record in records))
        better = next((r["cards"][score]["better"] for r in records if score in r["cards"]), None)
        if better is not None:
            found.append(_reached(row, records, score, value, better, target))
    if not found:
        raise UsageError(f"--reach: no run has the score {score!r}; there are {', '.join(sorted(known)) or 'none'}")
    return found


def _reached(row: Row, records: list[Record], score: str, value: float, better: str, target: str) -> Reached:
    firsts = [_first(record, score, value, better) for record in records]
    steps, seconds = (median(times) for times in zip(*firsts, strict=True))
    return Reached(
        f"{row.loss} x {row.architecture}", row.dataset, target, len(records), sum(s < inf for s, _ in firsts),
        steps if steps < inf else None, seconds if seconds < inf else None,
        min(len(record.get("snapshots", ())) for record in records),
    )  # fmt: skip


def _first(record: Record, score: str, value: float, better: str) -> tuple[float, float]:
    """Step and seconds of the first snapshot that is good enough, or infinity."""
    for (step, metrics), (seconds, _) in zip(_stages(record, "steps"), _stages(record, "time"), strict=True):
        if score in metrics and (metrics[score] >= value if better == "higher" else metrics[score] <= value):
            return step, seconds
    return inf, inf


def plain(found: list[Reached]) -> list[dict[str, Any]]:
    return [vars(one) for one in found]
