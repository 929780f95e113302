"""Changes of images that differ from sample to sample: exact, differentiable any number of times, without branches."""

import math

import torch
from torch import Tensor


def per_sample(numbers: Tensor, x: Tensor) -> Tensor:
    """The first of one number a sample, (B,), as (B, 1, 1, 1) beside x (B, C, H, W)."""
    return numbers[: x.shape[0]].reshape(-1, *[1] * (x.dim() - 1))


def flipped(x: Tensor, chosen: Tensor) -> Tensor:
    """The images (B, C, H, W), of which the chosen (B,) are flipped horizontally."""
    return torch.where(per_sample(chosen, x), x.flip(-1), x)


def turned(x: Tensor, quarters: Tensor) -> Tensor:
    """The square images (B, C, S, S), turned counterclockwise by 0 to 3 quarters (B,)."""
    quarters, result = per_sample(quarters, x), x
    for number in (1, 2, 3):
        result = torch.where(quarters == number, torch.rot90(x, number, (-2, -1)), result)
    return result


def whole_steps(numbers: Tensor, furthest: float | Tensor) -> Tensor:
    """Numbers that are uniform in [0, 1) as integers from -furthest to furthest, float."""
    return (numbers * (2 * furthest + 1)).floor() - furthest


def pixels(side: int, share: float | Tensor) -> float | Tensor:
    """A share of a side in whole pixels."""
    exact = side * share + 0.5
    return exact.floor() if isinstance(exact, Tensor) else float(math.floor(exact))


def moved(x: Tensor, down: Tensor, right: Tensor, reflects: bool = False) -> Tensor:
    """The images (B, C, H, W), moved by whole pixels (B,) each, filled with zeros or with their mirror image.

    A product with matrices that hold one 1 in a row: exact, and its derivatives add in a fixed order on every device.
    """
    rows = _selection(x.shape[-2], down[: x.shape[0]], reflects).to(x.dtype)
    columns = _selection(x.shape[-1], right[: x.shape[0]], reflects).to(x.dtype)
    return rows[:, None] @ x @ columns[:, None].transpose(-2, -1)


def _selection(size: int, steps: Tensor, reflects: bool) -> Tensor:
    """Matrices (B, size, size) whose row i selects the pixel that moves to i, if there is one."""
    places = torch.arange(size, device=steps.device)
    source = places - steps[:, None]
    if reflects:
        last = size - 1
        source = last - (last - source.abs()).abs()
    return source[:, :, None] == places


def shifted(x: Tensor, numbers: Tensor, share: float | Tensor) -> Tensor:
    """The images, moved down and right by `numbers` (B, 2), uniform in [0, 1): up to a share of their side, rounded."""
    down = whole_steps(numbers[:, 0], pixels(x.shape[-2], share))
    right = whole_steps(numbers[:, 1], pixels(x.shape[-1], share))
    return moved(x, down, right)


def without_rectangle(x: Tensor, numbers: Tensor, share: float | Tensor) -> Tensor:
    """The images with zeros in a rectangle of a share of each side, whose center is drawn by `numbers` (B, 2)."""
    hit = [_covered(side, numbers[: x.shape[0], i], share) for i, side in enumerate(x.shape[-2:])]
    return torch.where((hit[0][:, :, None] & hit[1][:, None, :])[:, None], 0.0, x)


def _covered(side: int, numbers: Tensor, share: float | Tensor) -> Tensor:
    """Which pixels of a side (B, side) the rectangle covers; its center is any pixel, or for even sizes the end."""
    size = pixels(side, share)
    start = (numbers * (side + 1 - size % 2)).floor()[:, None] - size // 2
    places = torch.arange(side, device=numbers.device)
    return (places >= start) & (places < start + size)


def only_images(shape: tuple[int, ...]) -> str | None:
    """Why samples of a shape are no images (C, H, W), or None."""
    return None if len(shape) == 3 else f"it changes images, and the samples have the shape {shape}"
