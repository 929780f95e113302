"""Training signals, and scores at snapshots, over the steps of training: mean and band over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.analysis.figure_data import Variant, variants
from ganbench.analysis.series import Series, signals, snapshots
from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.report.plots import panels
from ganbench.report.plots.style import (
    GREY,
    PALE,
    SMALL,
    TEXT,
    Look,
    Picture,
    columns,
    extent,
    fitted,
    legend,
    legend_height,
    limits,
    literal,
    looks,
    scale,
)
from ganbench.results.store import Store
from ganbench.signals import LEVELS, MEANING, SIGNALS
from ganbench.suite.plan_file import SavedPlan

DEFAULT = ("p_real_above_fake", "diversity")
"""What shows the balance of the players and a collapse for every loss, also where logits are no log-odds."""
LOG = ("d_gradient", "g_gradient")
BANDS = {"range": "range", "interval": "95 % interval"}
TOGETHER, MOST = 4, 32
"""Variants in one panel, beyond which their bands hide each other, and in one figure."""
CUT = 5.0
"""An axis so many times longer than what 98 % of the values need is cut to these."""


@dataclass(frozen=True)
class Curve:
    label: str
    series: Series


@dataclass(frozen=True)
class Panel:
    """One signal or score: a curve a variant; `level`: its value at equilibrium, where it has one."""

    name: str
    text: str
    curves: tuple[Curve | None, ...]
    """in the order of the labels; None for a variant that has no such signal"""
    level: float | None = None
    log: bool = False


@dataclass(frozen=True)
class Curves:
    heading: str
    labels: tuple[str, ...]
    panels: tuple[Panel, ...]
    band: str = "range"
    notes: tuple[str, ...] = ()


def read(
    layout: SavedPlan, store: Store, dataset: str, asked: Sequence[str] = (), scores: Sequence[str] = (),
    names: Sequence[str] = (), band: str = "range",
) -> Curves:  # fmt: skip
    """Signals (those asked for, else `DEFAULT` unless scores are asked for) and scores of a data set's variants.

    Raises `UsageError` for an unknown name, or where no run has such a signal or snapshots with that score.
    """
    found, heading = variants(layout, store, dataset, names)
    notes = [f"{MOST} of {len(found)} variants are drawn; choose with --variant"] if len(found) > MOST else []
    found = found[:MOST]
    asked = asked or (() if scores else DEFAULT if len(found) <= TOGETHER else DEFAULT[:1])
    wanted = [*_signals(store, found, asked, dataset), *_scores(found, scores, dataset)]
    if len(found) > TOGETHER and len(wanted) > 1:
        raise UsageError(
            f"{len(found)} variants want a panel each: ask for one signal or score, or name up to {TOGETHER} variants "
            "with --variant"
        )
    return Curves(heading, tuple(variant.label for variant in found), tuple(wanted), band, tuple(notes))


def read_run(store: Store, id_: str, asked: Sequence[str] = (), scores: Sequence[str] = ()) -> Curves:
    """The same of one run. Raises `UsageError`."""
    record = store.run(id_)
    assert record is not None
    spec = record.spec
    name = f"{spec.loss.name} x {spec.architecture.name}, seed {spec.seed}"
    one = Variant(name, name, {spec.seed: id_}, {spec.seed: record})
    label = name if record.status == "ok" else f"{name}, {record.status}"
    wanted = [*_signals(store, [one], asked or (() if scores else DEFAULT), id_), *_scores([one], scores, id_)]
    return Curves(f"{spec.dataset.name}, run {id_}", (label,), tuple(wanted))


def _signals(store: Store, found: Sequence[Variant], asked: Sequence[str], where: str) -> list[Panel]:
    for name in asked:
        if name not in SIGNALS:
            raise UsageError(f"there is no signal {name!r}{suggestion(name, list(SIGNALS))}")
    read = [signals(store, variant, asked) for variant in found]
    made = []
    for name in asked:
        curves = [
            Curve(variant.label, own[name]) if name in own else None for variant, own in zip(found, read, strict=True)
        ]
        if not any(curves):
            raise UsageError(f"no run of {where} has recorded {name!r} (history.csv in the folders of {store.runs})")
        log = name in LOG and all(np.nanmin(curve.series.values) > 0 for curve in curves if curve)
        made.append(Panel(name, MEANING[name], tuple(curves), LEVELS.get(name), log))
    return made


def _scores(found: Sequence[Variant], scores: Sequence[str], where: str) -> list[Panel]:
    made = []
    for score in scores:
        cards = [r.evaluation.cards for variant in found for r in variant.records.values() if r]
        known = list(dict.fromkeys(name for own in cards for name in own))
        if score not in known:
            raise UsageError(f"no run of {where} has the score {score!r}{suggestion(score, known)}")
        read = [snapshots(variant, score) for variant in found]
        curves = [Curve(v.label, series) if series else None for v, series in zip(found, read, strict=True)]
        if not any(curves):
            raise UsageError(
                f"no run of {where} has snapshots with {score!r}; set evaluation.snapshots in the suite (10, say) and "
                "run it again"
            )
        card = next(own[score] for own in cards if score in own)
        log = card.scale == "log" and all(np.nanmin(curve.series.values) > 0 for curve in curves if curve)
        made.append(Panel(score, score, tuple(curves), None, log))
    return made


def picture(data: Curves) -> Picture:
    many = len(data.labels) > TOGETHER
    return Picture(partial(_many if many else _few, data), partial(_height, data, many), data.notes)


def _height(data: Curves, many: bool, width: float) -> float:
    if many:
        return panels.height(len(data.labels), width, 0.72)
    count = columns(_texts(data, width), width)
    each = min(0.45 * width, 1.9) if len(data.panels) == 1 else min(0.36 * width, 1.5)
    return 0.4 + each * len(data.panels) + legend_height(len(_texts(data, width)), count)


def _texts(data: Curves, width: float) -> list[str]:
    whole = [all(curves) for curves in zip(*(panel.curves for panel in data.panels), strict=True)]
    own = [literal(label) if there else f"{literal(label)} (not in all panels)"
           for label, there in zip(data.labels, whole, strict=True)]  # fmt: skip
    ended = any(curve and curve.series.ends for panel in data.panels for curve in panel.curves)
    return [fitted(text, width - 0.6) for text in own] + ["a seed ended"] * ended


def _said(data: Curves) -> str:
    """What line and band are."""
    if all(len(curve.series.values) == 1 for panel in data.panels for curve in panel.curves if curve):
        return ""
    return f"mean and {BANDS[data.band]} of seeds"


def _few(data: Curves, figure: Figure) -> None:
    """A panel a signal, all variants in it."""
    grid = figure.subplots(len(data.panels), 1, sharex=True, squeeze=False)[:, 0]
    chosen = looks(len(data.labels))
    for axes, panel in zip(grid, data.panels, strict=True):
        for i, (curve, look) in enumerate(zip(panel.curves, chosen, strict=True)):
            if curve:
                _draw(axes, curve.series, look, data.band, (i + 0.5) / len(chosen))
        _axes(axes, panel)
        axes.set_ylabel(fitted(literal(panel.text), 1.3, TEXT))
    said, wide = _said(data), float(figure.get_size_inches()[0])
    grid[0].set_title(fitted(literal(data.heading), wide - extent(said) - 0.8, TEXT))
    grid[0].set_title(said, loc="right", color=GREY, fontsize=SMALL)
    grid[-1].set_xlabel("step")
    texts = _texts(data, wide)
    handles = [Line2D([], [], color=k.colour, linestyle=k.dashes, marker=k.marker, markersize=3) for k in chosen]
    handles += [Line2D([], [], color=GREY, linestyle="none", marker="x", markersize=3.5)] * (len(texts) > len(handles))
    legend(figure, handles, texts, columns(texts, wide))


def _many(data: Curves, figure: Figure) -> None:
    """A panel a variant, all means pale behind it."""
    (panel,) = data.panels
    grid = panels.grid(figure, data.labels, (data.heading, _said(data)), ("step", panel.text))
    others = [np.column_stack([curve.series.steps, curve.series.mean]) for curve in panel.curves if curve]
    for axes, curve in zip(grid, panel.curves, strict=True):
        axes.add_collection(LineCollection(others, colors=PALE, linewidths=0.4, zorder=1), autolim=False)
        if curve:
            _draw(axes, curve.series, looks(1)[0]._replace(marker=""), data.band, 0.5)
        else:
            panels.say(axes, "no value")
        _axes(axes, panel)


def _draw(axes: Axes, series: Series, look: Look, band: str, place: float) -> None:
    if len(series.values) > 1:
        low, high = series.band(band)
        axes.fill_between(series.steps, low, high, color=look.colour, alpha=0.16, linewidth=0, zorder=2)
    every = max(1, len(series.steps) // 5)
    axes.plot(series.steps, series.mean, color=look.colour, linestyle=look.dashes, marker=look.marker, markersize=3,
              markevery=(int(place * every), every), zorder=3)  # fmt: skip
    if series.ends:
        x, y = zip(*series.ends, strict=True)
        axes.plot(x, y, linestyle="none", marker="x", markersize=3.5, color=look.colour, zorder=4)


def _axes(axes: Axes, panel: Panel) -> None:
    """Both axes; the level of equilibrium as a thin line."""
    values = np.concatenate([curve.series.values.ravel() for curve in panel.curves if curve])
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [0.01, 0.99])
    cut = not panel.log and high > low and values.max() - values.min() > CUT * (high - low)
    shown = [low, high] if cut else [values.min(), values.max()]
    if panel.level is not None:
        shown.append(panel.level)
        axes.axhline(panel.level, color=GREY, linewidth=0.6, linestyle=(0, (1, 1.5)), zorder=1)
    ends = limits([float(value) for value in shown], panel.log)
    axes.set_yscale("log" if panel.log else "linear")
    axes.set_ylim(*ends)
    scale(axes.yaxis, *ends, panel.log)
    last = max(float(curve.series.steps[-1]) for curve in panel.curves if curve)
    axes.set_xlim(0, max(last, 1) * 1.02)
    scale(axes.xaxis, 0, last, False)
