"""What is published beside the pages: the plan, the tables, texts for a paper, the manifest."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ganbench import formats, manifest
from ganbench.layout import save
from ganbench.site import folder
from ganbench.site.content import Content
from ganbench.site.pages import Site


def publish(site: Site, place: Path) -> int:
    """Write a report, laid out like a results folder; the number of files.

    Raises `UsageError` where `place` holds something else, `MissingError` where the disk refuses.
    """
    return folder.write(site, place, partial(_finish, site.content))


def _finish(content: Content, made: Path) -> None:
    save(made, content.layout)
    formats.write_all(made / content.layout.suite, content.layout, content.tables)
    manifest.write(made)
