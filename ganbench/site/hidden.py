"""Characters that nobody sees: shown as what they are, so that no name can look like another."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Controls, and marks that turn the direction of writing or have no width (Unicode's Trojan Source set)."""


def visible(value: Any) -> Any:
    """A text with every hidden character as `\\u202e`; anything else, finished markup too, as it is."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
