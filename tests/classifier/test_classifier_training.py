"""What a classifier is trained on."""

from __future__ import annotations

import numpy as np
import torch

from ganbench.classifier.training import moved


def test_each_image_is_moved_by_its_own_draw() -> None:
    """Every moved image is one of the 25 windows of numpy's padded one, and all 25 occur."""
    image = torch.arange(2 * 6 * 5, dtype=torch.float32).reshape(1, 2, 6, 5)
    found = moved(image.expand(500, -1, -1, -1), 2, torch.Generator().manual_seed(0))
    wide = np.pad(image[0].numpy(), ((0, 0), (2, 2), (2, 2)), mode="edge")
    windows = {(y, x): wide[:, y : y + 6, x : x + 5].tobytes() for y in range(5) for x in range(5)}
    assert {one.numpy().tobytes() for one in found} == set(windows.values())


def test_without_a_shift_nothing_is_drawn() -> None:
    draws = torch.Generator().manual_seed(0)
    images = torch.ones(3, 1, 4, 4)
    assert moved(images, 0, draws) is images
    assert torch.equal(draws.get_state(), torch.Generator().manual_seed(0).get_state())
