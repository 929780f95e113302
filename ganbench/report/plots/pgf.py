"""Figures as PGF, which LaTeX draws in the paper's own font."""

from __future__ import annotations

import io
import re
import shutil

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter

from ganbench.errors import MissingError, UsageError
from ganbench.report.latex.ink import tex

PROGRAM = "pdflatex"
PGF = {"pgf.texsystem": PROGRAM, "pgf.rcfonts": False, "pgf.preamble": ""}
"""No font is set, so that the paper's is used."""
NEEDED = f".pgf needs {PROGRAM} with the package pgf, to measure texts; install TeX Live, or write .pdf or .svg"
OTHER_SCRIPT = re.compile(r"\\gbother\{(.)\}")


def pgf(figure: Figure) -> bytes:
    """The bytes of a PGF file, whose texts are escaped for LaTeX.

    Raises `MissingError` without TeX, `UsageError` for a figure with pictures, which the file cannot hold.
    """
    if any(axes.images for axes in figure.axes):
        raise UsageError("a .pgf file cannot hold pictures; write .pdf or .png")
    if shutil.which(PROGRAM) is None:
        raise MissingError(NEEDED)
    for text in figure.findobj(Text):
        text.set_text(_escaped(text.get_text()))
    for axes in figure.axes:
        _escape_ticks(axes)
    written = io.StringIO()
    try:
        figure.savefig(written, format="pgf")
    except (OSError, RuntimeError, ValueError) as error:
        raise MissingError(f"{NEEDED} ({str(error).splitlines()[0]})") from error
    return written.getvalue().encode()


def _escape_ticks(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, FixedFormatter):
            axis.set_major_formatter(FixedFormatter([_escaped(text) for text in formatter.seq]))


def _escaped(text: str) -> str:
    """Lines of text as LaTeX; letters that pdfLaTeX does not have are `?`."""
    return "\n".join(OTHER_SCRIPT.sub("?", tex(line)) for line in text.split("\n"))
