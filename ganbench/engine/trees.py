"""Trees of tensors: stacked over seeds, and one seed's part of a stack."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch.utils._pytree import tree_map

T = TypeVar("T")


def stacked(items: list[T]) -> T:
    """Stack trees of tensors into one tree with a leading seed dimension."""
    result: T = tree_map(lambda *leaves: torch.stack(leaves), *items)
    return result


def lane(tree: T, index: int) -> T:
    """One seed's slice of a stacked tree."""
    result: T = tree_map(lambda leaf: leaf[index], tree)
    return result
