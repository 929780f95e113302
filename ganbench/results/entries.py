"""What may be in a results folder, which may come from a stranger: no links, and folders and files in their places."""

from __future__ import annotations

import os
from pathlib import Path

from ganbench.errors import ResultsError
from ganbench.results import live

LOCK = ".lock"
FOLDERS = ("runs", "references", ".staging", ".checkpoints")


def check_entries(root: Path) -> None:
    """Raise `ResultsError` for a link in a results folder, or something else where a folder or a file belongs."""
    for entry in os.scandir(root):
        if entry.is_symlink():
            raise ResultsError(
                f"{entry.path} is a symbolic link, which is not followed; put what it names in its place"
            )
        if entry.name in FOLDERS and not entry.is_dir():
            raise ResultsError(f"{entry.path} is not a folder; remove it")
        if entry.name in (LOCK, live.NAME) and not entry.is_file():
            raise ResultsError(f"{entry.path} is not a regular file; remove it")
