"""Characters that nobody sees: shown by their code, so that no name can look like another."""

from __future__ import annotations

import unicodedata
from typing import Any

from markupsafe import Markup

from ganbench.report.text.escape import HIDDEN


def visible(value: Any) -> Any:
    """A text with every character without a picture as `\\u202e`; anything else, finished markup too, as it is.

    Ends of lines and tabs stay: a traceback has them.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or (value.isascii() and value.isprintable()):
        return value
    return "".join(
        f"\\u{ord(char):04x}" if unicodedata.category(char) in HIDDEN and char not in "\n\t" else char for char in value
    )
