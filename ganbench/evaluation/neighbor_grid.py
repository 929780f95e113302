"""The picture of fakes beside their nearest training images, which shows copies at a glance."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.images import RED, is_image, shrunk, small_png, zoomed
from ganbench.registry.contracts import floats
from ganbench.results.records import Neighbors

SHOWN = 12
NEAREST = 5
BLOCKS = 2
"""Rows are arranged in two columns, so that the picture is about half as high as it is wide."""
SIDE = 720
GAP = 4
PART_BYTES = 1 << 26
"""Features that are converted to float64 at a time."""


def neighbor_grid(evaluator: Evaluator, samples: Tensor) -> tuple[bytes, Neighbors] | None:
    """A PNG of the first fakes (N, C, H, W), each beside its nearest training images; None for other samples.

    Each fake comes first in its row, in a red frame. The facts name the features, and the number of
    training images searched: those that the scores compare with, if the suite limits their number.
    """
    fakes = samples[:SHOWN]
    if not is_image(tuple(evaluator.dataset.shape)) or not len(fakes):
        return None
    training = evaluator.training
    order = nearest(evaluator.features(fakes).features.to(training.features.device), training.features, NEAREST).cpu()
    pixels = _sheet(shrunk(fakes), shrunk(floats(training.stored[order.flatten()])), order.shape[1])
    return small_png(zoomed(pixels, SIDE)), Neighbors(
        by=f"features of {evaluator.evaluation.extractor.name}",
        of=training.size,
        shown=len(fakes),
        nearest=order.shape[1],
    )


def nearest(points: Tensor, others: Tensor, count: int) -> Tensor:
    """Indices (N, count) of each point's nearest others by Euclidean distance; ties in index order."""
    exact = "donot_use_mm_for_euclid_dist"  # so that a copy has distance 0
    mine = points.double()
    parts = torch.split(others, max(1, PART_BYTES // (8 * others.shape[1])))
    distances = torch.cat([torch.cdist(mine, part.double(), compute_mode=exact) for part in parts], dim=1)
    return distances.sort(dim=1, stable=True).indices[:, :count]


def _sheet(fakes: Tensor, others: Tensor, count: int) -> Tensor:
    """A sheet (3, H', W') in [0, 1] of fakes (N, C, H, W) and `count` others each (N * count, C, H, W) in [-1, 1]."""
    _, _, height, width = fakes.shape
    high, wide = height + GAP, (count + 1) * (width + 1) + 2 * GAP
    blocks = min(BLOCKS, len(fakes))
    rows = -(-len(fakes) // blocks)
    sheet = torch.ones(3, rows * high + 1, blocks * (wide + GAP) - 2 * GAP)
    for index, fake in enumerate(fakes):
        top, left = 2 + index % rows * high, 1 + index // rows * (wide + GAP)
        sheet[:, top - 1 : top + height + 1, left - 1 : left + width + 1] = RED.reshape(3, 1, 1)
        sheet[:, top : top + height, left : left + width] = (fake + 1) / 2
        for place in range(count):
            at = left + width + GAP + place * (width + 1)
            sheet[:, top : top + height, at : at + width] = (others[index * count + place] + 1) / 2
    return sheet
