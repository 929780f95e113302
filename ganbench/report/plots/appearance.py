"""What a user may choose of a figure's looks: font, matplotlib style, and whether headings are drawn."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from ganbench.errors import UsageError

SANS, SERIF = "DejaVu Sans", "STIXGeneral"
"""Both ship with matplotlib; the second is like Times."""
FONTS = {"sans": SANS, "serif": SERIF}
FONT_FILES = (".ttf", ".otf")
HEADING = "heading"
"""The label of texts that `bare` figures do not have, beside titles and super titles."""
PANEL = "panel"
"""The label of axes whose title is the name of what they show, not a heading."""
OWN = (
    "figure.", "savefig.", "backend", "legend.", "svg.", "pdf.", "ps.", "pgf.", "text.usetex", "text.parse_math",
    "font.size",
    "axes.labelsize", "axes.titlesize", "xtick.labelsize", "ytick.labelsize", "interactive",
    "toolbar", "keymap.", "webagg.", "animation.", "tk.", "macosx.", "axes.titlelocation",
)  # fmt: skip
"""What a style cannot change, because the layout of the figures rests on it."""


@dataclass(frozen=True)
class Appearance:
    """A font's family, settings of matplotlib beside those of all figures, and colors of variants (at least two).

    `bare` figures have no headings and no explanations, because the paper's caption says that.
    """

    font: str = SANS
    settings: Mapping[str, Any] = field(default_factory=dict)
    colors: tuple[str, ...] = ()
    bare: bool = False
    notes: tuple[str, ...] = ()

    @property
    def families(self) -> list[str]:
        """The font, and the one that has the characters that it lacks."""
        return list(dict.fromkeys((self.font, SANS)))


PLAIN = Appearance()
_CURRENT: ContextVar[Appearance] = ContextVar("appearance", default=PLAIN)


def current() -> Appearance:
    """The appearance of the figure that is being drawn."""
    return _CURRENT.get()


@contextmanager
def applied(chosen: Appearance) -> Iterator[None]:
    """Draw with this appearance within the block."""
    token = _CURRENT.set(chosen)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def appearance(font: str | None = None, style: Path | None = None, bare: bool = False) -> Appearance:
    """What is asked for: `serif`, `sans` or a font's file, and a file of settings as matplotlib reads it.

    Raises `UsageError` if a file is missing or damaged.
    """
    found, notes = _style(style) if style else ({}, ())
    cycle = found.pop("axes.prop_cycle", None)
    colors = tuple(cycle.by_key().get("color", ())) if cycle is not None else ()
    family = _family(font) if font else _style_family(found) or SANS
    own = {key: value for key, value in found.items() if not key.startswith("font.")}
    return Appearance(family, own, colors if len(colors) > 1 else (), bare, notes)


def _family(font: str) -> str:
    if font in FONTS:
        return FONTS[font]
    path = Path(font)
    if path.suffix.lower() not in FONT_FILES:
        raise UsageError(f"--font {font!r}: write serif, sans, or a font's file (.ttf or .otf)")
    try:
        family = get_font(str(path)).family_name
        fontManager.addfont(str(path))
    except (OSError, RuntimeError, ValueError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else "it is no font that can be read"
        raise UsageError(f"--font {font!r}: {reason}") from None
    return str(family)


def _style(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The settings of a style file, and a note on those that figures fix themselves."""
    said = _Messages()
    logger = logging.getLogger("matplotlib")
    logger.addHandler(said)
    kept, logger.propagate = logger.propagate, False
    try:
        read = matplotlib.rc_params_from_file(str(path), fail_on_error=True, use_default_template=False)
    except OSError as error:
        raise UsageError(f"--style {str(path)!r}: {error.strerror or error}") from None
    except (ValueError, UnicodeError, KeyError) as error:
        raise UsageError(f"--style {str(path)!r} is no matplotlib style: {_first_line(str(error))}") from None
    finally:
        logger.removeHandler(said)
        logger.propagate = kept
    if said.texts:
        raise UsageError(f"--style {str(path)!r} is no matplotlib style: {_first_line(said.texts[0])}")
    settings = dict(read)
    fixed = [key for key in settings if key.startswith(OWN)]
    note = f"not taken from {path.name}, because the layout of figures fixes it: {', '.join(fixed)}"
    return {key: value for key, value in settings.items() if key not in fixed}, (note,) if fixed else ()


def _first_line(text: str) -> str:
    """The first line of a message that says something, without the rest and a final dot."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0].rstrip(".:") if lines else "it cannot be read"


class _Messages(logging.Handler):
    """What matplotlib logs about a style, instead of refusing it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def _style_family(settings: Mapping[str, Any]) -> str:
    """The family that a style names, or the generic one's first; empty if it names none. Raises `UsageError`."""
    if "font.family" not in settings:
        return ""
    chosen: dict[Any, Any] = {key: value for key, value in settings.items() if key.startswith("font.")}
    with matplotlib.rc_context(chosen):
        try:
            path = findfont(FontProperties(), fallback_to_default=False)
        except ValueError:
            names = ", ".join(settings["font.family"])
            raise UsageError(f"--style: this machine has no font {names!r}; give its file with --font FILE") from None
    return str(get_font(path).family_name)


def remove_headings(figure: Figure) -> None:
    """Take out what a bare figure does not have; names of panels stay."""
    if figure.get_suptitle():
        figure.suptitle("")
    for axes in figure.axes:
        if axes.get_label() != PANEL:
            for side in ("left", "center", "right"):
                axes.set_title("", loc=side)
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    for text in texts:
        if text.get_label() == HEADING:
            text.remove()
