"""Images as extractors of photographs read them: 8-bit RGB."""

import torch
from torch import Tensor

from ganbench import Dataset

GRAY = 1


def rgb_bytes(images: Tensor) -> Tensor:
    """Images (B, C, H, W) in [-1, 1] with one or three channels as uint8 (B, 3, H, W); gray ones are repeated."""
    bytes_ = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return bytes_.expand(-1, 3, -1, -1) if images.shape[1] == GRAY else bytes_


def no_images(dataset: Dataset) -> str | None:
    """Why an extractor of photographs cannot read the samples of a dataset, or None if it can."""
    shape = tuple(dataset.shape)
    if len(shape) == 3 and shape[0] in (GRAY, 3):
        return None
    return f"it reads images of one or three channels, not samples of shape {shape}"
