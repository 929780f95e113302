"""How figures for papers look: sizes, fonts, colors that everybody can tell apart, and room for names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from math import ceil, floor
from typing import Literal, NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ganbench.analysis.figure_data.axes import AxisRange
from ganbench.errors import UsageError
from ganbench.formatting import shortened, suggestion, tick
from ganbench.report.plots import figure as figures
from ganbench.report.plots.appearance import PLAIN, SANS, Appearance, applied, current, remove_headings

WIDTHS = {"column": 3.3, "page": 6.8}
"""Inches of one column and of both, in the two-column papers of most venues."""
COLUMN = WIDTHS["column"]
SMALLEST, LARGEST = 2.0, 30.0
TEXT, SMALL, TINY = 7.5, 7.0, 6.5
SETTINGS = {
    "font.family": SANS, "font.size": TEXT, "axes.labelsize": TEXT, "axes.titlesize": TEXT, "legend.fontsize": SMALL,
    "xtick.labelsize": SMALL, "ytick.labelsize": SMALL, "savefig.dpi": 300,
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5,
    "ytick.major.size": 2.5, "lines.linewidth": 1.1, "lines.markersize": 3.5, "axes.spines.top": False,
    "axes.spines.right": False, "axes.titlelocation": "left", "axes.titlepad": 4.0, "legend.frameon": False,
    "image.composite_image": False, "legend.handlelength": 1.8, "legend.columnspacing": 1.0,
    "legend.handletextpad": 0.5, "legend.labelspacing": 0.3,
    "figure.constrained_layout.h_pad": 0.02, "figure.constrained_layout.w_pad": 0.02,
}  # fmt: skip
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito 2008, without the yellow, which is too light for lines on paper."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
Dashes = Literal["-"] | tuple[float, tuple[float, ...]]
DASHES: tuple[Dashes, ...] = (
    "-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (7, 2)), (0, (2, 1)), (0, (4, 1, 1, 1, 1, 1)),
)  # fmt: skip
TICK_GAP = 0.04
"""Inches between the labels of ticks."""
DISTINCT = len(COLORS)
"""Variants that color, marker and dashes tell apart in one panel."""
INK, GRAY, PALE = "#222222", "#767676", "#c8c8c8"


class Look(NamedTuple):
    color: str
    marker: str
    dashes: Dashes


@dataclass(frozen=True)
class PaperFigure:
    """A figure for a paper: what draws it, its height (inches) at a width, and notes on what it leaves out."""

    draw: Callable[[Figure], None]
    height: Callable[[float], float]
    notes: tuple[str, ...] = ()

    def rendered(self, form: str, width: float = COLUMN, look: Appearance = PLAIN) -> bytes:
        """The bytes of a file of a form in `figures.FORMS`, `width` inches wide; the same on every call.

        Raises `MissingError` if there is no TeX for a `pgf` file, `UsageError` if it would hold pictures.
        """
        with applied(look):
            return figures.rendered(self.fill, (width, self.height(width)), form, settings(look))

    def fill(self, figure: Figure) -> None:
        """Draw, with the headings unless the appearance has none."""
        self.draw(figure)
        if current().bare:
            remove_headings(figure)


def settings(look: Appearance) -> dict[str, object]:
    """The settings of matplotlib for figures with this appearance."""
    mathtext = {"axes.formatter.use_mathtext": True} if look.font == "cmr10" else {}  # or matplotlib warns
    return {**SETTINGS, **mathtext, **look.settings, "font.family": look.families}


def looks(count: int) -> list[Look]:
    """`count` looks, all different up to `DISTINCT`."""
    colors = cycle(current().colors or COLORS)
    return [Look(next(colors), *parts) for parts in islice(cycle(zip(MARKERS, DASHES, strict=True)), count)]


def inches(width: str) -> float:
    """`column`, `page`, or a number of inches. Raises `UsageError`."""
    if width in WIDTHS:
        return WIDTHS[width]
    try:
        found = float(width)
    except ValueError:
        raise UsageError(
            f"--width {width!r}: write column, page, or a number of inches{suggestion(width, list(WIDTHS))}"
        ) from None
    if not SMALLEST <= found <= LARGEST:
        raise UsageError(f"--width {width}: a figure is {SMALLEST:g} to {LARGEST:g} inches wide")
    return found


MISSING = "\N{WHITE SQUARE}"


def drawable_text(text: str) -> str:
    """A name that can be drawn: unprintable characters are blanks, and characters that the font lacks are boxes."""
    return text if text.isascii() and text.isprintable() else "".join(map(_drawable_character, text))


def _drawable_character(character: str) -> str:
    if not character.isprintable():
        return " "
    return character if any(ord(character) in _characters(font) for font in current().families) else MISSING


@cache
def _characters(font: str) -> frozenset[int]:
    """The characters that a font has."""
    return frozenset(get_font(findfont(font)).get_charmap())


def extent(text: str, size: float = SMALL) -> float:
    """The width of one line of text, in inches."""
    return _extent(text, size, tuple(current().families))


@cache
def _extent(text: str, size: float, families: tuple[str, ...]) -> float:
    font = FontProperties(family=list(families), size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, False)
    return float(width) / 72


def fitted(text: str, room: float, size: float = SMALL) -> str:
    """A name that fits `room` inches: its middle is left out if it is too long."""
    if extent(text, size) <= room:
        return text
    for count in range(len(text) - 1, 2, -1):
        if extent(short := shortened(text, count), size) <= room:
            return short
    return text[:1] + "…"


def labels(names: Sequence[str], room: float) -> list[str]:
    """Names for an axis, all different: those too long for `room` inches are on two lines, or shortened."""
    found: list[str] = []
    for name in map(drawable_text, names):
        between = next((mark for mark in (" > ", " x ") if mark in name), ", ")
        parts = [name] if extent(name) <= room else name.split(between, 1)
        text = f"{between.rstrip()}\n".join(fitted(part, room) for part in parts)
        same = sum(other.removesuffix(f" #{i}") == text for i, other in enumerate(found, 1))
        found.append(f"{text} #{len(found) + 1}" if same else text)
    return found


class _FittingLocator(FixedLocator):
    """Fixed ticks: all, or every second, third, ... one, so that labels do not touch."""

    def __init__(self, axes: Axes, which: Literal["x", "y"], ticks: Sequence[float]) -> None:
        super().__init__(ticks)
        self.axes, self.along, self.ticks = axes, int(which == "y"), list(ticks)

    def __call__(self) -> list[float]:
        steps = (self.ticks[::step] for step in range(1, len(self.ticks)))
        return next((some for some in steps if self._fit(some)), self.ticks[:1])

    def _fit(self, places: list[float]) -> bool:
        corner = self.axes.get_xlim()[0], self.axes.get_ylim()[0]
        points = [(corner[0], place) if self.along else (place, corner[1]) for place in places]
        figure = self.axes.get_figure(root=True)
        assert figure is not None
        at = self.axes.transData.transform(points)[:, self.along] / figure.dpi
        sizes = [SMALL / 72 if self.along else extent(tick(place)) for place in places]
        pairs = zip(at, at[1:], sizes, sizes[1:], strict=False)
        return all(abs(b - a) >= (x + y) / 2 + TICK_GAP for a, b, x, y in pairs)


def set_axis(axes: Axes, which: Literal["x", "y"], shown: AxisRange) -> None:
    """Set scale, ends and ticks of an axis."""
    axes.set(**{f"{which}scale": "log" if shown.log else "linear", f"{which}lim": (shown.low, shown.high)})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(_FittingLocator(axes, which, shown.ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def width_of(figure: Figure) -> float:
    """Inches."""
    return float(figure.get_size_inches()[0])


def legend(figure: Figure, handles: Sequence[Artist], texts: Sequence[str], columns: int) -> float:
    """Add a legend below the panels; returns its height. matplotlib itself drops names that begin with `_`."""
    made = figure.legend(handles, [" "] * len(texts), loc="outside lower left", ncols=columns)
    for text, own in zip(made.get_texts(), texts, strict=True):
        text.set_text(own)
    return legend_height(len(texts), columns)


def legend_height(count: int, columns: int) -> float:
    """Inches of a legend of `count` texts."""
    return 0.08 + 0.14 * ceil(count / columns)


def legend_columns(texts: Sequence[str], width: float, handle: float = 0.34) -> int:
    """The number of columns for which a legend of these texts has room."""
    widest = max((extent(text) for text in texts), default=0.0) + handle
    return max(1, min(len(texts), floor((width - 0.1) / widest)))


def text_beside(axes: Axes, y: float, text: str, points: float, color: str = INK, weight: str = "normal") -> None:
    """Write a text right of the panel, at height `y` in data coordinates, `points` away from it."""
    axes.annotate(
        text, (1, y), (points, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
        ha="center", va="center", fontsize=SMALL, color=color, weight=weight, annotation_clip=False,
    )  # fmt: skip
