"""A badge for a README: the suite and the number of its runs, as a small SVG without any font of its own."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import escape

from ganbench.formatting import counted, shortened
from ganbench.report.text.escape import escape_controls, escape_markdown
from ganbench.results.records import Record

NAME = "badge.svg"
LEFT = "ganbench"
LONGEST = 40
"""Characters of a suite's name that are shown."""
NARROW, LETTER, WIDE, MARGIN, HEIGHT = 4.0, 6.9, 10.0, 6, 20
"""Pixels: the widths of letters, to which the text is fitted in any font; the space beside it; the height."""


def badge_text(suite: str, records: Sequence[Record]) -> str:
    """`baseline | 64 runs`, and how many of them ended well if not all did."""
    good = sum(record.ok for record in records)
    runs = counted(len(records), "run") + ("" if good == len(records) else f", {good} ok")
    return f"{shortened(str(escape_controls(suite)), LONGEST)} | {runs}"


def badge(suite: str, records: Sequence[Record]) -> bytes:
    """The badge as SVG."""
    text = badge_text(suite, records)
    left, right = (_width(one) + 2 * MARGIN for one in (LEFT, text))
    parts = ((LEFT, 0, left, "#333"), (text, left, right, "#1c6b45"))
    drawn = "".join(
        f'<rect x="{x}" width="{width}" height="{HEIGHT}" fill="{color}"/>'
        f'<text x="{x + MARGIN}" y="14" textLength="{width - 2 * MARGIN}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(one)}</text>"
        for one, x, width, color in parts
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(f"{LEFT}: {text}")}" font-family="Verdana, DejaVu Sans, sans-serif" font-size="11" '
        f'fill="#fff"><title>{escape(f"{LEFT}: {text}")}</title>{drawn}</svg>\n'
    ).encode()


def _width(text: str) -> int:
    """About the width of a text in pixels."""
    return round(sum(NARROW if one in " .,:;|'-ijlt" else WIDE if one in "mwMW%" else LETTER for one in text))


def badge_markdown(suite: str, records: Sequence[Record]) -> str:
    """The line that shows the badge of a report in the same folder, and leads to it."""
    return f"[![{escape_markdown(f'{LEFT}: {badge_text(suite, records)}')}]({NAME})](index.html)"
