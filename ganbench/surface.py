"""D's surface in the plane against D*, with the known density of the data and a kernel estimate of G's.

D* = p_r / (p_r + p_g) needs both densities at the same resolution. p_g is only known by samples, so
it is estimated with a Gaussian kernel of standard deviation h, and what that estimates is p_g
convolved with the kernel. p_r, exact, is therefore convolved with the same kernel: for p_g = p_r
the estimate is then 1/2 everywhere, as it must be, and does not show the modes of p_r. The
convolution needs nothing but `log_density`: it is a mean over normal shifts of x, computed by
Gauss-Hermite quadrature. h is a quarter of the width of the data's modes, which widens a normal
mode by 3 %; the width is that of a normal density with the same Fisher information, sqrt(2 / E |grad log p_r|^2).
Where neither density would put a handful of samples under a kernel D* is left open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import pi, sqrt
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ganbench.errors import ContractError, UsageError, said
from ganbench.figures import FAKE, probability, rendered
from ganbench.pictures import frame
from ganbench.players import players, plugin
from ganbench.records import Record
from ganbench.registry import Registry

SIDE, ZOOM = 400, 8
"""Pixels of a panel, and half the side of the lower ones in widths of a mode."""
SAMPLES, SHOWN, CHECKED = 100_000, 2_500, 1_000
"""Samples of G in the kernel estimate, drawn as dots, and compared pointwise (as many real ones)."""
FEW = 5
"""Samples under a kernel below which a density is taken to be nothing."""
NODES = 5
Function = Callable[[Tensor], Tensor]
Image: TypeAlias = "np.ndarray[Any, Any]"


@dataclass(frozen=True)
class Surface:
    """The picture, the kernel's standard deviation, and mean |D - D*| over real and fake samples."""

    picture: bytes
    bandwidth: float
    gap: float
    log_odds: bool


def surface(record: Record, folder: Path, registry: Registry, form: str) -> Surface:
    """D, D* and G's samples of a finished run on points of known density, in the plane and near one mode.

    Raises `UsageError` where the run or its data set is not of this kind, `MissingError` where
    the weights are not there.
    """
    if record["status"] != "ok":
        raise UsageError(f"run {record['id']} is {record['status']}, not ok: it has no trained discriminator to draw")
    dataset = plugin(record, "dataset", registry)
    name = record["spec"]["dataset"]["name"]
    if tuple(dataset.shape) != (2,) or getattr(dataset, "log_density", None) is None:
        raise UsageError(f"data set {name!r} has no known density in the plane (a `log_density` of 2-D points)")
    log_odds = bool(getattr(plugin(record, "loss", registry), "log_odds", False))
    played = players(record, folder, plugin(record, "architecture", registry), dataset)
    fake, real = played.samples(SAMPLES), dataset.load("test").samples
    centre, half = frame(real)
    width = mode_width(dataset, real)
    h = min(width / 4, float(half) / 20)
    whole = _plane(dataset, played.logits, fake, (centre, half), h)
    near = _plane(dataset, played.logits, fake, (whole.met, half * min(1, ZOOM * width / float(half))), h)
    gap = _gap(dataset, played.logits, torch.cat([real[:CHECKED], fake[:CHECKED]]), fake, h)
    picture = rendered(partial(_draw, whole, near, log_odds), (15, 9.6), form)
    return Surface(picture, h, gap, log_odds)


@dataclass(frozen=True)
class _Plane:
    """What is drawn over a square: D, D* (NaN where it is open) and log p_r, each (SIDE, SIDE), and samples."""

    extent: tuple[float, float, float, float]
    d: Image
    best: Image
    log_real: Image
    fake: Tensor
    h: float
    met: Tensor
    """where p_r and p_g are largest together (2,)"""


def _plane(dataset: Any, logits: Function, fake: Tensor, square: tuple[Tensor, Tensor], h: float) -> _Plane:
    """Everything over a square, given by its centre (2,) and half its side."""
    centre, half = square
    axis = (torch.arange(SIDE) + 0.5) / SIDE * 2 - 1
    across, up = axis * half + centre[0], axis * half + centre[1]
    grid = torch.cartesian_prod(up, across).flip(1)  # rows are y, upwards
    p_real = smoothed(dataset.log_density, grid, h).reshape(SIDE, SIDE)
    p_fake = kernel_grid(fake, across, up, h)
    least = FEW / (len(fake) * 4 * pi * h**2)
    best = torch.where(p_real + p_fake < least, torch.nan, p_real / (p_real + p_fake))
    low, high = (centre - half).tolist(), (centre + half).tolist()
    d, log_real = (x.reshape(SIDE, SIDE).numpy() for x in (logits(grid).sigmoid(), dataset.log_density(grid)))
    met = grid[(p_real * p_fake).argmax()]
    return _Plane((low[0], high[0], low[1], high[1]), d, best.numpy(), log_real, fake, h, met)


def _gap(dataset: Any, logits: Function, x: Tensor, fake: Tensor, h: float) -> float:
    """Mean |D - D*| over samples x; where x is of G it is in the kernel estimate, so that one is not 0/0."""
    p_real, p_fake = smoothed(dataset.log_density, x, h), kernel_at(fake, x, h)
    return float((logits(x).sigmoid() - p_real / (p_real + p_fake)).abs().mean())


def mode_width(dataset: Any, real: Tensor) -> float:
    """The standard deviation of the 2-D normal whose score is on average as large as that of p_r at samples."""
    x = real.clone().requires_grad_()
    try:
        (score,) = torch.autograd.grad(dataset.log_density(x).sum(), x)
    except RuntimeError as error:
        raise ContractError(f"`log_density` of the data set cannot be differentiated: {said(error)}") from error
    return sqrt(2 / float(score.square().sum(dim=1).mean()))


def smoothed(log_density: Function, x: Tensor, h: float) -> Tensor:
    """A density convolved with a Gaussian kernel of standard deviation h, at x (N, 2)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    total = torch.zeros(len(x))
    for a, wa in zip(nodes, weights, strict=True):
        for b, wb in zip(nodes, weights, strict=True):
            total += wa * wb / (2 * pi) * log_density(x + h * torch.tensor([a, b], dtype=x.dtype)).exp()
    return total


def kernel_grid(points: Tensor, across: Tensor, up: Tensor, h: float) -> Tensor:
    """The kernel estimate of a density from points (N, 2) on a grid, (up, across): a kernel is a product."""
    total = torch.zeros(len(up), len(across))
    for part in torch.split(points, 10_000):
        x, y = (torch.exp(-(axis[:, None] - part[:, i]).square() / (2 * h**2)) for i, axis in enumerate((across, up)))
        total += y @ x.T
    return total / (len(points) * 2 * pi * h**2)


def kernel_at(points: Tensor, x: Tensor, h: float) -> Tensor:
    """The same estimate at x (M, 2)."""
    sums = [torch.exp(-torch.cdist(part, points).square() / (2 * h**2)).sum(dim=1) for part in torch.split(x, 100)]
    return torch.cat(sums) / (len(points) * 2 * pi * h**2)


def _draw(whole: _Plane, near: _Plane, log_odds: bool, figure: Figure) -> None:
    """The whole plane above, the neighbourhood of one mode below."""
    for row, plane, shown in zip(figure.subplots(2, 3), (whole, near), (SHOWN, len(near.fake)), strict=True):
        image = probability(row[0], plane.d, plane.extent)
        probability(row[1], plane.best, plane.extent)
        figure.colorbar(image, ax=list(row[:2]), shrink=0.8)
        _dots(row[2], plane, shown)
    upper, lower = figure.axes[:3], figure.axes[3:6]
    named = "D(x), the trained discriminator"
    unnamed = "sigmoid of D's logits, which are no log-odds:\nthis loss need not lead to D*"
    upper[0].set_title(named if log_odds else unnamed)
    upper[1].set_title(
        f"D*(x) = p_r / (p_r + p_g), seen through a kernel of std {whole.h:.2g}\ngrey: next to no samples"
    )
    upper[2].set_title(f"{SHOWN:,} samples of G over log p_r")
    lower[0].set_title("the same, near one mode")
    lower[2].set_title(f"all of {len(near.fake):,} samples that lie here")


def _dots(axes: Axes, plane: _Plane, shown: int) -> None:
    low_x, high_x, low_y, high_y = plane.extent
    shade = np.clip(plane.log_real - plane.log_real.max(), -12, 0)  # a narrow mode stays visible
    axes.imshow(shade, origin="lower", extent=plane.extent, cmap="Greys", vmin=-12, vmax=8)
    x, y = plane.fake[:shown].T
    inside = (x > low_x) & (x < high_x) & (y > low_y) & (y < high_y)
    axes.scatter(x[inside], y[inside], s=1, color=FAKE, linewidths=0)
    axes.set(xlim=(low_x, high_x), ylim=(low_y, high_y))
