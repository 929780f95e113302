"""The surface of D in the plane against D*, from the known density of the data and a kernel estimate of G's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import pi
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from ganbench.errors import UsageError
from ganbench.evaluation.images import plot_square
from ganbench.registry.registry import Registry
from ganbench.report.plots.figure import FAKE, probability, rendered
from ganbench.results.records import Record
from ganbench.theory.kernels import Function, KnownDensity, kernel_at, kernel_grid, mode_width, smoothed
from ganbench.theory.models import plugin, trained_models

SIDE, ZOOM = 400, 8
"""Pixels per side of a panel, and half the side of the lower panels in widths of a mode."""
SAMPLES, SHOWN, CHECKED = 100_000, 2_500, 1_000
"""Samples of G: in the kernel estimate, drawn as dots, and compared pointwise (with as many real ones)."""
MIN_KERNEL_SAMPLES = 5
"""D* is left undefined (grey) if both densities together have fewer expected samples under a kernel."""
Image: TypeAlias = "NDArray[np.float32]"


@dataclass(frozen=True)
class Surface:
    """The picture, the kernel's standard deviation, and mean |D - D*| over real and fake samples."""

    picture: bytes
    bandwidth: float
    gap: float
    log_odds: bool


def surface(record: Record, folder: Path, registry: Registry, form: str) -> Surface:
    """D, D* and G's samples of a finished run on points of known density, in the plane and near one mode.

    Raises `UsageError` if the run did not end well or its dataset has no known density in the plane,
    `MissingError` if the weights are missing.
    """
    if record.status != "ok":
        raise UsageError(f"run {record.id} is {record.status}, not ok: it has no trained discriminator to draw")
    dataset = plugin(record, "dataset", registry)
    name = record.spec.dataset.name
    if tuple(dataset.shape) != (2,) or getattr(dataset, "log_density", None) is None:
        raise UsageError(f"dataset {name!r} has no known density in the plane (a `log_density` of 2-D points)")
    log_odds = bool(getattr(plugin(record, "loss", registry), "log_odds", False))
    models = trained_models(record, folder, plugin(record, "architecture", registry), dataset)
    fake, real = models.samples(SAMPLES), dataset.load("test").samples
    center, half = plot_square(real)
    width = mode_width(dataset, real)
    h = min(width / 4, float(half) / 20)
    whole = _plane(dataset, models.logits, fake, (center, half), h)
    near = _plane(dataset, models.logits, fake, (whole.met, half * min(1, ZOOM * width / float(half))), h)
    gap = _gap(dataset, models.logits, torch.cat([real[:CHECKED], fake[:CHECKED]]), fake, h)
    picture = rendered(partial(_draw, whole, near, log_odds), (15, 9.6), form)
    return Surface(picture, h, gap, log_odds)


@dataclass(frozen=True)
class _Plane:
    """What is drawn over a square: D, D* (NaN if undefined) and log p_r, each (SIDE, SIDE), and samples."""

    extent: tuple[float, float, float, float]
    d: Image
    best: Image
    log_real: Image
    fake: Tensor
    h: float
    met: Tensor
    """the point (2,) at which p_r * p_g is largest"""


def _plane(dataset: KnownDensity, logits: Function, fake: Tensor, square: tuple[Tensor, Tensor], h: float) -> _Plane:
    """Compute what is drawn over a square, given by its center (2,) and half its side."""
    center, half = square
    axis = (torch.arange(SIDE) + 0.5) / SIDE * 2 - 1
    across, up = axis * half + center[0], axis * half + center[1]
    grid = torch.cartesian_prod(up, across).flip(1)  # rows are y, upwards
    p_real = smoothed(dataset.log_density, grid, h).reshape(SIDE, SIDE)
    p_fake = kernel_grid(fake, across, up, h)
    least = MIN_KERNEL_SAMPLES / (len(fake) * 4 * pi * h**2)
    best = torch.where(p_real + p_fake < least, torch.nan, p_real / (p_real + p_fake))
    low, high = (center - half).tolist(), (center + half).tolist()
    d, log_real = (x.reshape(SIDE, SIDE).numpy() for x in (logits(grid).sigmoid(), dataset.log_density(grid)))
    met = grid[(p_real * p_fake).argmax()]
    return _Plane((low[0], high[0], low[1], high[1]), d, best.numpy(), log_real, fake, h, met)


def _gap(dataset: KnownDensity, logits: Function, x: Tensor, fake: Tensor, h: float) -> float:
    """Mean |D - D*| over samples x. Samples of G are part of the kernel estimate, so that no ratio is 0/0."""
    p_real, p_fake = smoothed(dataset.log_density, x, h), kernel_at(fake, x, h)
    return float((logits(x).sigmoid() - p_real / (p_real + p_fake)).abs().mean())


def _draw(whole: _Plane, near: _Plane, log_odds: bool, figure: Figure) -> None:
    """The whole plane above, the neighborhood of one mode below."""
    for row, plane, shown in zip(figure.subplots(2, 3), (whole, near), (SHOWN, len(near.fake)), strict=True):
        image = probability(row[0], plane.d, plane.extent)
        probability(row[1], plane.best, plane.extent)
        figure.colorbar(image, ax=list(row[:2]), shrink=0.8)
        _dots(row[2], plane, shown)
    upper, lower = figure.axes[:3], figure.axes[3:6]
    named = "D(x), the trained discriminator"
    unnamed = "sigmoid of D's logits, which are not log-odds:\nthis loss need not lead to D*"
    upper[0].set_title(named if log_odds else unnamed)
    upper[1].set_title(f"D*(x) = p_r / (p_r + p_g), smoothed by a kernel of std {whole.h:.2g}\ngrey: almost no samples")
    upper[2].set_title(f"{SHOWN:,} samples of G over log p_r")
    lower[0].set_title("the same, near one mode")
    lower[2].set_title(f"those of {len(near.fake):,} samples that are here")


def _dots(axes: Axes, plane: _Plane, shown: int) -> None:
    low_x, high_x, low_y, high_y = plane.extent
    shade = np.clip(plane.log_real - plane.log_real.max(), -12, 0)  # a narrow mode stays visible
    axes.imshow(shade, origin="lower", extent=plane.extent, cmap="Greys", vmin=-12, vmax=8)
    x, y = plane.fake[:shown].T
    inside = (x > low_x) & (x < high_x) & (y > low_y) & (y < high_y)
    axes.scatter(x[inside], y[inside], s=1, color=FAKE, linewidths=0)
    axes.set(xlim=(low_x, high_x), ylim=(low_y, high_y))
