"""The film of a run: some of its samples on the way and at the end, side by side in one strip."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import torch
from torch import Tensor

from ganbench.evaluation.images import LARGEST, Ground, grid, is_image, shrunk, small_png, zoomed
from ganbench.registry.contracts import Dataset
from ganbench.results.records import Film

SIDE = 224
"""Pixels a side of a frame of points; frames of images are grids of whole pixels, at most about so large."""
POINTS = 1000
COLUMNS = 6
FRAMES = 10
"""Frames of a whole training, evenly spaced, the last one its end. They cost what a few samples cost, and nothing
is judged: so every run has them, and they are no part of its id."""


def needed(shape: tuple[int, ...]) -> int:
    """How many samples of a shape a frame shows: 0 where there is no film of them."""
    return POINTS if shape == (2,) else _columns(shape) ** 2 if is_image(shape) else 0


def still(samples: Tensor, dataset: Dataset) -> Tensor | None:
    """What a frame needs of samples (N, *shape): points as they are, images in 8 bits; None where neither.

    None too for samples that are not finite.
    """
    shape = tuple(dataset.shape)
    if shape == (2,):
        kept = samples[:POINTS].clone()
        return kept if kept.isfinite().all() else None
    if not is_image(shape):
        return None
    columns = _columns(shape)
    images = shrunk(samples[: columns**2])
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8) if images.isfinite().all() else None


def _columns(shape: tuple[int, ...]) -> int:
    """Columns, and as many rows, of images (C, H, W) in a frame."""
    side = max(shape[1:])
    return min(COLUMNS, SIDE // (ceil(side / ceil(side / LARGEST)) + 1))


def film(stills: Mapping[int, Tensor], dataset: Dataset) -> tuple[bytes, Film] | None:
    """A PNG strip of stills by their steps, left to right, and its facts: steps, and pixels a side."""
    if not stills:
        return None
    steps = sorted(stills)
    if is_image(tuple(dataset.shape)):
        frames = [_square(stills[step]) for step in steps]
    else:
        ground = Ground.of(dataset, SIDE)
        frames = [ground.scatter(stills[step]) for step in steps]
    return small_png(torch.cat(frames, dim=1), exact=False), Film(tuple(steps), len(frames[0]))


def _square(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in 8 bits as a grid (side, side, 3) in [0, 1], on white where they are not square."""
    columns = ceil(len(images) ** 0.5)
    sheet = grid(images / 127.5 - 1, columns)
    side = max(sheet.shape[1:])
    canvas = torch.ones(3, side, side)
    canvas[:, : sheet.shape[1], : sheet.shape[2]] = sheet
    return zoomed(canvas, SIDE)
