"""The first screen of a report: the answer, what made it, and samples of the best, the worst and real data."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.analysis.figure_data.selection import Pair, short_names
from ganbench.analysis.score_table import Table
from ganbench.formatting import counted
from ganbench.report.html.content import Content, Run

MAX_GLIMPSES = 4
"""The most datasets with samples on the first screen."""


@dataclass(frozen=True)
class Glimpse:
    """A picture of samples: of what (`best`, `worst`, `real`, or `only`), its name, its page, and the file."""

    place: str
    name: str
    href: str
    picture: str
    images: bool = False
    """Whether the picture is a grid of images, and not points."""


def glimpses(content: Content) -> dict[str, list[Glimpse]]:
    """By dataset, samples of the best and the worst variant by the primary score, and real data.

    Of a variant the first seed that has samples: none is chosen for its looks.
    """
    names, _ = short_names([row.key for table in content.tables for row in table.variants])
    found = {table.dataset: _glimpses(content, table, names) for table in content.tables}
    return {dataset: some for dataset, some in list(found.items())[:MAX_GLIMPSES] if some}


def _glimpses(content: Content, table: Table, names: dict[Pair, str]) -> list[Glimpse]:
    if not table.primary:
        return []
    pictured = [
        (names[row.key], run)
        for row in table.best_first
        if row.scores[table.primary].values and (run := content.pictured_run(row)) is not None
    ]
    real = content.real_data(table.dataset)
    found = []
    if pictured:
        found.append(_of_run("best" if len(pictured) > 1 else "only", *pictured[0]))
    if len(pictured) > 1:
        found.append(_of_run("worst", *pictured[-1]))
    if real is not None:
        images = any(one.images for one in found)
        found.append(Glimpse("real", real.title, real.path, f"references/{real.id}/samples.png", images))
    return found


def _of_run(place: str, name: str, run: Run) -> Glimpse:
    return Glimpse(place, name, run.path, f"runs/{run.id}/samples.png", run.of_images)


def facts(content: Content) -> list[str]:
    """When the runs were trained and with which versions: `trained 2026-11-20 to 2026-11-27`, `torch 2.14.1`."""
    made = [record.provenance for record in content.records]
    days = sorted({one.time[:10] for one in made if one.time})
    found = []
    if days:
        found.append(f"trained {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else ""))
    for library in ("ganbench", "torch"):
        versions = sorted({one.libraries[library] for one in made if library in one.libraries})
        if versions:
            found.append(f"{library} {', '.join(versions)}")
    devices = sorted({one.device for one in made if one.device})
    return found + ([f"on {', '.join(devices)}"] if devices else [])


def counts(content: Content) -> dict[str, int]:
    """The number of runs by status."""
    found: dict[str, int] = {}
    for run in content.runs.values():
        found[run.status] = found.get(run.status, 0) + 1
    return found


def size(content: Content) -> str:
    """`22 variants on 3 datasets`."""
    variants = len({row.key for table in content.tables for row in table.variants})
    return f"{counted(variants, 'variant')} on {counted(len(content.tables), 'dataset')}"
