"""What is not whole in a figure: artists beyond its edges, markers cut by their panels, headings on one another."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import combinations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

EDGE = 0.005
"""Inches beyond an edge that nobody sees."""
TOUCH = 0.02
"""Inches that the boxes of two texts may share: letters do not fill them."""
PART = 0.8
"""A marker is whole if so much of its radius is inside."""


def cut_off(figure: Figure) -> list[str]:
    """Everything that is not whole in a figure that has been filled but not drawn yet."""
    FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a layout without room
        figure.draw_without_rendering()
    markers = (text for axes in figure.axes for text in _markers(axes, figure))
    return [*_beyond(figure), *markers, *_overlaps(figure)]


def _overlaps(figure: Figure) -> Iterator[str]:
    """Headings, names of panels and explanations that lie on one another."""
    titles = [text for axes in figure.axes for text in axes.findobj(Text) if text.get_text() and _is_title(text, axes)]
    texts = [text for text in (*figure.texts, *titles) if text.get_text().strip()]
    for one, other in combinations(texts, 2):
        a, b = (text.get_window_extent() for text in (one, other))
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        if min(wide, high) > TOUCH * figure.dpi:
            yield f"{one.get_text()!r} lies on {other.get_text()!r}"


def _is_title(text: Artist, axes: Axes) -> bool:
    return isinstance(text, Text) and text.get_text() in {axes.get_title(side) for side in ("left", "center", "right")}


def _beyond(figure: Figure) -> Iterator[str]:
    box = figure.get_tightbbox()
    wide, high = figure.get_size_inches()
    if min(box.x0, box.y0, wide - box.x1, high - box.y1) < -EDGE:
        yield f"{wide:.2f} x {high:.2f} inches hold {box.x0:.2f} to {box.x1:.2f}, {box.y0:.2f} to {box.y1:.2f}"


def _markers(axes: Axes, figure: Figure) -> Iterator[str]:
    low, high = (np.array(corner) for corner in axes.bbox.get_points())
    for line in axes.lines:
        if not line.get_clip_on() or line.get_marker() in ("", "None", " "):
            continue
        radius = line.get_markersize() / 2 * figure.dpi / 72
        points = _points(line)
        near = ((points > low - radius) & (points < high + radius)).all(axis=1)
        whole = ((points > low + PART * radius) & (points < high - PART * radius)).all(axis=1)
        if (near & ~whole).any():
            yield f"a marker {line.get_marker()!r} of {axes.get_title()!r} is cut"


def _points(line: Line2D) -> np.ndarray:
    data = np.column_stack(
        [np.asarray(line.get_xdata(orig=False), float), np.asarray(line.get_ydata(orig=False), float)]
    )
    places = line.get_transform().transform(data) if len(data) else data.reshape(0, 2)
    found: np.ndarray = places[np.isfinite(places).all(axis=1)]
    return found
