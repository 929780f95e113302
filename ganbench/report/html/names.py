"""File names for the pages of data sets and variants, whatever these are called."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

LONGEST = 60
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that no file may have on Windows."""


def slug(label: str) -> str:
    """A file name, without ending, that differs wherever labels differ.

    Labels of small letters, digits, `-`, `_` and `.` keep their name, `a x b` is `a-x-b`; in others what is different
    becomes `-` and a hash of the label is added, for file systems that ignore case.
    """
    plain = re.sub(r"[^a-z0-9._]+", "-", label.lower()).strip("-.")[:LONGEST]
    spelt = "" if "-x-" in label else label.replace(" x ", "-x-")
    if plain and plain == spelt and not DEVICES.fullmatch(plain):
        return plain
    return f"{plain or 'x'}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"


def slugs(labels: Iterable[str]) -> dict[str, str]:
    """{label: slug}, in order."""
    return {label: slug(label) for label in labels}
