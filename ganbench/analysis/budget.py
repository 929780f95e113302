"""Equal budgets: every run after the same steps or seconds, and the time to reach a score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf, isfinite
from statistics import median_low
from typing import Literal, NamedTuple

from ganbench.analysis.tables import Read, Reading
from ganbench.errors import UsageError
from ganbench.results.records import Cost, Record
from ganbench.results.store import Store
from ganbench.suite.plan_file import PlanRow

Budget = Literal["steps", "time"]
UNITS = {"steps": "steps", "time": "s of training"}


class Stage(NamedTuple):
    """A run at one moment: a snapshot, or its end."""

    step: float
    seconds: float
    scores: Mapping[str, float]

    def spent(self, budget: Budget) -> float:
        return self.step if budget == "steps" else self.seconds


def _stages(record: Record) -> Iterator[Stage]:
    for entry in record.evaluation.snapshots:
        if entry.metrics:
            yield Stage(entry.step, entry.train_seconds, entry.metrics)
    seconds = record.cost.train_seconds
    if record.status == "ok" and seconds is not None:
        yield Stage(record.spec.train.steps, seconds, record.evaluation.metrics)


def equal(budget: Budget) -> Reading:
    """A view of a dataset's records at the largest budget that all finished runs had.

    For `time`, that is the shortest training of any finished run; each run is then read at its
    last snapshot within the budget (the end of training counts as one), also if it failed later.
    Raises `UsageError` if a finished run has no snapshot within it.
    """

    def reading(read: Read) -> Read:
        done = [list(_stages(r)) for _, records in read for r in records.values() if r and r.status == "ok"]
        ends = [stages[-1].spent(budget) for stages in done if stages]
        if not ends:
            return read
        limit = min(ends)
        return [(row, {seed: _at(row, r, budget, limit) for seed, r in records.items()}) for row, records in read]

    return reading


def _at(row: PlanRow, record: Record | None, budget: Budget, limit: float) -> Record | None:
    """A record at its last snapshot within the budget; a run that failed before stays failed."""
    if record is None:
        return None
    stages = list(_stages(record))
    within = [stage for stage in stages if stage.spent(budget) <= limit]
    if record.status == "ok" and not within:
        raise UsageError(
            f"{row.variant.title} on {row.dataset.text} has no snapshot within {limit:g} {UNITS[budget]}, the "
            "budget of the shortest run; set evaluation.snapshots in the suite (for example to 10) and run it again"
        )
    later = any(stage.spent(budget) > limit for stage in stages)
    if not within or not (record.status == "ok" or later):
        return record
    last = within[-1]
    cards = {
        name: replace(card, snapshot_within=f"{limit:g} {UNITS[budget]}")
        for name, card in record.evaluation.cards.items()
    }
    evaluation = replace(
        record.evaluation,
        metrics=last.scores,
        cards=cards,
        verdict=None,
        missing={},
        noise={},
        at_reference_counts=None,
    )
    return replace(
        record, failure=None, evaluation=evaluation, diagnosis=None, cost=Cost(), read_at=(last.step, last.seconds)
    )


@dataclass(frozen=True)
class Reached:
    """When half of a variant's seeds had reached a score; None if fewer than half did."""

    variant: str
    dataset: str
    target: str
    n: int
    reached: int
    step: float | None
    seconds: float | None
    snapshots: int


def reach(target: str, rows: tuple[PlanRow, ...], store: Store) -> list[Reached]:
    """For `SCORE=VALUE`: when the first snapshot that is at least as good was taken, by variant.

    Raises `UsageError` for a target of another form, or a score that no run has.
    """
    score, equals, text = target.rpartition("=")
    try:
        value = float(text)
    except ValueError:
        value = inf
    if not equals or not score or not isfinite(value):
        raise UsageError(f"--reach {target!r}: write SCORE=VALUE, as in modes=8")
    read = [(row, [record for record in row.records(store).values() if record is not None]) for row in rows]
    if not any(record.evaluation.snapshots for _, records in read for record in records):
        raise UsageError(
            "--reach requires snapshots; set evaluation.snapshots in the suite (for example to 10) and run it again"
        )
    everything = [record for _, records in read for record in records]
    cards = [(row, card) for row, records in read for r in records if (card := r.evaluation.cards.get(score))]
    better = {row.dataset.text: card.better for row, card in cards}
    if not better:
        known = sorted({name for record in everything for name in record.evaluation.metrics})
        raise UsageError(f"--reach: no run has the score {score!r}; there are {', '.join(known) or 'none'}")
    return [
        _reached(row, records, (score, value, better[row.dataset.text]), target)
        for row, records in read
        if row.dataset.text in better
    ]


def _reached(row: PlanRow, records: list[Record], wanted: tuple[str, float, str], target: str) -> Reached:
    firsts = [_first(record, *wanted) for record in records] + [(inf, inf)] * (len(row.runs) - len(records))
    step, seconds = (median_low(times) for times in zip(*firsts, strict=True))
    return Reached(
        row.variant.title, row.dataset.text, target, len(row.runs), sum(s < inf for s, _ in firsts),
        step if step < inf else None, seconds if seconds < inf else None,
        max((len(record.evaluation.snapshots) for record in records), default=0),
    )  # fmt: skip


def _first(record: Record, score: str, value: float, better: str) -> tuple[float, float]:
    """Step and seconds of the first stage that is good enough, or infinity."""
    for stage in _stages(record):
        found = stage.scores.get(score)
        if found is not None and (found >= value if better == "higher" else found <= value):
            return stage.step, stage.seconds
    return inf, inf


def plain(found: list[Reached]) -> list[dict[str, object]]:
    return [vars(one) for one in found]
