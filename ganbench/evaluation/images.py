"""Pictures of samples: points over the true density, or a grid of images."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganbench.registry.contracts import Dataset

SIDE = 480
MAX_POINTS = 2500
MAX_IMAGES = 64
MAX_ROWS, CLASS_COLUMNS = 10, 10
"""Classes in a picture by class, and samples of each."""
RED = torch.tensor([0.84, 0.15, 0.16])
MAX_IMAGE_SIDE = 64
"""Pixels per side of an image among others; larger images are averaged down by a whole factor."""


def picture(samples: Tensor, dataset: Dataset, labels: Tensor | None = None) -> bytes | None:
    """A PNG of the first samples (N, *shape), or None if they are neither points in the plane nor images.

    Images with `labels` (N,) have a row for each of the classes that `picture_classes` names.
    """
    shape = tuple(dataset.shape)
    if is_image(shape):
        classes = picture_classes(labels, dataset)
        if labels is not None and classes:
            return _png(zoomed(_by_class(samples, labels, classes), SIDE))
        images = samples[:MAX_IMAGES]
        return _png(zoomed(grid(images, ceil(sqrt(len(images)))), SIDE))
    if shape == (2,):
        return _png(Background.of(dataset, SIDE).scatter(samples[:MAX_POINTS]))
    return None


def picture_classes(labels: Tensor | None, dataset: Dataset) -> tuple[int, ...]:
    """The classes that the rows of a picture show: the first `MAX_ROWS` of which there are samples."""
    if labels is None or not is_image(tuple(dataset.shape)):
        return ()
    return tuple(sorted({*map(int, labels.tolist())})[:MAX_ROWS])


def _by_class(samples: Tensor, labels: Tensor, classes: Sequence[int]) -> Tensor:
    """A sheet (3, H, W) with the first samples of a class in each row; white where there are no more."""
    rows = []
    for label in classes:
        own = samples[labels == label][:CLASS_COLUMNS]
        blank = own.new_ones(CLASS_COLUMNS - len(own), *own.shape[1:])
        rows.append(torch.cat([own, blank]))
    return grid(torch.cat(rows), CLASS_COLUMNS)


def is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] in (1, 3)


def _png(pixels: Tensor) -> bytes:
    """PNG bytes of pixels (H, W, 3) in [0, 1]."""
    return _encoded(Image.fromarray(_bytes(pixels).numpy()))


def _bytes(pixels: Tensor) -> Tensor:
    return (pixels.clamp(0, 1) * 255).round().to(torch.uint8)


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def small_png(pixels: Tensor, exact: bool = True) -> bytes:
    """Compact PNG bytes of pixels (H, W, 3): one channel if all are grey, a palette for up to 256 colors.

    A picture of more colors keeps them all if it must be `exact`, and otherwise gets the nearest 256.
    """
    content = _bytes(pixels)
    if bool((content == content[..., :1]).all()):
        return _encoded(Image.fromarray(content[..., 0].contiguous().numpy()))
    height, width, _ = content.shape
    codes = (content.int() * torch.tensor([1 << 16, 1 << 8, 1], dtype=torch.int32)).sum(dim=2)
    colors, index = torch.unique(codes, return_inverse=True)
    if len(colors) > 256:
        full = Image.fromarray(content.contiguous().numpy())
        return _encoded(full if exact else full.quantize(256, dither=Image.Dither.NONE))
    image = Image.frombytes("P", (width, height), index.to(torch.uint8).contiguous().numpy().tobytes())
    image.putpalette([code >> shift & 255 for code in colors.tolist() for shift in (16, 8, 0)])
    return _encoded(image)


def shrunk(images: Tensor) -> Tensor:
    """Images (N, C, H, W), averaged down to at most `MAX_IMAGE_SIDE` pixels per side."""
    factor = ceil(max(images.shape[2:]) / MAX_IMAGE_SIDE)
    return avg_pool2d(images, factor, ceil_mode=True) if factor > 1 else images


def grid(images: Tensor, columns: int) -> Tensor:
    """Images (N, C, H, W) in [-1, 1] as one sheet (3, H', W') in [0, 1], separated by white pixels."""
    rows = ceil(len(images) / columns)
    _, _, height, width = images.shape
    sheet = torch.ones(3, rows * (height + 1) + 1, columns * (width + 1) + 1)
    for index, image in enumerate((images + 1) / 2):
        top, left = 1 + index // columns * (height + 1), 1 + index % columns * (width + 1)
        sheet[:, top : top + height, left : left + width] = image
    return sheet


def zoomed(sheet: Tensor, width: int) -> Tensor:
    """A sheet (3, H, W) as pixels (H', W', 3), enlarged by the largest whole factor that fits the width."""
    zoom = max(1, width // sheet.shape[2])
    return sheet.repeat_interleave(zoom, 1).repeat_interleave(zoom, 2).permute(1, 2, 0)


@dataclass(frozen=True)
class Background:
    """The background of a scatter plot: the data's density in grey if it is known, otherwise real samples."""

    canvas: Tensor
    center: Tensor
    half: Tensor

    @staticmethod
    def of(dataset: Dataset, side: int) -> Background:
        """The background of a picture (side, side, 3)."""
        real = dataset.load("test").samples
        center, half = plot_square(real)
        canvas = torch.ones(side, side, 3)
        log_density = getattr(dataset, "log_density", None)
        if log_density is not None:
            axis = (torch.arange(side) + 0.5) / side * 2 - 1
            across, up = torch.meshgrid(axis, -axis, indexing="xy")
            density = log_density(torch.stack([across, up], dim=2).reshape(-1, 2) * half + center)
            shade = (density - density.max()).clamp(min=-12) / 12 + 1  # a narrow mode stays visible
            canvas -= 0.45 * shade.reshape(side, side, 1)
        else:
            _dots(canvas, real[:MAX_POINTS], center, half, torch.tensor([0.55, 0.55, 0.55]))
        return Background(canvas, center, half)

    def scatter(self, points: Tensor) -> Tensor:
        """Pixels (side, side, 3): points (N, 2) as red dots over the background."""
        canvas = self.canvas.clone()
        _dots(canvas, points, self.center, self.half, RED)
        return canvas


def plot_square(real: Tensor) -> tuple[Tensor, Tensor]:
    """Center (2,) and half the side of the square in which points (N, 2) are drawn."""
    low, high = real.amin(dim=0), real.amax(dim=0)
    return (low + high) / 2, (high - low).max() * 0.62


def _dots(canvas: Tensor, points: Tensor, center: Tensor, half: Tensor, color: Tensor) -> None:
    """Paint 2x2 pixels per point; points outside the picture are skipped."""
    side = len(canvas)
    at = ((points - center) / half + 1) / 2 * side
    columns, rows = at[:, 0].long(), (side - at[:, 1]).long()
    for right, down in ((0, 0), (0, 1), (1, 0), (1, 1)):
        x, y = columns + right, rows + down
        inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
        canvas[y[inside], x[inside]] = color
