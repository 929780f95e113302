"""A headless Chromium for the tests and pictures of the report, and axe-core, which checks its accessibility."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
AXE = Path(sys.prefix) / "browser" / "node_modules" / "axe-core" / "axe.min.js"


class NoBrowser(Exception):
    """There is no browser here that starts; the message says why and what to do."""


def executable() -> str | None:
    """The browser: `GANBENCH_CHROMIUM`, else one on the PATH, else None, which lets playwright use its own."""
    return os.environ.get("GANBENCH_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """A running browser, without its sandbox where the user is root, as Chromium demands. Raises `NoBrowser`."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise NoBrowser("playwright is not installed; `make env` installs it") from error
    with sync_playwright() as playwright:
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        try:
            found = playwright.chromium.launch(
                executable_path=executable(), args=["--no-sandbox"] if root else [], handle_sigint=False
            )
        except Error as error:
            reason = next((line for line in error.message.splitlines() if line.strip()), "")
            raise NoBrowser(f"Chromium does not start ({reason}); `make browser` installs it") from error
        try:
            yield found
        finally:
            found.close()


def main() -> None:
    """Say which browser starts, and which axe-core there is; exit code 1 where one is missing."""
    try:
        with browser() as found:
            print(f"Chromium {found.version}: {executable() or found.browser_type.executable_path}")
    except NoBrowser as error:
        sys.exit(str(error))
    if not AXE.is_file():
        sys.exit(f"no axe-core in {AXE.parent}; `make browser` installs it")
    print(f"axe-core: {AXE}")


if __name__ == "__main__":
    main()
