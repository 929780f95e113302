"""Where samples fall: their share in every mode or class, and how many modes are captured of how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ganbench.analysis.figure_data import Variant, labelled, variants
from ganbench.errors import UsageError
from ganbench.report.plots import panels
from ganbench.report.plots.style import COLOURS, INK, TINY, Picture, extent, number
from ganbench.results import records
from ganbench.results.records import Record
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan

Array = NDArray[np.float64]
CAPTURED = 0.1
"""A mode with such a part of its fair share of the samples is captured."""
MOST = 32
DOTTED = 30
"""Modes beyond which dots of seeds are drawn no more."""


@dataclass(frozen=True)
class Histogram:
    """A variant: the share of each seed's samples by mode (seeds, modes), and outside all of them (seeds,)."""

    label: str
    title: str
    shares: Array
    outside: Array

    @property
    def captured(self) -> list[int]:
        """How many modes each seed has."""
        return [int(count) for count in (self.shares >= CAPTURED / self.shares.shape[1]).sum(axis=1)]


@dataclass(frozen=True)
class Histograms:
    """What is drawn; `real`: the share of real samples (modes,), or equal shares where it was not counted."""

    heading: str
    of: str
    real: Array
    counted: bool
    variants: tuple[Histogram, ...]
    notes: tuple[str, ...] = ()


def read(layout: SavedPlan, store: Store, dataset: str, names: Sequence[str] = (), whole: bool = False) -> Histograms:
    """The histograms in the records of a data set; those of `MOST` variants, or of all where `whole`.

    Raises `UsageError` where there is none, or where they differ in kind.
    """
    found, heading = variants(layout, store, dataset, names)
    counted = [one for variant in found for one in _counts(variant)]
    if not counted:
        raise UsageError(
            f"no run on {dataset} has counted its samples by mode: its data have no modes or classes, or it was "
            "trained by an older ganbench"
        )
    if len({(one.of, len(one.fake)) for one in counted}) > 1:
        raise UsageError(f"the runs on {dataset} count different modes, so their histograms cannot stand together")
    first = counted[0]
    real = next((one.real for one in counted if one.real), None)
    shares = np.array(real, float) / sum(real) if real else np.full(len(first.fake), 1 / len(first.fake))
    made = [_histogram(variant, len(shares)) for variant in found]
    most = len(found) if whole else MOST
    notes = [f"{most} of {len(found)} variants are drawn; choose with --variant"] if len(found) > most else []
    return Histograms(heading, first.of, shares, bool(real), tuple(made[:most]), tuple(notes))


def _histogram(variant: Variant, count: int) -> Histogram:
    own = _counts(variant)
    shares = np.array([[count / one.n for count in one.fake] for one in own]).reshape(len(own), count)
    outside = np.array([(one.outside or 0) / one.n for one in own])  # every image falls into some class
    return Histogram(labelled(variant.name, len(own), len(variant.runs)), variant.title, shares, outside)


def _counts(variant: Variant) -> list[records.Histogram]:
    return [found for record in variant.good.values() if (found := record.evaluation.histogram)]


def has(record: Record | None) -> bool:
    return bool(record and record.status == "ok" and record.evaluation.histogram)


def picture(data: Histograms) -> Picture:
    def height(width: float) -> float:
        return panels.height(len(data.variants), width, 0.6, _wide(data))

    return Picture(partial(draw, data), height, data.notes)


def _wide(data: Histograms) -> float:
    """The narrowest panel that shows so many bars."""
    return panels.NARROWEST if len(data.real) <= DOTTED else 2.6


def draw(data: Histograms, figure: Figure) -> None:
    """A panel a variant: bars are the pooled seeds, dots the seeds, the line the real data."""
    names = [one.label for one in data.variants]
    said = "bars: mean; dots: seeds; line: " + ("real data" if data.counted else "equal shares")
    what = {"modes": "mode", "classes": "class"}.get(data.of, data.of)
    grid = panels.grid(figure, names, (data.heading, said), (what, "share of samples"), _wide(data))
    top = max([*(float(share) for one in data.variants for share in one.shares.ravel()), float(data.real.max())]) * 1.3
    for axes, one in zip(grid, data.variants, strict=True):
        if one.shares.size:
            _bars(axes, one, data.real)
        else:
            panels.say(axes, "no histogram")
        axes.set(xlim=(-0.6, len(data.real) - 0.4), ylim=(0, top))
        axes.xaxis.set_major_locator(MaxNLocator(min(8, len(data.real)), integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.yaxis.set_major_formatter(lambda value, _: number(value))


def _captured(one: Histogram, room: float) -> str:
    """How many modes the seeds captured, and the share outside all of them, in as many words as have room (inches)."""
    low, high = min(one.captured), max(one.captured)
    span = f"{low if low == high else f'{low}-{high}'} of {one.shares.shape[1]}"
    outside = float(one.outside.mean())
    out = f", {100 * outside:.0f} % outside" if outside >= 0.005 else ""
    texts = (f"{span} captured{out}", f"{span}{out}", span)
    return next((text for text in texts if extent(text, TINY) <= room), span)


def _bars(axes: Axes, one: Histogram, real: Array) -> None:
    count = len(real)
    modes = np.arange(count)
    pooled = one.shares.mean(axis=0)
    half = 0.4 if count <= DOTTED else 0.5
    boxes = [[(m - half, 0), (m - half, share), (m + half, share), (m + half, 0)] for m, share in enumerate(pooled)]
    axes.add_collection(PolyCollection(boxes, facecolors=COLOURS[5], linewidths=0), autolim=False)
    if count <= DOTTED and len(one.shares) > 1:
        offsets = np.linspace(-0.25, 0.25, len(one.shares))[:, None]
        axes.plot((modes + offsets).ravel(), one.shares.ravel(), linestyle="none", marker="o", markersize=1.3,
                  color=COLOURS[0], markeredgewidth=0)  # fmt: skip
    figure = axes.get_figure(root=True)
    assert figure is not None
    room = float(axes.get_position().width * figure.get_size_inches()[0]) - 0.08
    axes.text(0.99, 0.98, _captured(one, room), transform=axes.transAxes, ha="right", va="top", fontsize=TINY)
    axes.stairs(real, np.arange(count + 1) - 0.5, color=INK, linewidth=0.8, baseline=None)
