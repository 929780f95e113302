"""Training signals and snapshots of a variant's seeds, on common steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganbench.analysis.figure_data import Variant
from ganbench.results import run_files
from ganbench.results.store import Store

Array = NDArray[np.float64]


class Series(NamedTuple):
    """One quantity of several seeds: `values` (seeds, steps), NaN where a seed has none."""

    steps: Array
    values: Array

    @property
    def mean(self) -> Array:
        """The mean over the seeds that were still running, (steps,)."""
        return np.asarray(np.nanmean(self.values, axis=0))

    @property
    def ends(self) -> list[tuple[float, float]]:
        """(step, value) where a seed ended before the last step."""
        last = [np.flatnonzero(np.isfinite(row))[-1] for row in self.values]
        return [(self.steps[i], row[i]) for i, row in zip(last, self.values, strict=True) if i < len(self.steps) - 1]

    def band(self, kind: str) -> tuple[Array, Array]:
        """Lowest and highest (steps,): the `range` of the seeds, or Student's 95 % `interval` of their mean."""
        if kind == "range":
            return np.nanmin(self.values, axis=0), np.nanmax(self.values, axis=0)
        from scipy.special import stdtrit

        count = np.isfinite(self.values).sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt(np.nansum((self.values - self.mean) ** 2, axis=0) / (count - 1) / count)
            half = np.where(count > 1, stdtrit(np.maximum(count - 1, 1), 0.975) * error, np.nan)
        return self.mean - half, self.mean + half


def signals(store: Store, variant: Variant, names: Sequence[str]) -> dict[str, Series]:
    """Training signals of all seeds that left a history, by name; those that no seed has are left out.

    Raises `ResultsError` where a history is damaged.
    """
    read = [run_files.columns(store.runs / id_ / "history.csv", names) for id_ in variant.runs.values()]
    return {name: found for name in names if (found := _series([seed.get(name, {}) for seed in read])) is not None}


def snapshots(variant: Variant, score: str) -> Series | None:
    """A score at the snapshots of all seeds and at their end, or None where no seed has snapshots with it."""
    found = []
    for record in variant.records.values():
        entries = record.evaluation.snapshots if record else ()
        values = {float(entry.step): entry.metrics[score] for entry in entries if score in entry.metrics}
        if values and record and score in record.evaluation.metrics:
            values[float(record.spec.train.steps)] = record.evaluation.metrics[score]
        found.append(values)
    return _series(found)


def _series(seeds: Sequence[dict[float, float]]) -> Series | None:
    steps = sorted({step for seed in seeds for step in seed})
    if not steps:
        return None
    return Series(np.array(steps), np.array([[seed.get(step, np.nan) for step in steps] for seed in seeds if seed]))
