"""The film of a run: samples during training and at the end, side by side in one strip."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import torch
from torch import Tensor

from ganbench.evaluation.images import MAX_IMAGE_SIDE, Background, grid, is_image, shrunk, small_png, zoomed
from ganbench.registry.contracts import Dataset
from ganbench.results.records import Film

SIDE = 224
"""Pixels per side of a frame of points; a frame of images is a grid of whole pixels, at most about as large."""
POINTS = 1000
COLUMNS = 6
FRAMES = 10
"""Frames of a training, evenly spaced, the last one at its end. They cost only a few samples and no evaluation,
so every run has them, and they are not part of its id."""


def needed(shape: tuple[int, ...]) -> int:
    """The number of samples of a shape in one frame; 0 if such samples have no film."""
    return POINTS if shape == (2,) else _columns(shape) ** 2 if is_image(shape) else 0


def frame(samples: Tensor, dataset: Dataset) -> Tensor | None:
    """What a frame shows of samples (N, *shape): points unchanged, images as 8-bit integers.

    None for samples that are neither points in the plane nor images, or are not finite.
    """
    shape = tuple(dataset.shape)
    if shape == (2,):
        points = samples[:POINTS].clone()
        return points if points.isfinite().all() else None
    if not is_image(shape):
        return None
    columns = _columns(shape)
    images = shrunk(samples[: columns**2])
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8) if images.isfinite().all() else None


def _columns(shape: tuple[int, ...]) -> int:
    """The number of columns, which equals the number of rows, of images (C, H, W) in a frame."""
    side = max(shape[1:])
    return min(COLUMNS, SIDE // (ceil(side / ceil(side / MAX_IMAGE_SIDE)) + 1))


def film(frames: Mapping[int, Tensor], dataset: Dataset) -> tuple[bytes, Film] | None:
    """A PNG strip of frames in the order of their steps, and its facts."""
    if not frames:
        return None
    steps = sorted(frames)
    if is_image(tuple(dataset.shape)):
        drawn = [_square(frames[step]) for step in steps]
    else:
        background = Background.of(dataset, SIDE)
        drawn = [background.scatter(frames[step]) for step in steps]
    return small_png(torch.cat(drawn, dim=1), exact=False), Film(tuple(steps), len(drawn[0]))


def _square(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in 8 bits as a grid (side, side, 3) in [0, 1], padded with white if they are not square."""
    columns = ceil(len(images) ** 0.5)
    sheet = grid(images / 127.5 - 1, columns)
    side = max(sheet.shape[1:])
    canvas = torch.ones(3, side, side)
    canvas[:, : sheet.shape[1], : sheet.shape[2]] = sheet
    return zoomed(canvas, SIDE)
