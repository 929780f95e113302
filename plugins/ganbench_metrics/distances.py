"""Distances between many points in float64, tile by tile; what several metrics share."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

SIDE = 512
"""Rows and columns of a tile of distances: 2 MiB, which stays in the cache."""
SLACK = 1e-12
"""|x - y|^2 from |x|^2 + |y|^2 - 2 x.y is known to about this part of |x|^2 + |y|^2; less counts as zero."""

Tile = tuple[slice, slice, Tensor]


def centered(features: Tensor, center: Tensor) -> Tensor:
    """Features (N, d) as float64 around a center (d,)."""
    return features.double() - center


def mean_of(features: Tensor) -> Tensor:
    """The mean (d,) of features (N, d) in float64; exact for a constant feature."""
    first = features[0].double()
    total = torch.zeros_like(first)
    for part in torch.split(features, 8 * SIDE):
        total += (part.double() - first).sum(dim=0)
    return first + total / len(features)


def squared_tiles(points: Tensor, others: Tensor, center: Tensor, slack: float = 0.0) -> Iterator[Tile]:
    """Tiles of the squared distances of points (N, d) to others (M, d), with their rows and columns.

    `center` is near the points, so that a shift of all features costs no digits. With `slack` the values are lower
    bounds: not above the true ones, whatever the rounding. A tile is overwritten by the next one.
    """
    buffer = torch.empty(SIDE, SIDE, dtype=torch.float64)
    columns = [slice(i, min(i + SIDE, len(others))) for i in range(0, len(others), SIDE)]
    for start in range(0, len(points), SIDE):
        rows = slice(start, min(start + SIDE, len(points)))
        x = centered(points[rows], center)
        own = (x * x).sum(dim=1, keepdim=True) * (1 - slack)
        for part in columns:
            y = centered(others[part], center)
            tile = buffer[: len(x), : len(y)]
            torch.add(own, (y * y).sum(dim=1) * (1 - slack), out=tile)
            yield rows, part, tile.addmm_(x, y.T, alpha=-2)


def squared_radii(points: Tensor, center: Tensor, k: int) -> Tensor:
    """The squared distance (N,) of each point (N, d) to the k-th nearest of the others; repeated points have 0."""
    nearest = torch.full((len(points), k + 1), torch.inf, dtype=torch.float64)  # the nearest is the point itself
    for rows, _, tile in squared_tiles(points, points, center):
        known = torch.cat([nearest[rows], tile], dim=1)
        nearest[rows] = known.topk(k + 1, dim=1, largest=False).values
    return nearest[:, -1].clamp(min=0)


def nearest_distances(points: Tensor, others: Tensor) -> Tensor:
    """Each point's distance (N,) to the nearest of the others (M, d); a copy of one of them has 0 exactly."""
    least = torch.full((len(points),), torch.inf, dtype=torch.float64)
    which = torch.zeros(len(points), dtype=torch.long)
    for rows, columns, tile in squared_tiles(points, others, mean_of(others)):
        found, at = tile.min(dim=1)
        nearer = found < least[rows]
        least[rows] = torch.where(nearer, found, least[rows])
        which[rows] = torch.where(nearer, at + columns.start, which[rows])
    parts = [
        (points[i : i + SIDE].double() - others[which[i : i + SIDE]].double()).norm(dim=1)
        for i in range(0, len(points), SIDE)
    ]
    return torch.cat(parts)


def mean_distance(points: Tensor) -> float:
    """The mean distance over all pairs of distinct points (N, d); 0 if all are one point."""
    total = 0.0
    for rows, columns, tile in squared_tiles(points, points, mean_of(points), SLACK):
        if columns.start < rows.start:
            continue
        apart = tile.clamp_(min=0).sqrt_().sum().item()
        total += apart if rows.start == columns.start else 2 * apart
    return total / (len(points) * (len(points) - 1))
