"""Distances between many points in float64, tile by tile; what several metrics share."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

import torch
from torch import Tensor

from ganbench import chunk_bytes

SIDE = 512
"""Rows and columns of a tile of distances on a CPU: 2 MiB, which stays in the cache."""
PART = 4096
"""Samples whose features are converted to float64 at a time on a CPU."""
LEAST = 32
"""Rows at a time, however long they are."""
SLACK = 1e-12
"""|x - y|^2 from |x|^2 + |y|^2 - 2 x.y is known to about this part of |x|^2 + |y|^2; less counts as zero."""

Tile = tuple[slice, slice, Tensor]


def centered(features: Tensor, center: Tensor) -> Tensor:
    """Features (N, d) as float64 around a center (d,)."""
    return features.double() - center


def rows_at_a_time(device: torch.device, width: int, on_cpu: int) -> int:
    """Rows of `width` numbers in float64 that are handled at a time: `on_cpu`, or as many as fit a device's chunk."""
    return on_cpu if device.type == "cpu" else max(LEAST, chunk_bytes(device) // (8 * width))


def tile_side(features: Tensor) -> int:
    """Rows and columns of a tile of distances between features (N, d)."""
    device, width = features.device, features.shape[1]
    return SIDE if device.type == "cpu" else rows_at_a_time(device, max(width, isqrt(chunk_bytes(device) // 8)), SIDE)


def mean_of(features: Tensor) -> Tensor:
    """The mean (d,) of features (N, d) in float64; exact for a constant feature."""
    first = features[0].double()
    total = torch.zeros_like(first)
    for part in torch.split(features, rows_at_a_time(features.device, len(first), PART)):
        total += (part.double() - first).sum(dim=0)
    return first + total / len(features)


def squared_tiles(points: Tensor, others: Tensor, center: Tensor, slack: float = 0.0) -> Iterator[Tile]:
    """Tiles of the squared distances of points (N, d) to others (M, d), with their rows and columns.

    `center` is near the points, so that a shift of all features costs no digits. With `slack` the values are lower
    bounds: not above the true ones, whatever the rounding. A tile is overwritten by the next one.
    """
    side = min(tile_side(points), max(SIDE, len(points), len(others)))
    buffer = torch.empty(side, side, dtype=torch.float64, device=points.device)
    columns = [slice(i, min(i + side, len(others))) for i in range(0, len(others), side)]
    for start in range(0, len(points), side):
        rows = slice(start, min(start + side, len(points)))
        x = centered(points[rows], center)
        own = (x * x).sum(dim=1, keepdim=True) * (1 - slack)
        for part in columns:
            y = centered(others[part], center)
            tile = buffer[: len(x), : len(y)]
            torch.add(own, (y * y).sum(dim=1) * (1 - slack), out=tile)
            yield rows, part, tile.addmm_(x, y.T, alpha=-2)


def squared_radii(points: Tensor, center: Tensor, k: int) -> Tensor:
    """The squared distance (N,) of each point (N, d) to the k-th nearest of the others; repeated points have 0."""
    nearest = points.new_full((len(points), k + 1), torch.inf, dtype=torch.float64)  # the nearest is the point itself
    for rows, _, tile in squared_tiles(points, points, center):
        least = tile.topk(min(k + 1, tile.shape[1]), dim=1, largest=False).values
        nearest[rows] = torch.cat([nearest[rows], least], dim=1).topk(k + 1, dim=1, largest=False).values
    return nearest[:, -1].clamp(min=0)


def nearest_distances(points: Tensor, others: Tensor) -> Tensor:
    """Each point's distance (N,) to the nearest of the others (M, d); a copy of one of them has 0 exactly."""
    least = points.new_full((len(points),), torch.inf, dtype=torch.float64)
    which = points.new_zeros(len(points), dtype=torch.long)
    for rows, columns, tile in squared_tiles(points, others, mean_of(others)):
        found, at = tile.min(dim=1)
        nearer = found < least[rows]
        least[rows] = torch.where(nearer, found, least[rows])
        which[rows] = torch.where(nearer, at + columns.start, which[rows])
    count = rows_at_a_time(points.device, points.shape[1], SIDE)
    parts = zip(torch.split(points, count), torch.split(which, count), strict=True)
    return torch.cat([(part.double() - others[at].double()).norm(dim=1) for part, at in parts])


def mean_distance(points: Tensor) -> float:
    """The mean distance over all pairs of distinct points (N, d); 0 if all are one point."""
    total = points.new_zeros((), dtype=torch.float64)
    for rows, columns, tile in squared_tiles(points, points, mean_of(points), SLACK):
        if columns.start < rows.start:
            continue
        apart = tile.clamp_(min=0).sqrt_().sum()
        total += apart if rows.start == columns.start else 2 * apart
    return total.item() / (len(points) * (len(points) - 1))
