"""How many modes are captured, against how many there are, over a suite's data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.analysis.figure_data import datasets, labelled
from ganbench.errors import UsageError
from ganbench.report.plots import modes
from ganbench.report.plots.style import (
    DISTINCT,
    GREY,
    Picture,
    columns,
    fitted,
    legend,
    legend_height,
    literal,
    looks,
    scale,
)
from ganbench.results.store import Store
from ganbench.statistics.means import mean
from ganbench.suite.plan_file import SavedPlan


@dataclass(frozen=True)
class Captured:
    """By data set, fewest modes first: its name, how many modes, and each variant's captured modes by seed."""

    labels: tuple[str, ...]
    datasets: tuple[tuple[str, int, tuple[tuple[int, ...], ...]], ...]
    notes: tuple[str, ...] = ()


def read(layout: SavedPlan, store: Store, names: Sequence[str] = ()) -> Captured:
    """Raises `UsageError` where no data set has histograms."""
    found, said = {}, []
    for dataset in datasets(layout):
        try:
            found[dataset] = modes.read(layout, store, dataset, names, whole=True)
        except UsageError as error:
            said.append(str(error))
    if not found:
        raise UsageError(said[0])
    titles = list(dict.fromkeys(one.title for data in found.values() for one in data.variants))
    shown = titles[:DISTINCT]
    some = len(titles) > DISTINCT
    notes = [f"{len(shown)} of {len(titles)} variants are drawn; choose with --variant"] if some else []
    labels = [labelled(title, *_finished(layout, store, title, list(found))) for title in shown]
    entries = [
        (dataset, len(data.real), tuple(tuple(_of(data, title)) for title in shown)) for dataset, data in found.items()
    ]
    return Captured(tuple(labels), tuple(sorted(entries, key=lambda entry: entry[1])), tuple(notes))


def _of(data: modes.Histograms, title: str) -> list[int]:
    return next((one.captured for one in data.variants if one.title == title), [])


def _finished(layout: SavedPlan, store: Store, title: str, shown: Sequence[str]) -> tuple[int, int]:
    """Seeds with a histogram, and seeds asked for, over the data sets drawn."""
    ids = [
        id_
        for row in layout.rows
        if row.variant.title == title and row.dataset.text in shown
        for id_ in row.runs.values()
    ]
    return sum(modes.has(store.run(id_)) for id_ in ids), len(ids)


def picture(data: Captured) -> Picture:
    def height(width: float) -> float:
        texts = _texts(data, width)
        return min(0.6 * width, 3.2) + legend_height(len(texts), columns(texts, width))

    return Picture(partial(draw, data), height, data.notes)


def _texts(data: Captured, width: float) -> list[str]:
    return [fitted(literal(label), width - 0.5) for label in data.labels]


def draw(data: Captured, figure: Figure) -> None:
    """A group a data set, in it the variants side by side: dots for seeds, a marker for their mean."""
    axes = figure.subplots()
    offsets = np.linspace(-0.3, 0.3, len(data.labels)) if len(data.labels) > 1 else np.zeros(1)
    chosen = looks(len(data.labels))
    for place, (_, count, seeds) in enumerate(data.datasets):
        axes.plot([place - 0.42, place + 0.42], [1, 1], color=GREY, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
        for offset, look, captured in zip(offsets, chosen, seeds, strict=True):
            if captured:
                shares = np.array(captured) / count
                aside = np.linspace(-0.03, 0.03, len(shares)) if len(shares) > 1 else np.zeros(1)
                axes.plot(place + offset + aside, shares, linestyle="none", marker=look.marker, markersize=2,
                          color=look.colour, markeredgewidth=0, alpha=0.6, zorder=2)  # fmt: skip
                axes.plot([place + offset], [mean(shares)], linestyle="none", marker=look.marker, markersize=5,
                          color=look.colour, markeredgecolor="white", markeredgewidth=0.5, zorder=3)  # fmt: skip
    room = float(figure.get_size_inches()[0]) / len(data.datasets) * 0.8
    axes.set_xticks(range(len(data.datasets)), [f"{fitted(literal(d), room)}\n{k} modes" for d, k, _ in data.datasets])
    axes.set_xlim(-0.5, len(data.datasets) - 0.5)
    axes.set_ylim(0, 1.06)
    scale(axes.yaxis, 0, 1, False)
    axes.set_ylabel("captured modes, share of all")
    handles = [Line2D([], [], color=k.colour, linestyle="none", marker=k.marker, markersize=4) for k in chosen]
    texts = _texts(data, float(figure.get_size_inches()[0]))
    legend(figure, handles, texts, columns(texts, float(figure.get_size_inches()[0])))
