"""The picture of a run: points over their true density, or a grid of images."""

from __future__ import annotations

import io
from math import ceil, sqrt

import torch
from PIL import Image
from torch import Tensor

from ganbench.contracts import Dataset

SIDE = 480
POINTS = 2500
IMAGES = 64


def picture(samples: Tensor, dataset: Dataset) -> bytes | None:
    """A PNG of the first samples (N, *shape), or None for samples that are neither 2-D nor images."""
    shape = tuple(dataset.shape)
    if len(shape) == 3 and shape[0] in (1, 3):
        return _png(_grid(samples[:IMAGES]))
    if shape == (2,):
        return _png(_scatter(samples[:POINTS], dataset))
    return None


def _png(pixels: Tensor) -> bytes:
    """PNG bytes of pixels (H, W, 3) in [0, 1]."""
    buffer = io.BytesIO()
    Image.fromarray((pixels.clamp(0, 1) * 255).round().to(torch.uint8).numpy()).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _grid(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in [-1, 1] as one (H', W', 3), a white pixel between them."""
    columns = ceil(sqrt(len(images)))
    rows = ceil(len(images) / columns)
    _, _, height, width = images.shape
    sheet = torch.ones(3, rows * (height + 1) + 1, columns * (width + 1) + 1)
    for index, image in enumerate((images + 1) / 2):
        top, left = 1 + index // columns * (height + 1), 1 + index % columns * (width + 1)
        sheet[:, top : top + height, left : left + width] = image
    zoom = max(1, SIDE // sheet.shape[2])
    return sheet.repeat_interleave(zoom, 1).repeat_interleave(zoom, 2).permute(1, 2, 0)


def _scatter(points: Tensor, dataset: Dataset) -> Tensor:
    """Samples as red dots over the data: its density in grey where known, else real samples."""
    real = dataset.load("test").samples
    centre, half = frame(real)
    canvas = torch.ones(SIDE, SIDE, 3)
    log_density = getattr(dataset, "log_density", None)
    if log_density is not None:
        axis = (torch.arange(SIDE) + 0.5) / SIDE * 2 - 1
        across, up = torch.meshgrid(axis, -axis, indexing="xy")
        density = log_density(torch.stack([across, up], dim=2).reshape(-1, 2) * half + centre)
        shade = (density - density.max()).clamp(min=-12) / 12 + 1  # a narrow mode stays visible
        canvas -= 0.45 * shade.reshape(SIDE, SIDE, 1)
    else:
        _dots(canvas, real[:POINTS], centre, half, torch.tensor([0.55, 0.55, 0.55]))
    _dots(canvas, points, centre, half, torch.tensor([0.84, 0.15, 0.16]))
    return canvas


def frame(real: Tensor) -> tuple[Tensor, Tensor]:
    """Centre (2,) and half the side of the square in which points (N, 2) are drawn."""
    low, high = real.amin(dim=0), real.amax(dim=0)
    return (low + high) / 2, (high - low).max() * 0.62


def _dots(canvas: Tensor, points: Tensor, centre: Tensor, half: Tensor, colour: Tensor) -> None:
    """Paint 2x2 pixels a point; points outside the picture are left out."""
    at = ((points - centre) / half + 1) / 2 * SIDE
    columns, rows = at[:, 0].long(), (SIDE - at[:, 1]).long()
    for right, down in ((0, 0), (0, 1), (1, 0), (1, 1)):
        x, y = columns + right, rows + down
        inside = (x >= 0) & (x < SIDE) & (y >= 0) & (y < SIDE)
        canvas[y[inside], x[inside]] = colour
