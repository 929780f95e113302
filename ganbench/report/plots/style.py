"""How plots for papers look: sizes, letters, colours that everybody can tell apart, and room for names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from math import ceil, floor, log10
from typing import Literal, NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.report.plots import figure as figures

WIDTHS = {"column": 3.3, "page": 6.8}
"""Inches of one column and of both, in the two-column papers of most venues."""
COLUMN = WIDTHS["column"]
SMALLEST, LARGEST = 2.0, 30.0
FONT = "DejaVu Sans"
TEXT, SMALL, TINY = 7.5, 7.0, 6.5
SETTINGS = {
    "font.family": FONT, "font.size": TEXT, "axes.labelsize": TEXT, "axes.titlesize": TEXT, "legend.fontsize": SMALL,
    "xtick.labelsize": SMALL, "ytick.labelsize": SMALL, "savefig.dpi": 300,
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5,
    "ytick.major.size": 2.5, "lines.linewidth": 1.1, "lines.markersize": 3.5, "axes.spines.top": False,
    "axes.spines.right": False, "axes.titlelocation": "left", "axes.titlepad": 4.0, "legend.frameon": False,
    "image.composite_image": False, "legend.handlelength": 1.8, "legend.columnspacing": 1.0,
    "legend.handletextpad": 0.5, "legend.labelspacing": 0.3,
    "figure.constrained_layout.h_pad": 0.02, "figure.constrained_layout.w_pad": 0.02,
}  # fmt: skip
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito 2008, without the yellow, which is too light for lines on paper."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
Dashes = Literal["-"] | tuple[float, tuple[float, ...]]
DASHES: tuple[Dashes, ...] = (
    "-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (7, 2)), (0, (2, 1)), (0, (4, 1, 1, 1, 1, 1)),
)  # fmt: skip
DISTINCT = len(COLOURS)
"""Variants that colour, marker and dashes tell apart in one panel."""
INK, GREY, PALE = "#222222", "#767676", "#c8c8c8"


class Look(NamedTuple):
    colour: str
    marker: str
    dashes: Dashes


@dataclass(frozen=True)
class Picture:
    """A plot that can be drawn: what fills the figure, its height (inches) at a width, and what to say beside it."""

    draw: Callable[[Figure], None]
    height: Callable[[float], float]
    notes: tuple[str, ...] = ()

    def rendered(self, form: str, width: float = COLUMN) -> bytes:
        """The bytes of a `form` file (`png`, `svg` or `pdf`), `width` inches wide; the same on every call."""
        return figures.rendered(self.draw, (width, self.height(width)), form, SETTINGS)


def looks(count: int) -> list[Look]:
    return [Look(*parts) for parts in islice(cycle(zip(COLOURS, MARKERS, DASHES, strict=True)), count)]


def inches(width: str) -> float:
    """`column`, `page`, or a number of inches. Raises `UsageError`."""
    if width in WIDTHS:
        return WIDTHS[width]
    try:
        found = float(width)
    except ValueError:
        raise UsageError(f"--width {width!r}: write column, page, or inches{suggestion(width, list(WIDTHS))}") from None
    if not SMALLEST <= found <= LARGEST:
        raise UsageError(f"--width {width}: a plot is {SMALLEST:g} to {LARGEST:g} inches wide")
    return found


def literal(text: str) -> str:
    """A name as it can be drawn: what is no letter is a blank, and a letter that the font lacks a box."""
    return text if text.isascii() and text.isprintable() else "".join(map(_drawable, text))


def _drawable(letter: str) -> str:
    if not letter.isprintable():
        return " "
    return letter if ord(letter) in _letters() else "\N{WHITE SQUARE}"


@cache
def _letters() -> frozenset[int]:
    """The characters of the font that everything is drawn in."""
    return frozenset(get_font(findfont(FONT)).get_charmap())


@cache
def extent(text: str, size: float = SMALL) -> float:
    """The width of one line of text, in inches."""
    width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(family=FONT, size=size), False)
    return float(width) / 72


def fitted(text: str, room: float, size: float = SMALL) -> str:
    """A name in so many inches: its middle is left out, because variants differ at both ends."""
    if extent(text, size) <= room:
        return text
    for kept in range(len(text) - 1, 2, -1):
        short = text[: ceil(kept / 2)] + "…" + text[len(text) - kept // 2 :]
        if extent(short, size) <= room:
            return short
    return text[:1] + "…"


def labels(names: Sequence[str], room: float) -> list[str]:
    """Names for an axis: on two lines where they are `loss x architecture` and too long, all different."""
    found: list[str] = []
    for name in map(literal, names):
        between = " x " if " x " in name else ", "
        parts = [name] if extent(name) <= room else name.split(between, 1)
        text = f"{between.rstrip()}\n".join(fitted(part, room) for part in parts)
        same = sum(other.removesuffix(f" #{i}") == text for i, other in enumerate(found, 1))
        found.append(f"{text} #{len(found) + 1}" if same else text)
    return found


def number(value: float, digits: int = 4) -> str:
    """A tick: 0.05, 300, 20k, 2M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= max(size, 1e4):
            return f"{value / size:.{digits}g}{unit}"
    return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")


def scale(axis: Axis, low: float, high: float, log: bool) -> None:
    """Ticks of an axis from low to high, drawn as plain numbers; `log`: at 1, 2 and 5 of each decade, or fewer."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    if not log:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        return
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    for digits in ((1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**decade for decade in decades for digit in digits if low <= digit * 10.0**decade <= high]
        if len(ticks) <= 5:
            break
    axis.set_major_locator(FixedLocator(ticks[:: ceil(len(ticks) / 6)] if ticks else [low, high]))
    axis.set_minor_locator(NullLocator())


def limits(values: Sequence[float], log: bool, margin: float = 0.05) -> tuple[float, float]:
    """The ends of an axis that shows all values with a margin on both sides."""
    low, high = min(values), max(values)
    if log:
        factor = (high / low) ** margin if high > low else 1.2
        return low / factor, high * factor
    room = (high - low) * margin if high > low else abs(high) * 0.1 or 0.5
    return low - room, high + room


def legend(figure: Figure, handles: Sequence[Artist], texts: Sequence[str], columns: int) -> float:
    """A legend below the panels, names as they are (matplotlib drops those that begin with `_`)."""
    made = figure.legend(handles, [" "] * len(texts), loc="outside lower left", ncols=columns)
    for text, wanted in zip(made.get_texts(), texts, strict=True):
        text.set_text(wanted)
    return legend_height(len(texts), columns)


def legend_height(count: int, columns: int) -> float:
    return 0.08 + 0.14 * ceil(count / columns)


def columns(texts: Sequence[str], width: float, handle: float = 0.34) -> int:
    """How many columns a legend of these texts has room for."""
    widest = max((extent(text) for text in texts), default=0.0) + handle
    return max(1, min(len(texts), floor((width - 0.1) / widest)))


def beside(axes: Axes, y: float, text: str, points: float, colour: str = INK, weight: str = "normal") -> None:
    """A text right of the panel, at a height in data, so many points away from it."""
    axes.annotate(
        text, (1, y), (points, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
        ha="center", va="center", fontsize=SMALL, color=colour, weight=weight, annotation_clip=False,
    )  # fmt: skip
