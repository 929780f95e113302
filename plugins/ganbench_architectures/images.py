"""Which samples a convolutional pair can make."""

from collections.abc import Callable


def unsupported(shape: tuple[int, ...], fits: Callable[[int], bool], supported: str) -> str | None:
    """Why samples (*shape) are not square images whose side fits, or None if they are; `supported` names the sides."""
    if len(shape) != 3:
        return f"convolutions need images, and the samples are {shape[0]}-D points"
    if shape[1] != shape[2] or not fits(shape[1]):
        return f"it supports {supported}, not {shape[1]}x{shape[2]}"
    return None
