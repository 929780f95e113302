"""Training signals, and scores at snapshots, over the steps of training: of variants, and of one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ganbench.analysis.figure_data.axes import ANYTHING, AxisRange, Bounds, axis_range, possible
from ganbench.analysis.figure_data.selection import VariantRuns, dataset_variants, limit_note
from ganbench.analysis.figure_data.series import Series, signal_series, snapshot_scores, snapshot_series
from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.registry.contracts import Direction
from ganbench.results.records import Record
from ganbench.results.run_files import History
from ganbench.results.store import Store
from ganbench.signals import BY_NAME, PANELS, SIGNALS, TABLE
from ganbench.statistics.differences import MIN_SEEDS
from ganbench.suite.labels import variant_title
from ganbench.suite.plan_file import SavedPlan

DEFAULT = tuple(signal.name for signal in TABLE if signal.in_figures)
MAX_PER_PANEL, MAX_VARIANTS = 4, 32
"""Variants in one panel, beyond which their bands hide each other, and in one figure."""
OUTLIER_FACTOR = 5.0
"""An axis that many times longer than what 98 % of the values need is cut to those."""


@dataclass(frozen=True)
class Curve:
    """One variant's values of a signal or score."""

    label: str
    series: Series


@dataclass(frozen=True)
class CurvePanel:
    """One signal or score; `curves` in the order of the labels, None for a variant without such a signal."""

    name: str
    label: str
    curves: tuple[Curve | None, ...]
    equilibrium: float | None = None
    log: bool = False
    bounds: Bounds = ANYTHING

    @property
    def value_axis(self) -> AxisRange:
        """The axis of all values and of the level at equilibrium; outliers are cut off."""
        values = np.concatenate([curve.series.values.ravel() for curve in self.curves if curve])
        values = values[np.isfinite(values)]
        low, high = np.quantile(values, [0.01, 0.99])
        cut = not self.log and high > low and values.max() - values.min() > OUTLIER_FACTOR * (high - low)
        ends = [low, high] if cut else [values.min(), values.max()]
        level = [] if self.equilibrium is None else [self.equilibrium]
        return axis_range([*map(float, ends), *level], self.log, bounds=self.bounds)

    @property
    def step_axis(self) -> AxisRange:
        return step_range(max(float(curve.series.steps[-1]) for curve in self.curves if curve))


@dataclass(frozen=True)
class CurvesInfo:
    """Panels of curves; `band` is `range` or `interval`, see `Series.band`."""

    heading: str
    labels: tuple[str, ...]
    panels: tuple[CurvePanel, ...]
    band: str = "range"
    notes: tuple[str, ...] = ()


def step_range(last: float) -> AxisRange:
    """The axis of the training steps, with room for a marker at the last one."""
    return AxisRange(0, max(last, 1) * 1.02)


def curves_info(
    plan: SavedPlan, store: Store, dataset: str, asked: Sequence[str] = (), scores: Sequence[str] = (),
    names: Sequence[str] = (), band: str = "range",
) -> CurvesInfo:  # fmt: skip
    """Signals (those asked for, else `DEFAULT` unless scores are asked for) and scores of a dataset's variants.

    Raises `UsageError` for an unknown name, or if no run has such a signal or snapshots with that score.
    """
    found, heading = dataset_variants(plan, store, dataset, names)
    shown = found[:MAX_VARIANTS]
    few = len(shown) <= MAX_PER_PANEL
    asked = asked or (() if scores else DEFAULT if few else DEFAULT[:1])
    panels = [*_signal_panels(store, shown, asked, dataset), *_score_panels(shown, scores, dataset)]
    if not few and len(panels) > 1:
        raise UsageError(
            f"{len(shown)} variants need one panel each: ask for one signal or score, or name up to {MAX_PER_PANEL} "
            "variants with --variant"
        )
    notes = (*limit_note(len(shown), len(found)), *(_interval_notes(panels) if band == "interval" else ()))
    return CurvesInfo(heading, tuple(variant.label for variant in shown), tuple(panels), band, notes)


def _interval_notes(panels: Sequence[CurvePanel]) -> list[str]:
    """The note that some intervals are missing."""
    curves = [curve for panel in panels for curve in panel.curves if curve]
    short = dict.fromkeys(one.label for one in curves if np.isfinite(one.series.values).sum(axis=0).min() < MIN_SEEDS)
    return [f"{', '.join(short)}: no interval where fewer than {MIN_SEEDS} seeds were running"] if short else []


def run_curves_info(store: Store, run_id: str, asked: Sequence[str] = (), scores: Sequence[str] = ()) -> CurvesInfo:
    """The same of one run. Raises `UsageError`."""
    record = store.run(run_id)
    assert record is not None
    spec = record.spec
    name = f"{variant_title(spec.composition, spec.architecture.name)}, seed {spec.seed}"
    one = VariantRuns(name, name, {spec.seed: run_id}, {spec.seed: record})
    label = name if record.ok else f"{name}, {record.status}"
    asked = asked or (() if scores else DEFAULT)
    panels = [*_signal_panels(store, [one], asked, run_id), *_score_panels([one], scores, run_id)]
    return CurvesInfo(f"{spec.dataset.name}, run {run_id}", (label,), tuple(panels))


def _signal_panels(store: Store, variants: Sequence[VariantRuns], asked: Sequence[str], where: str) -> list[CurvePanel]:
    for name in asked:
        if name not in SIGNALS:
            raise UsageError(f"there is no signal {name!r}{suggestion(name, list(SIGNALS))}")
    found = [signal_series(store, variant, asked) for variant in variants]
    panels = []
    for name in asked:
        curves = _curves(variants, [own.get(name) for own in found])
        if not any(curves):
            raise UsageError(f"no run of {where} has recorded {name!r} (history.csv in the folders of {store.runs})")
        signal = BY_NAME[name]
        log = signal.scale == "log" and _positive(curves)
        panels.append(CurvePanel(name, signal.label, curves, signal.equilibrium, log))
    return panels


def _score_panels(variants: Sequence[VariantRuns], scores: Sequence[str], where: str) -> list[CurvePanel]:
    panels = []
    for score in scores:
        cards = [r.evaluation.cards for variant in variants for r in variant.records.values() if r]
        known = list(dict.fromkeys(name for own in cards for name in own))
        if score not in known:
            raise UsageError(f"no run of {where} has the score {score!r}{suggestion(score, known)}")
        curves = _curves(variants, [snapshot_series(variant, score) for variant in variants])
        if not any(curves):
            raise UsageError(
                f"no run of {where} has snapshots with {score!r}; set evaluation.snapshots in the suite (10, say) and "
                "run it again"
            )
        card = next(own[score] for own in cards if score in own)
        log = card.kind == "log" and _positive(curves)
        panels.append(
            CurvePanel(score, score, _on_logs(curves) if log else curves, log=log, bounds=possible(card.kind))
        )
    return panels


def _curves(variants: Sequence[VariantRuns], series: Sequence[Series | None]) -> tuple[Curve | None, ...]:
    return tuple(Curve(v.label, found) if found else None for v, found in zip(variants, series, strict=True))


def _on_logs(curves: tuple[Curve | None, ...]) -> tuple[Curve | None, ...]:
    return tuple(one and replace(one, series=replace(one.series, log=True)) for one in curves)


def _positive(curves: Sequence[Curve | None]) -> bool:
    return all(curve.series.positive for curve in curves if curve)


class Line(NamedTuple):
    """One line of a run's chart: `values` by step, NaN if there is none."""

    label: str
    steps: Sequence[float]
    values: Sequence[float]


@dataclass(frozen=True)
class RunPanel:
    """The lines of one chart of a run, and the values at equilibrium to compare them with."""

    title: str
    lines: tuple[Line, ...]
    levels: tuple[float, ...] = ()
    log: bool = False


def run_signal_panels(history: History) -> list[RunPanel]:
    """The training signals of a run by panel, without those that it has not recorded."""
    steps = history.column("step")
    panels = []
    for title in PANELS:
        columns = {signal: history.column(signal.name) for signal in TABLE if signal.panel == title}
        there = [signal for signal, values in columns.items() if any(value == value for value in values)]
        lines = tuple(Line(signal.label, steps, columns[signal]) for signal in there)
        levels = sorted({signal.equilibrium for signal in there if signal.equilibrium is not None})
        if lines:
            panels.append(RunPanel(title, lines, tuple(levels), there[0].scale == "log"))
    return panels


def run_score_panels(record: Record) -> list[tuple[Direction, RunPanel]]:
    """The scores of a run at its snapshots and at its end, a panel each, with the direction that is better."""
    panels = []
    for name, card in record.evaluation.cards.items():
        values = snapshot_scores(record, name)
        if values:
            log = card.kind == "log" and min(values.values()) > 0
            panels.append((card.better, RunPanel(name, (Line(name, list(values), list(values.values())),), log=log)))
    return panels
