"""Fakes beside their nearest training images: whether a generator copies, for the eye."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.evaluation.evaluator import Judge
from ganbench.evaluation.images import RED, is_image, shrunk, small_png, zoomed
from ganbench.results.records import Neighbors

SHOWN = 12
NEAREST = 5
BLOCKS = 2
"""Columns of rows, so that the picture is about as high as half its width."""
SIDE = 720
GAP = 4


def neighbours(judge: Judge, samples: Tensor) -> tuple[bytes, Neighbors] | None:
    """A PNG of the first fakes (N, C, H, W), each beside its nearest training images; None for other samples.

    Each fake stands first in its row, in a red frame. The facts say in whose features, and among
    how many training images: those that the scores compare with, where the suite takes a part.
    """
    fakes = samples[:SHOWN]
    if not is_image(tuple(judge.dataset.shape)) or not len(fakes):
        return None
    training = judge.training
    order = nearest(judge.features(fakes).features, training.features, NEAREST)
    pixels = _sheet(shrunk(fakes), shrunk(training.samples[order.flatten()]), order.shape[1])
    return small_png(zoomed(pixels, SIDE)), Neighbors(
        by=f"features of {judge.evaluation.extractor.name}",
        of=len(training.samples),
        shown=len(fakes),
        nearest=order.shape[1],
    )


def nearest(points: Tensor, others: Tensor, count: int) -> Tensor:
    """Rows (N, count) of each point's nearest others, in order of Euclidean distance; of equals the first."""
    exact = "donot_use_mm_for_euclid_dist"  # so that a copy is at 0
    distances = torch.cdist(points.double(), others.double(), compute_mode=exact)
    return distances.sort(dim=1, stable=True).indices[:, :count]


def _sheet(fakes: Tensor, others: Tensor, count: int) -> Tensor:
    """Fakes (N, C, H, W) and count others each (N * count, C, H, W), in [-1, 1], as one (3, H', W') in [0, 1]."""
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
