"""The figure of `ganbench verify --theory`: D against D*."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ganbench.report.plots.figure import BEST, FAKE, REAL, TRAINED, probability, rendered
from ganbench.theory.check import Finding, Report
from ganbench.theory.densities import CONTROL, best

COLUMNS = 3
SIDE = 241


def drawn(report: Report, form: str) -> bytes:
    """One panel per finding in one dimension, two per finding in two dimensions."""
    panels: list[Callable[[Axes], None]] = []
    for finding in (*report.findings, report.control):
        if finding.pair.real.dims == 1:
            panels.append(partial(_curves, finding))
        else:
            panels += [
                partial(_map, finding, "D", finding.d),
                partial(_map, finding, "D*", partial(best, finding.pair)),
            ]
    rows = -(-len(panels) // COLUMNS)
    return rendered(lambda figure: _fill(figure, panels, rows), (4 * COLUMNS, 3.2 * rows), form)


def _fill(figure: Figure, panels: list[Callable[[Axes], None]], rows: int) -> None:
    for index, panel in enumerate(panels):
        panel(figure.add_subplot(rows, COLUMNS, index + 1))
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)


def _curves(finding: Finding, axes: Axes) -> None:
    """Both densities (scaled to a maximum of 1) as areas, D* and the trained D as lines."""
    pair = finding.pair
    low, high = (
        end(end(side.centres)[0] + sign * 3.5 * side.std for side in (pair.real, pair.fake))
        for end, sign in ((min, -1), (max, 1))
    )
    x = torch.linspace(low, high, 801)[:, None]
    real, fake = (side.log(x).exp() for side in (pair.real, pair.fake))
    top = max(real.max(), fake.max())
    for density, color, label in ((real, REAL, "p_r (scaled)"), (fake, FAKE, "p_g (scaled)")):
        axes.fill_between(x[:, 0], density / top, color=color, alpha=0.2, linewidth=0, label=label)
    axes.plot(x[:, 0], best(pair, x), color=BEST, linewidth=2.5, label="D* = p_r / (p_r + p_g)")
    axes.plot(x[:, 0], finding.d(x), color=TRAINED, linewidth=1.2, linestyle="--", label="trained D")
    axes.set(ylim=(-0.03, 1.03), xlim=(low, high))
    _title(finding, axes)


def _map(finding: Finding, name: str, of: Callable[[Tensor], Tensor], axes: Axes) -> None:
    half = 3.5
    axis = torch.linspace(-half, half, SIDE)
    points = torch.cartesian_prod(axis, axis).flip(1)  # rows are y, upward
    image = probability(axes, of(points).reshape(SIDE, SIDE).numpy(), (-half, half, -half, half))
    axes.figure.colorbar(image, ax=axes)
    _title(finding, axes, f"{name}: ")


def _title(finding: Finding, axes: Axes, before: str = "") -> None:
    verdict = "pass" if finding.holds else "fail" if finding.pair != CONTROL else "fails, as it should"
    axes.set_title(
        f"{before}{finding.pair.name}\nJS {finding.true_js:.4f}, from D {finding.js:.4f}; "
        f"mean |D - D*| {finding.gap:.4f}: {verdict}",
        fontsize=8,
    )
