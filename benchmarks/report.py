"""Measurements as JSON and as Markdown, in `benchmarks/results/`; the docs quote the whole ones."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click

from benchmarks.tables import TABLES
from ganbench.results import provenance

HERE = Path(__file__).parent
RESULTS = HERE / "results"
MADE_BY = {"torture": "torture"}
"""The target of the Makefile that makes a table, where it is not `bench`."""
PAGES = (HERE.parent / "README.md", *sorted((HERE.parent / "docs").glob("*.md")))
"""Where tables are quoted, between marks."""


def machine() -> dict[str, Any]:
    """Where and with what a measurement was made."""
    known = provenance.machine()
    return {
        "processor": known.processor,
        "cores": known.cores,
        "platform": known.platform,
        "python": known.python,
        "libraries": dict(known.libraries),
        "date": date.today().isoformat(),
    }


def write(name: str, where: dict[str, Any], rows: Any, whole: bool) -> None:
    """Print the table; if everything was measured, save it and put it into the docs."""
    content = {"machine": where, "rows": rows}
    text = markdown(name, content)
    click.echo(text)
    if not whole:
        return
    save(name, content, RESULTS)
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    for page in PAGES:
        before, _, rest = page.read_text().partition(begin)
        _, found, after = rest.partition(end)
        if found:
            page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}")


def save(name: str, content: dict[str, Any], folder: Path) -> None:
    """Write a benchmark's JSON and its table into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    (folder / f"{name}.md").write_text(markdown(name, content))


def markdown(name: str, content: dict[str, Any]) -> str:
    """The table of one benchmark, with the machine below it; one of several machines names them itself."""
    where = content["machine"]
    table: str = TABLES[name](content["rows"])
    if not where:
        return table
    target = MADE_BY.get(name, "bench")
    versions = ", ".join(f"{library} {version}" for library, version in where["libraries"].items())
    return (
        f"{table}\nMade by `make {target}` on {where['processor']}, {where['cores']} cores, {where['platform']}, "
        f"no GPU; Python {where['python']}, {versions}; {where['date']}.\n"
    )
