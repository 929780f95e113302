"""A report as a folder: built beside its place, then moved there whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from ganbench.errors import MissingError, UsageError
from ganbench.manifest import NAME as MANIFEST
from ganbench.site.pages import Site


def check(place: Path) -> None:
    """Raise `UsageError` where a folder may not be replaced: it holds something that is no report."""
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise UsageError(f"--to {str(place)!r} is no folder; name one that is not there yet, or an earlier report")
    if place.is_dir() and any(place.iterdir()) and not (place / MANIFEST).is_file():
        raise UsageError(
            f"--to {str(place)!r} holds other files; name a folder that is empty, not there yet, or an earlier report"
        )
    if place.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise UsageError(f"--to {str(place)!r} is the folder you are in, or one above it; name one inside")


def write(site: Site, place: Path, finish: Callable[[Path], None]) -> int:
    """Write every page and file of a site to a folder; the number of files.

    `finish` adds what needs the folder whole, the manifest say. An earlier report is replaced only
    when the new one is complete. Raises `MissingError` where the disk refuses.
    """
    check(place)
    place = place.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as staging:
            made = Path(staging) / "report"
            for path in site.paths():
                page = site.render(path)
                assert page is not None, f"{path} is listed, so it can be made"
                target = made / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(page[0])
            finish(made)
            _exchange(made, place, Path(staging) / "earlier")
        return sum(path.is_file() for path in place.rglob("*"))
    except OSError as error:
        raise MissingError(f"no report can be written to {place}: {error.strerror or error}") from error


def _exchange(made: Path, place: Path, aside: Path) -> None:
    """Put a new report in an earlier one's place; the earlier one goes back where that fails or is interrupted."""
    if place.exists():
        place.rename(aside)
    try:
        made.rename(place)
    except BaseException:
        if aside.exists() and not place.exists():
            aside.rename(place)
        raise
