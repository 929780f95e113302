"""Publishes a report: pages, plan, tables, texts for a paper and manifest, in a folder that is replaced as a whole."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from ganbench.analysis import aggregate
from ganbench.analysis.run_table import run_table
from ganbench.errors import MissingError, ResultsError, UsageError
from ganbench.files import named_as_file, write_atomically
from ganbench.report import citations, methods
from ganbench.report.html.pages import Site
from ganbench.report.text import formats
from ganbench.results import manifest
from ganbench.suite.plan_file import save_plan

STALE_AFTER_S = 24 * 3600.0
"""Seconds after which the leftovers of a killed publish are removed."""

OnProgress = Callable[[int, int, str], None]
"""Called with the amount done, the total, and what is being done."""


def check_target(place: Path) -> None:
    """Raise `UsageError` if a folder must not be replaced, because it holds something that is not part of a report."""
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise UsageError(f"--to {str(place)!r} is not a folder; name a new folder, or an earlier report")
    inside = next((one for one in place.parents if one.exists() and not one.is_dir()), None)
    if inside is not None:
        raise UsageError(f"--to {str(place)!r} is inside {str(inside)!r}, which is a file; name a new folder")
    if named_as_file(place):
        raise UsageError(
            f"--to {str(place)!r} has the name of a file, but a report is a folder; name one without {place.suffix}"
        )
    if place.is_dir() and any(path.name not in manifest.OUTSIDE for path in place.iterdir()):
        _check_earlier(place)
    if place.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise UsageError(f"--to {str(place)!r} is the current folder or one above it; name a folder inside it")
    outer = next((parent for parent in place.resolve().parents if _is_report(parent)), None)
    if outer is not None:
        raise UsageError(f"--to {str(place)!r} is inside another report, {outer}; name a folder outside it")


def _is_report(folder: Path) -> bool:
    if not (folder / manifest.NAME).is_file():
        return False
    try:
        manifest.read(folder / manifest.NAME)
    except ResultsError:
        return False
    return True


def _check_earlier(place: Path) -> None:
    """Raise `UsageError` unless an earlier report's manifest lists every file of a folder."""
    what = f"--to {str(place)!r} contains files that are not part of"
    try:
        listed = manifest.read(place / manifest.NAME).files
    except ResultsError:
        raise UsageError(f"{what} a report; name a new or empty folder, or an earlier report") from None
    others = sorted(path for path, _ in manifest.entries(place) if path not in listed)
    if others:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        raise UsageError(
            f"{what} the earlier report: {', '.join(others[:3])}{more}; move them away, or name another folder"
        )


def write_folder(
    site: Site, place: Path, finish: Callable[[Path], None], on_progress: OnProgress = lambda done, total, what: None
) -> int:
    """Write every page and file of a site to a folder; returns the number of files without the manifest.

    `finish` adds what needs the complete folder, such as the manifest. An earlier report is replaced only
    when the new one is complete; a `.git` in it stays. Raises `MissingError` if writing fails.
    """
    check_target(place)
    place = place.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _recover(place)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as staging:
            made = Path(staging) / "report"
            paths = site.paths()
            for index, path in enumerate(paths):
                on_progress(index, len(paths), "writing pages")
                page = site.render(path)
                assert page is not None, f"{path} is listed, so it can be made"
                target = made / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(page[0])
            on_progress(len(paths), len(paths), "writing tables and the manifest")
            finish(made)
            _exchange(made, place, Path(staging) / "earlier")
        return sum(1 for _ in manifest.entries(place))
    except OSError as error:
        where = "" if error.filename is None else f": {error.filename}"
        raise MissingError(f"cannot write the report to {place}{where}: {error.strerror or error}") from error


def _exchange(made: Path, place: Path, aside: Path) -> None:
    """Replace an earlier report by a new one; the earlier one is restored if that fails or is interrupted."""
    try:
        if place.exists():
            place.rename(aside)
        made.rename(place)
    except BaseException:
        if aside.exists() and not place.exists():
            aside.rename(place)
        raise
    for name in manifest.OUTSIDE:
        if (aside / name).exists():
            (aside / name).rename(place / name)


def _recover(place: Path) -> None:
    """Restore an earlier report that a killed call had moved away, and remove old leftovers of killed calls."""
    for left in place.parent.glob(f".{place.name}-*"):
        if (left / "earlier").is_dir() and not place.exists():
            (left / "earlier").rename(place)
        if time.time() - left.stat().st_mtime > STALE_AFTER_S:
            shutil.rmtree(left, ignore_errors=True)


def publish(site: Site, place: Path, on_progress: OnProgress = lambda done, total, what: None) -> int:
    """Write a report, laid out like a results folder; returns the number of files.

    Raises `UsageError` if `place` holds something else, `MissingError` if writing fails.
    """
    return write_folder(site, place, partial(_finish, site), on_progress)


def _finish(site: Site, made: Path) -> None:
    content = site.content
    plan = replace(content.plan, earlier=())  # their runs are not in the report
    save_plan(made, plan)
    formats.write_all(made / plan.suite, plan, content.tables, run_table(plan, content.store))
    records = {id_: run.record for id_, run in content.runs.items()}
    write_atomically(made / plan.suite / "protocol.md", methods.protocol(plan, content.tables, records).encode())
    aggregated = aggregate.build(content.tables) is not None
    cited = citations.citation(content.records, site.registry, aggregated)
    write_atomically(made / plan.suite / "citation.bib", cited.encode())
    manifest.write(made, content.store.at(made))
