"""Samples side by side: one row per variant, one column per seed or step, from the pictures of the runs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from ganbench.analysis.figure_data.selection import VariantRuns, dataset_variants
from ganbench.analysis.score_table import TITLES
from ganbench.errors import ResultsError, UsageError, reason
from ganbench.files import MOST_OF_A_PICTURE, read_file
from ganbench.report.plots.appearance import HEADING
from ganbench.report.plots.panels import PAGE_HEIGHT
from ganbench.report.plots.style import (
    COLUMN,
    GRAY,
    PALE,
    SMALL,
    TEXT,
    PaperFigure,
    drawable_text,
    extent,
    fitted,
    labels,
)
from ganbench.results.records import Film
from ganbench.results.run_files import damaged
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan

Pixels = NDArray[np.uint8]
MAX_VARIANTS, MIN_COLUMN = 12, 0.8
"""Variants in one figure, and inches of the narrowest column: as many seeds as fit are shown."""
PIXELS_PER_INCH = 300
"""Finer pictures are averaged."""
GAP, TOP = 0.05, 0.34
MAX_PIXELS = 1 << 24
"""Larger pictures are refused."""


@dataclass(frozen=True)
class PictureCell:
    """A picture, or the word that is drawn in its place."""

    pixels: Pixels | None
    word: str = ""


@dataclass(frozen=True)
class SamplesInfo:
    """Rows of cells, each with as many as the header has columns."""

    heading: str
    header: tuple[str, ...]
    labels: tuple[str, ...]
    cells: tuple[tuple[PictureCell, ...], ...]
    limits: tuple[str, ...] = ()
    """what is not all drawn"""


def columns(width: float) -> int:
    """The number of pictures that fit side by side."""
    return max(1, int(0.78 * width / MIN_COLUMN))


def samples_info(
    plan: SavedPlan, store: Store, dataset: str, width: float = COLUMN, names: Sequence[str] = ()
) -> SamplesInfo:
    """Every variant's samples by seed, real samples as the last row. Raises `UsageError` if there are none."""
    found, heading = dataset_variants(plan, store, dataset, names)
    seeds = list(dict.fromkeys(seed for variant in found for seed in variant.runs))
    shown = seeds[: columns(width)]
    cells = [[_cell(store.runs / variant.runs.get(seed, "") / "samples.png", variant, seed) for seed in shown]
             for variant in found[:MAX_VARIANTS]]  # fmt: skip
    if not any(cell.pixels is not None for row in cells for cell in row):
        raise UsageError(
            f"no run on {dataset} has a samples.png: its samples are neither images nor points in the plane"
        )
    lines = [variant.label for variant in found[:MAX_VARIANTS]]
    real = [
        one.id
        for one in plan.references
        if one.dataset.text == dataset and (one.reference, one.external) == ("real", False)
    ]
    if real and (pixels := _pixels(store.references / real[0] / "samples.png")) is not None:
        lines.append(TITLES["real"])
        cells.append([PictureCell(pixels), *[PictureCell(None)] * (len(shown) - 1)])
    limits = _limits(len(found), len(shown), len(seeds))
    return SamplesInfo(heading, tuple(f"seed {s}" for s in shown), tuple(lines), tuple(map(tuple, cells)), limits)


def film_info(
    plan: SavedPlan, store: Store, dataset: str, width: float = COLUMN, names: Sequence[str] = ()
) -> SamplesInfo:
    """Samples of each variant's first filmed seed during training, from left to right, the end last.

    A column is a step if all were filmed at the same steps, else a part of each run's own training.
    Raises `UsageError` if no run has a film.
    """
    found, heading = dataset_variants(plan, store, dataset, names)
    films = [_film(store, variant) for variant in found]
    steps = {tuple(frames) for _, frames in films if frames}
    if not steps:
        raise UsageError(f"no run on {dataset} has a film; run it again with this ganbench")
    most = max(map(len, steps))
    count = min(most, columns(width))
    parts = [(i + 1) / count for i in range(count)]
    same = len(steps) == 1
    picked = [_picked(frames, parts) for _, frames in films[:MAX_VARIANTS]]
    header = [f"step {step}" for step, _ in next(row for row in picked if row)] if same else _percents(parts)
    cells = [[PictureCell(pixels) for _, pixels in row] or [PictureCell(None, "no film")] * count for row in picked]
    lines = [f"{variant.label}, seed {seed}" if frames else variant.label
             for variant, (seed, frames) in zip(found[:MAX_VARIANTS], films[:MAX_VARIANTS], strict=True)]  # fmt: skip
    limits = _limits(len(found), count, most, "frames")
    return SamplesInfo(heading, tuple(header), tuple(lines), tuple(map(tuple, cells)), limits)


def _percents(parts: Sequence[float]) -> list[str]:
    """Headings: how much of its training each variant has completed."""
    return [f"{100 * part:.0f} %" for part in parts]


def _picked(frames: dict[int, Pixels], parts: Sequence[float]) -> list[tuple[int, Pixels]]:
    """The frames of a film nearest to parts of its whole length; the last part is its end."""
    if not frames:
        return []
    end = max(frames)
    steps = [min(frames, key=lambda step: (abs(step - part * end), step)) for part in parts]
    return [(step, frames[step]) for step in steps]


def _limits(variants: int, shown: int, n: int, what: str = "seeds") -> tuple[str, ...]:
    """What did not fit, in words."""
    rows = [f"{MAX_VARIANTS} of {variants} variants"] if variants > MAX_VARIANTS else []
    return (*rows, *([f"{shown} of {n} {what}"] if shown < n else []))


def _cell(path: Path, variant: VariantRuns, seed: int) -> PictureCell:
    record = variant.records.get(seed)
    if record is None:
        return PictureCell(None, "not run" if seed in variant.runs else "")
    pixels = _pixels(path)
    word = record.status if record.status != "ok" else "" if pixels is not None else "no picture"
    return PictureCell(pixels, word)


def _film(store: Store, variant: VariantRuns) -> tuple[int, dict[int, Pixels]]:
    """The first seed with a film, and its frames by step: squares from left to right, then from top to bottom."""
    for seed, record in variant.records.items():
        film = record.film if record else None
        sheet = _pixels(store.runs / variant.runs[seed] / "film.png") if film else None
        if film and sheet is not None:
            return seed, _frames(film, sheet)
    return 0, {}


def _frames(film: Film, sheet: Pixels) -> dict[int, Pixels]:
    side = film.side
    across = max(1, sheet.shape[1] // side)
    corners = [(index // across * side, index % across * side) for index in range(len(film.steps))]
    return {
        step: sheet[y : y + side, x : x + side]
        for step, (y, x) in zip(film.steps, corners, strict=True)
        if y + side <= sheet.shape[0]
    }


def _pixels(path: Path) -> Pixels | None:
    """A PNG as (H, W, 3), None if there is none. Raises `ResultsError` if it is damaged or huge."""
    try:
        with Image.open(io.BytesIO(read_file(path, MOST_OF_A_PICTURE)), formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ResultsError(f"{path} has {image.width} x {image.height} pixels, too many for a picture of a run")
            return np.asarray(image.convert("RGB"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise damaged(path, reason(error)) from error


def _room(info: SamplesInfo, width: float) -> tuple[list[str], float, float]:
    """The rows' names, the inches they take, and the side of a picture."""
    names = labels(info.labels, 0.28 * width)
    left = max(extent(line) for name in names for line in name.split("\n")) + 0.12
    wide, high = (width - left - 0.04) / len(info.header), (PAGE_HEIGHT - TOP) / len(info.labels)
    return names, left, min(wide, high) - GAP


def plot_samples(info: SamplesInfo) -> PaperFigure:
    """Rows of pictures with the names of variants beside them."""

    def height(width: float) -> float:
        return TOP + len(info.labels) * (_room(info, width)[2] + GAP)

    more = "; choose variants with --variant; a larger --width shows more columns"
    return PaperFigure(partial(_draw, info), height, (f"drawn: {', '.join(info.limits)}{more}",) if info.limits else ())


def _draw(info: SamplesInfo, figure: Figure) -> None:
    """Everything is placed by hand, in inches over the whole figure."""
    figure.set_layout_engine("none")
    wide, high = (float(side) for side in figure.get_size_inches())
    names, left, side = _room(info, wide)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    limits = ", ".join(info.limits)
    heading = fitted(drawable_text(info.heading), wide - extent(limits) - 0.2, TEXT)
    axes.text(0.04, 0.03, heading, va="top", label=HEADING)
    axes.text(wide - 0.04, 0.03, limits, va="top", ha="right", color=GRAY, fontsize=SMALL, label=HEADING)
    for column, text in enumerate(info.header):
        x = left + column * (side + GAP) + side / 2
        axes.text(x, TOP - 0.03, fitted(text, side + GAP), ha="center", va="bottom", fontsize=SMALL)
    for row, (name, cells) in enumerate(zip(names, info.cells, strict=True)):
        top = TOP + row * (side + GAP)
        axes.text(left - 0.06, top + side / 2, name, ha="right", va="center", ma="right", fontsize=SMALL)
        for column, cell in enumerate(cells):
            _place(axes, cell, (left + column * (side + GAP), top), side)
    axes.set(xlim=(0, wide), ylim=(high, 0))


def _place(axes: Axes, cell: PictureCell, corner: tuple[float, float], side: float) -> None:
    """Draw a picture in its frame, or the word in its place; `corner` is the upper left one, in inches."""
    if cell.pixels is None and not cell.word:
        return
    x, y = corner
    axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=PALE, linewidth=0.5, zorder=3))
    if cell.pixels is not None:
        high, wide = (edge / max(cell.pixels.shape[:2]) * side for edge in cell.pixels.shape[:2])
        box = (x + (side - wide) / 2, x + (side + wide) / 2, y + (side + high) / 2, y + (side - high) / 2)
        pixels = _reduced(cell.pixels, round(side * PIXELS_PER_INCH))
        axes.imshow(pixels, interpolation="none", aspect="auto", extent=box, zorder=2)
    if cell.word:
        axes.text(x + side / 2, y + side / 2, cell.word.replace("-", "-\n"), ha="center", va="center", color=GRAY,
                  fontsize=SMALL, bbox={"facecolor": "white", "linewidth": 0, "pad": 1}, zorder=4)  # fmt: skip


def _reduced(pixels: Pixels, side: int) -> Pixels:
    """The picture at the size at which it is printed, never enlarged."""
    longest = max(pixels.shape[:2])
    if longest <= side:
        return pixels
    size = tuple(max(1, round(edge * side / longest)) for edge in (pixels.shape[1], pixels.shape[0]))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
