"""The share of samples in every mode or class, and the modes that each seed captured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganbench.analysis.figure_data.selection import (
    VariantRuns,
    dataset_variants,
    datasets,
    limit_note,
    short_names,
    with_count,
)
from ganbench.errors import UsageError
from ganbench.results.records import Histogram, Record
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan

Array = NDArray[np.float64]
MAX_VARIANTS, MAX_DISTINCT = 32, 7
"""Variants in one figure, a panel each, and variants in one panel, beyond which colors repeat."""
THRESHOLD = "share"
"""The hyperparameter of a metric that counts modes: the part of its fair share at which a mode is captured."""


@dataclass(frozen=True)
class VariantModes:
    """A variant: the share of each seed's samples by mode (seeds, modes), and outside all of them (seeds,).

    `captured` is the number of modes that each seed captured, None if no score of the run counts them.
    """

    label: str
    title: str
    shares: Array
    outside: Array
    captured: tuple[int | None, ...]


@dataclass(frozen=True)
class ModesInfo:
    """`real`: the share of real samples (modes,), or equal shares if they were not counted; `of`: modes or classes."""

    heading: str
    of: str
    real: Array
    counted: bool
    variants: tuple[VariantModes, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CapturedModes:
    """One dataset: its number of modes, and each variant's captured modes by seed."""

    dataset: str
    modes: int
    captured: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ModeCaptureInfo:
    """The captured modes of every variant, by dataset, fewest modes first; `heading` is what all names share."""

    heading: str
    labels: tuple[str, ...]
    datasets: tuple[CapturedModes, ...]
    notes: tuple[str, ...] = ()


def has_histogram(record: Record | None) -> bool:
    """Whether a run finished and counted its samples by mode."""
    return bool(record and record.ok and record.evaluation.histogram)


def capture_threshold(record: Record) -> float | None:
    """The part of its fair share of samples at which a mode is captured, from the card of the score that counts them.

    None if no score of the run counts modes.
    """
    params = (card.metric.params for card in record.evaluation.cards.values())
    return next((float(value) for own in params if isinstance(value := own.get(THRESHOLD), int | float)), None)


def captured_modes(record: Record) -> int | None:
    """How many modes a run captured, as its score counts them; None if no score does."""
    counts, threshold = record.evaluation.histogram, capture_threshold(record)
    if counts is None or threshold is None:
        return None
    return sum(count >= threshold * counts.n / len(counts.fake) for count in counts.fake)


def real_counts(counts: Histogram) -> list[float] | None:
    """How many of `counts.n` real samples each mode has, None if they were not counted."""
    if not counts.real:
        return None
    scale = counts.n / max(1, counts.n_real or sum(counts.real))
    return [count * scale for count in counts.real]


def modes_info(
    plan: SavedPlan, store: Store, dataset: str, names: Sequence[str] = (), limit: int | None = MAX_VARIANTS
) -> ModesInfo:
    """The histograms of a dataset's runs, of at most `limit` variants.

    Raises `UsageError` if there are none, or if runs count different modes.
    """
    variants, heading = dataset_variants(plan, store, dataset, names)
    counts = [found for variant in variants for found in _histograms(variant)]
    if not counts:
        raise UsageError(
            f"no run on {dataset} has counted its samples by mode: its data have no modes or classes, or it was "
            "trained by an older ganbench"
        )
    if len({(one.of, len(one.fake)) for one in counts}) > 1:
        raise UsageError(f"the runs on {dataset} count different modes, so their histograms cannot be compared")
    first = counts[0]
    real = next((one.real for one in counts if one.real), None)
    shares = np.array(real, float) / sum(real) if real else np.full(len(first.fake), 1 / len(first.fake))
    shown = variants[:limit]
    made = tuple(_variant_modes(variant, len(shares)) for variant in shown)
    notes = tuple(limit_note(len(shown), len(variants)))
    return ModesInfo(heading, first.of, shares, bool(real), made, notes)


def _variant_modes(variant: VariantRuns, modes: int) -> VariantModes:
    own = _histograms(variant)
    shares = np.array([[count / one.n for count in one.fake] for one in own]).reshape(len(own), modes)
    outside = np.array([(one.outside or 0) / one.n for one in own])  # every image falls into some class
    captured = tuple(captured_modes(record) for record in variant.finished.values() if record.evaluation.histogram)
    label = with_count(variant.name, len(own), len(variant.runs))
    return VariantModes(label, variant.title, shares, outside, captured)


def _histograms(variant: VariantRuns) -> list[Histogram]:
    return [found for record in variant.finished.values() if (found := record.evaluation.histogram)]


def mode_capture_info(
    plan: SavedPlan, store: Store, names: Sequence[str] = (), limit: int = MAX_DISTINCT
) -> ModeCaptureInfo:
    """The captured modes over a suite's datasets, of at most `limit` variants.

    Raises `UsageError` if no dataset has runs that counted their modes.
    """
    found, errors = {}, []
    for dataset in datasets(plan):
        try:
            info = modes_info(plan, store, dataset, names, limit=None)
        except UsageError as error:
            errors.append(str(error))
        else:
            if any(count is not None for variant in info.variants for count in variant.captured):
                found[dataset] = info
            else:
                errors.append(f"no score of the runs on {dataset} counts captured modes")
    if not found:
        raise UsageError(errors[0])
    titles = list(dict.fromkeys(one.title for info in found.values() for one in info.variants))
    shown = titles[:limit]
    pairs = {row.variant.title: row.variant.texts for row in plan.rows}
    short, common = short_names([pairs[title] for title in shown])
    labels = [with_count(short[pairs[title]], *_finished(plan, store, title, list(found))) for title in shown]
    entries = [
        CapturedModes(dataset, len(info.real), tuple(_captured(info, title) for title in shown))
        for dataset, info in found.items()
    ]
    entries.sort(key=lambda entry: entry.modes)
    return ModeCaptureInfo(common, tuple(labels), tuple(entries), tuple(limit_note(len(shown), len(titles))))


def _captured(info: ModesInfo, title: str) -> tuple[int, ...]:
    own = next((one.captured for one in info.variants if one.title == title), ())
    return tuple(count for count in own if count is not None)


def _finished(plan: SavedPlan, store: Store, title: str, shown: Sequence[str]) -> tuple[int, int]:
    """How many seeds have a histogram, and how many were asked for, over the datasets drawn."""
    records = [
        record
        for row in plan.rows
        if row.variant.title == title and row.dataset.text in shown
        for record in row.records(store).values()
    ]
    return sum(map(has_histogram, records)), len(records)
