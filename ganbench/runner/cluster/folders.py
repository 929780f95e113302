"""Private folders for temporary files, which are removed even if the process that made them was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".ganbench-lock"
YOUNG_S = 60.0
"""Seconds for which a folder is left alone: it may not be locked yet."""


class PrivateFolder:
    """A folder that nobody else may read, below the folder for temporary files.

    It is locked while its process lives. One that was left behind is removed when the next with its prefix is made.
    """

    def __init__(self, prefix: str, parent: Path | None = None) -> None:
        parent = Path(tempfile.gettempdir()) if parent is None else parent
        _sweep(parent, prefix)
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._lock = FileLock(self.path / LOCK)
        self._lock.acquire()

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()


def _sweep(parent: Path, prefix: str) -> None:
    """Remove the folders of this user whose processes are gone."""
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError, Timeout):
            found = folder.lstat()
            if found.st_uid != os.getuid() or folder.is_symlink() or time.time() - found.st_mtime < YOUNG_S:
                continue
            if (folder / LOCK).is_file():
                with FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
