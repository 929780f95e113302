"""Samples side by side: a row a variant, a column a seed or a step, as the runs have drawn them."""

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

from ganbench.analysis.figure_data import Variant, variants
from ganbench.analysis.score_table import TITLES
from ganbench.errors import ResultsError, UsageError
from ganbench.report.plots.panels import TALL
from ganbench.report.plots.style import COLUMN, GREY, PALE, SMALL, TEXT, Picture, extent, fitted, labels, literal
from ganbench.results.records import Film
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan

Pixels = NDArray[np.uint8]
ROWS, PITCH = 12, 0.8
"""Variants at most, and inches of the narrowest column: as many seeds as fit are shown."""
DOTS = 300
"""Pixels an inch: finer ones are averaged."""
GAP, TOP = 0.05, 0.34
LARGEST = 1 << 24
"""Pixels of a picture that is read."""


@dataclass(frozen=True)
class Cell:
    """A picture, or the word that stands in its place."""

    pixels: Pixels | None
    word: str = ""


@dataclass(frozen=True)
class Samples:
    """What is drawn: rows of cells, as many as the header has columns."""

    heading: str
    header: tuple[str, ...]
    labels: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    limits: tuple[str, ...] = ()
    """what there is more of than is drawn"""


def columns(width: float) -> int:
    """How many pictures stand side by side."""
    return max(1, int(0.78 * width / PITCH))


def read(layout: SavedPlan, store: Store, dataset: str, width: float = COLUMN, names: Sequence[str] = ()) -> Samples:
    """Every variant's samples by seed, real samples as the last row. Raises `UsageError` where there are none."""
    found, heading = variants(layout, store, dataset, names)
    seeds = list(dict.fromkeys(seed for variant in found for seed in variant.runs))
    shown = seeds[: columns(width)]
    cells = [[_cell(store.runs / variant.runs.get(seed, "") / "samples.png", variant, seed) for seed in shown]
             for variant in found[:ROWS]]  # fmt: skip
    if not any(cell.pixels is not None for row in cells for cell in row):
        raise UsageError(
            f"no run on {dataset} has left a samples.png: its samples are no images and no points in the plane"
        )
    lines = [variant.label for variant in found[:ROWS]]
    real = [one.id for one in layout.references if one.dataset.text == dataset and one.reference == "real"]
    if real and (pixels := _pixels(store.references / real[0] / "samples.png")) is not None:
        lines.append(TITLES["real"])
        cells.append([Cell(pixels), *[Cell(None)] * (len(shown) - 1)])
    limits = _limits(len(found), len(shown), len(seeds))
    return Samples(heading, tuple(f"seed {s}" for s in shown), tuple(lines), tuple(map(tuple, cells)), limits)


def read_film(
    layout: SavedPlan, store: Store, dataset: str, width: float = COLUMN, names: Sequence[str] = ()
) -> Samples:
    """Every variant's first filmed seed on its way, from left to right, its end last.

    A column is a step where all were filmed at the same ones, else a part of each one's own training.
    Raises `UsageError` where no run has a film.
    """
    found, heading = variants(layout, store, dataset, names)
    films = [_film(store, variant) for variant in found]
    steps = {tuple(frames) for _, frames in films if frames}
    if not steps:
        raise UsageError(f"no run on {dataset} has a film; run it again with this ganbench")
    most = max(map(len, steps))
    count = min(most, columns(width))
    parts = [(i + 1) / count for i in range(count)]
    same = len(steps) == 1
    picked = [_picked(frames, parts) for _, frames in films[:ROWS]]
    header = [f"step {step}" for step, _ in next(row for row in picked if row)] if same else _percents(parts)
    cells = [[Cell(pixels) for _, pixels in row] or [Cell(None, "no film")] * count for row in picked]
    lines = [f"{variant.label}, seed {seed}" if frames else variant.label
             for variant, (seed, frames) in zip(found[:ROWS], films[:ROWS], strict=True)]  # fmt: skip
    limits = _limits(len(found), count, most, "frames")
    return Samples(heading, tuple(header), tuple(lines), tuple(map(tuple, cells)), limits)


def _percents(parts: Sequence[float]) -> list[str]:
    """Headers that say how much of its training each variant has behind it."""
    return [f"{100 * part:.0f} %" for part in parts]


def _picked(frames: dict[int, Pixels], parts: Sequence[float]) -> list[tuple[int, Pixels]]:
    """Of a film's frames those nearest to parts of its whole length; the last part is its end."""
    if not frames:
        return []
    end = max(frames)
    steps = [min(frames, key=lambda step: (abs(step - part * end), step)) for part in parts]
    return [(step, frames[step]) for step in steps]


def _limits(variants: int, shown: int, there: int, what: str = "seeds") -> tuple[str, ...]:
    """What did not fit, in words."""
    said = [f"{ROWS} of {variants} variants"] if variants > ROWS else []
    return (*said, *([f"{shown} of {there} {what}"] if shown < there else []))


def _cell(path: Path, variant: Variant, seed: int) -> Cell:
    record = variant.records.get(seed)
    if record is None:
        return Cell(None, "not run" if seed in variant.runs else "")
    pixels = _pixels(path)
    word = record.status if record.status != "ok" else "" if pixels is not None else "no picture"
    return Cell(pixels, word)


def _film(store: Store, variant: Variant) -> tuple[int, dict[int, Pixels]]:
    """The first seed with a film, and its frames by step: squares from left to right, then from top to bottom."""
    for seed, record in variant.records.items():
        said = record.film if record else None
        sheet = _pixels(store.runs / variant.runs[seed] / "film.png") if said else None
        if said and sheet is not None:
            return seed, _frames(said, sheet)
    return 0, {}


def _frames(said: Film, sheet: Pixels) -> dict[int, Pixels]:
    side = said.side
    across = max(1, sheet.shape[1] // side)
    corners = [(index // across * side, index % across * side) for index in range(len(said.steps))]
    return {
        step: sheet[y : y + side, x : x + side]
        for step, (y, x) in zip(said.steps, corners, strict=True)
        if y + side <= sheet.shape[0]
    }


def _pixels(path: Path) -> Pixels | None:
    """A PNG as (H, W, 3), or None where there is none. Raises `ResultsError` for one that is damaged or huge."""
    try:
        with Image.open(io.BytesIO(path.read_bytes()), formats=["PNG"]) as image:
            if image.width * image.height > LARGEST:
                raise ResultsError(f"{path} has {image.width} x {image.height} pixels, too many to be a run's picture")
            return np.asarray(image.convert("RGB"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ResultsError(f"{path} is damaged ({error}); remove that folder and run the suite again") from error


def _room(data: Samples, width: float) -> tuple[list[str], float, float]:
    """The rows' names, the inches they take, and the side of a picture."""
    names = labels(data.labels, 0.28 * width)
    left = max(extent(line) for name in names for line in name.split("\n")) + 0.12
    wide, high = (width - left - 0.04) / len(data.header), (TALL - TOP) / len(data.labels)
    return names, left, min(wide, high) - GAP


def picture(data: Samples) -> Picture:
    def height(width: float) -> float:
        return TOP + len(data.labels) * (_room(data, width)[2] + GAP)

    more = "; choose variants with --variant, and a larger --width shows more columns"
    return Picture(partial(draw, data), height, (f"drawn: {', '.join(data.limits)}{more}",) if data.limits else ())


def draw(data: Samples, figure: Figure) -> None:
    """One frame of inches over the whole figure, in which everything is placed by hand."""
    figure.set_layout_engine("none")
    wide, high = (float(side) for side in figure.get_size_inches())
    names, left, side = _room(data, wide)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    said = ", ".join(data.limits)
    axes.text(0.04, 0.03, fitted(literal(data.heading), wide - extent(said) - 0.2, TEXT), va="top")
    axes.text(wide - 0.04, 0.03, said, va="top", ha="right", color=GREY, fontsize=SMALL)
    for column, text in enumerate(data.header):
        x = left + column * (side + GAP) + side / 2
        axes.text(x, TOP - 0.03, fitted(text, side + GAP), ha="center", va="bottom", fontsize=SMALL)
    for row, (name, cells) in enumerate(zip(names, data.cells, strict=True)):
        top = TOP + row * (side + GAP)
        axes.text(left - 0.06, top + side / 2, name, ha="right", va="center", ma="right", fontsize=SMALL)
        for column, cell in enumerate(cells):
            _place(axes, cell, (left + column * (side + GAP), top), side)
    axes.set(xlim=(0, wide), ylim=(high, 0))


def _place(axes: Axes, cell: Cell, corner: tuple[float, float], side: float) -> None:
    """A picture in its frame, or the word in its place; `corner` is the upper left one, in inches."""
    if cell.pixels is None and not cell.word:
        return
    x, y = corner
    axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=PALE, linewidth=0.5, zorder=3))
    if cell.pixels is not None:
        high, wide = (edge / max(cell.pixels.shape[:2]) * side for edge in cell.pixels.shape[:2])
        box = (x + (side - wide) / 2, x + (side + wide) / 2, y + (side + high) / 2, y + (side - high) / 2)
        axes.imshow(_shrunk(cell.pixels, round(side * DOTS)), interpolation="none", aspect="auto", extent=box,
                    zorder=2)  # fmt: skip
    if cell.word:
        axes.text(x + side / 2, y + side / 2, cell.word.replace("-", "-\n"), ha="center", va="center", color=GREY,
                  fontsize=SMALL, bbox={"facecolor": "white", "linewidth": 0, "pad": 1}, zorder=4)  # fmt: skip


def _shrunk(pixels: Pixels, side: int) -> Pixels:
    """Pixels at the size they are printed in, never enlarged."""
    longest = max(pixels.shape[:2])
    if longest <= side:
        return pixels
    size = tuple(max(1, round(edge * side / longest)) for edge in (pixels.shape[1], pixels.shape[0]))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
