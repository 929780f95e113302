"""matplotlib figures as PNG, SVG or PDF bytes that are the same on every call."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from ganbench.errors import UsageError

REAL, FAKE, TRAINED, BEST = "#2c7fb8", "#d7261a", "#d95f02", "#222222"
METADATA = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}
"""What matplotlib would write into the file itself: its version, and the time."""
FIXED = {
    "svg.hashsalt": "ganbench",
    "pdf.fonttype": 42,  # publishers refuse Type 3 fonts
    "text.parse_math": False,  # a name with two $ is a name, no formula
}
SCREEN = {"font.size": 9, "savefig.dpi": 120}


def form(path: Path) -> str:
    """`png`, `svg` or `pdf`, by the file's ending. Raises `UsageError` for another, or where it cannot be written."""
    ending = path.suffix.removeprefix(".").lower()
    if ending not in METADATA:
        raise UsageError(f"a picture is a .png, .svg or .pdf file, not {str(path)!r}")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise UsageError(f"no picture can be written to {str(path)!r}: {str(path.parent)!r} is no folder to write in")
    return ending


def rendered(
    draw: Callable[[Figure], None], size: tuple[float, float], form: str, settings: Mapping[str, Any] = SCREEN
) -> bytes:
    """The bytes of a figure of `size` inches that `draw` fills, whatever the user's own settings of matplotlib."""
    buffer = io.BytesIO()
    chosen: dict[Any, Any] = {**FIXED, **settings}
    with matplotlib.style.context("default"), matplotlib.rc_context(chosen):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(buffer, format=form, metadata=METADATA[form])
    return buffer.getvalue()


def probability(axes: Axes, values: NDArray[np.floating], extent: tuple[float, float, float, float]) -> AxesImage:
    """A map of probabilities (rows upwards, columns) over an extent; blue real, red fake, grey where it is NaN."""
    axes.set_facecolor("0.75")
    return axes.imshow(values, origin="lower", extent=extent, vmin=0, vmax=1, cmap="RdBu", interpolation="nearest")
