"""What is published beside the pages: the plan, the tables, texts for a paper, the manifest."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ganbench.files import write_atomically
from ganbench.report import citations, folder, methods
from ganbench.report.html.pages import Site
from ganbench.report.text import files
from ganbench.results import manifest
from ganbench.suite.plan_file import save_plan


def publish(site: Site, place: Path, on_progress: folder.OnProgress = lambda done, total, what: None) -> int:
    """Write a report, laid out like a results folder; the number of files.

    Raises `UsageError` where `place` holds something else, `MissingError` where the disk refuses.
    """
    return folder.write(site, place, partial(_finish, site), on_progress)


def _finish(site: Site, made: Path) -> None:
    content = site.content
    layout = content.layout
    save_plan(made, layout)
    files.write_all(made / layout.suite, layout, content.tables)
    records = {id_: run.record for id_, run in content.runs.items()}
    write_atomically(made / layout.suite / "protocol.md", methods.protocol(layout, content.tables, records).encode())
    write_atomically(made / layout.suite / "citation.bib", citations.citation(content.records, site.registry).encode())
    manifest.write(made)
