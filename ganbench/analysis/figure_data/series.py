"""Training signals and snapshot scores of a variant's seeds on common steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from ganbench.analysis.figure_data.selection import VariantRuns
from ganbench.results.records import Record
from ganbench.results.run_files import read_history
from ganbench.results.store import Store
from ganbench.statistics.differences import MIN_SEEDS
from ganbench.statistics.significance import CONFIDENCE

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """One quantity of several seeds: `steps` (steps,), `values` (seeds, steps), NaN if a seed has none.

    With `log` means are geometric and intervals those of the logarithms.
    """

    steps: Array
    values: Array
    log: bool = False

    @property
    def mean(self) -> Array:
        """The mean over the seeds that were still running, (steps,)."""
        return self._undone(np.nanmean(self._scaled, axis=0))

    @property
    def ends(self) -> list[tuple[float, float]]:
        """(step, value) of each seed that ended before the last step."""
        last = [np.flatnonzero(np.isfinite(row))[-1] for row in self.values]
        return [(self.steps[i], row[i]) for i, row in zip(last, self.values, strict=True) if i < len(self.steps) - 1]

    def band(self, kind: str) -> tuple[Array, Array]:
        """Lowest and highest (steps,): the `range` of the seeds, or Student's 95 % `interval` of their mean.

        The interval is NaN where fewer than `MIN_SEEDS` seeds were still running.
        """
        if kind == "range":
            return np.nanmin(self.values, axis=0), np.nanmax(self.values, axis=0)
        from scipy.special import stdtrit

        scaled, count = self._scaled, np.isfinite(self.values).sum(axis=0)
        center = np.nanmean(scaled, axis=0)
        freedom = np.maximum(count - 1, 1)
        error = np.sqrt(np.nansum((scaled - center) ** 2, axis=0) / freedom / np.maximum(count, 1))
        half = np.where(count >= MIN_SEEDS, stdtrit(freedom, 0.5 + CONFIDENCE / 2) * error, np.nan)
        return self._undone(center - half), self._undone(center + half)

    @property
    def positive(self) -> bool:
        """Whether all values are above 0, so that they have logarithms."""
        return bool(np.nanmin(self.values) > 0)

    @property
    def _scaled(self) -> Array:
        return np.log(self.values) if self.log else self.values

    def _undone(self, values: Array) -> Array:
        return np.exp(values) if self.log else np.asarray(values)


def signal_series(store: Store, variant: VariantRuns, names: Sequence[str]) -> dict[str, Series]:
    """Training signals of all seeds with a history, by name, without those that no seed has.

    Raises `ResultsError` if a history is damaged.
    """
    seeds: dict[str, list[dict[float, float]]] = {name: [] for name in names}
    for run_id in variant.runs.values():
        history = read_history(store.runs / run_id)
        steps = history.column("step") if history else []
        for name, found in seeds.items():
            values = history.column(name) if history else []
            found.append({step: value for step, value in zip(steps, values, strict=False) if isfinite(value)})
    made = {name: _series(found) for name, found in seeds.items()}
    return {name: series for name, series in made.items() if series is not None}


def snapshot_scores(record: Record, score: str) -> dict[float, float]:
    """A score at the snapshots of a run and at its end, by step; {} if no snapshot has it."""
    values = {float(one.step): one.metrics[score] for one in record.evaluation.snapshots if score in one.metrics}
    if values and score in record.evaluation.metrics:
        values[float(record.spec.train.steps)] = record.evaluation.metrics[score]
    return dict(sorted(values.items()))


def snapshot_series(variant: VariantRuns, score: str) -> Series | None:
    """A score at the snapshots of all seeds and at their end, None if no seed has snapshots with it."""
    return _series([snapshot_scores(record, score) for record in variant.records.values() if record])


def _series(seeds: Sequence[Mapping[float, float]]) -> Series | None:
    steps = sorted({step for seed in seeds for step in seed})
    if not steps:
        return None
    return Series(np.array(steps), np.array([[seed.get(step, np.nan) for step in steps] for seed in seeds if seed]))
