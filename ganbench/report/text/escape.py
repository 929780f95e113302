"""Text of strangers on one line, without what steers a screen: the first step of every format's escapes."""

from __future__ import annotations

import unicodedata

HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn")
"""Unicode's categories of what has no picture: controls, formats (bidirectional ones, zero widths), half
surrogates, private and unassigned characters."""
MARK = "\ufffd"


def visible(text: str) -> str:
    """One line of text: white space is a single space, and a character without a picture is a mark that has one."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return "".join(MARK if unicodedata.category(char) in HIDDEN else char for char in " ".join(text.split()))
