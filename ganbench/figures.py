"""matplotlib figures as PNG or SVG bytes that are the same on every call."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from ganbench.errors import UsageError

REAL, FAKE, TRAINED, BEST = "#2c7fb8", "#d7261a", "#d95f02", "#222222"
METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
"""What matplotlib would write into the file itself: its version, and the time."""


def form(path: Path) -> str:
    """`png` or `svg`, by the file's ending. Raises `UsageError` for another one, or where it cannot be written."""
    ending = path.suffix.removeprefix(".").lower()
    if ending not in METADATA:
        raise UsageError(f"a picture is a .png or a .svg file, not {str(path)!r}")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise UsageError(f"no picture can be written to {str(path)!r}: {str(path.parent)!r} is no folder to write in")
    return ending


def rendered(draw: Callable[[Figure], None], size: tuple[float, float], form: str) -> bytes:
    """The bytes of a figure of `size` inches that `draw` fills, whatever the user's own settings of matplotlib."""
    buffer = io.BytesIO()
    with matplotlib.style.context("default"), matplotlib.rc_context({"svg.hashsalt": "ganbench", "font.size": 9}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(buffer, format=form, dpi=120, metadata=METADATA[form])
    return buffer.getvalue()


def probability(axes: Axes, values: NDArray[np.floating], extent: tuple[float, float, float, float]) -> AxesImage:
    """A map of probabilities (rows upwards, columns) over an extent; blue real, red fake, grey where it is NaN."""
    axes.set_facecolor("0.75")
    return axes.imshow(values, origin="lower", extent=extent, vmin=0, vmax=1, cmap="RdBu", interpolation="nearest")
