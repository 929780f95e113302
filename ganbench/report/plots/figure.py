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
from ganbench.report.plots.pgf import PGF, pgf

REAL, FAKE, TRAINED, BEST = "#2c7fb8", "#d7261a", "#d95f02", "#222222"
METADATA = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    "pgf": {},
}
"""Left out of the file: matplotlib's version, and the time."""
FIXED = {
    **PGF,
    "svg.hashsalt": "ganbench",
    "pdf.fonttype": 42,  # publishers refuse Type 3 fonts
    "text.parse_math": False,  # a name with two $ is a name, not a formula
}
SCREEN = {"font.size": 9, "savefig.dpi": 120}


def form(path: Path) -> str:
    """The form of a file by its extension. Raises `UsageError` for an unknown one, or if it cannot be written."""
    extension = path.suffix.removeprefix(".").lower()
    if extension not in METADATA:
        raise UsageError(f"unsupported format {path.suffix!r}; use .png, .svg, .pdf or .pgf")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise UsageError(f"cannot write {str(path)!r}: {str(path.parent)!r} is not a writable folder")
    return extension


def rendered(
    draw: Callable[[Figure], None], size: tuple[float, float], form: str, settings: Mapping[str, object] = SCREEN
) -> bytes:
    """The bytes of a figure of `size` inches that `draw` fills, independent of the user's matplotlib settings."""
    buffer = io.BytesIO()
    chosen: dict[Any, Any] = {**settings, **FIXED}
    with matplotlib.style.context("default"), matplotlib.rc_context(chosen):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        if form == "pgf":
            return pgf(figure)
        figure.savefig(buffer, format=form, metadata=METADATA[form])
    return buffer.getvalue()


def probability(axes: Axes, values: NDArray[np.floating], extent: tuple[float, float, float, float]) -> AxesImage:
    """A map of probabilities (rows upwards, columns) over an extent; blue real, red fake, gray for NaN."""
    axes.set_facecolor("0.75")
    return axes.imshow(values, origin="lower", extent=extent, vmin=0, vmax=1, cmap="RdBu", interpolation="nearest")
