"""The overview of a report: the first screen, then a part for each dataset, and what all datasets say together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganbench.analysis.figure_data.aggregate import AGGREGATE_AXIS
from ganbench.report.html import first_screen
from ganbench.report.html.cells import view
from ganbench.report.html.charts import Chart, Group, ranks_chart
from ganbench.report.html.content import Content, Run
from ganbench.report.html.matrix import matrix
from ganbench.report.html.score_charts import MAX_DOTS, score_charts
from ganbench.report.text.grid import overall_note
from ganbench.report.text.headline import headline
from ganbench.report.text.sentences import claims

if TYPE_CHECKING:
    from ganbench.report.plots.suite_plots import Plot

GLANCES = 6
"""Variants whose samples are shown for each dataset."""
MAX_CELLS = 1500
"""Cells of all tables together; with more of them each has only the columns that are shown by default."""


def values(content: Content, plots: Sequence[Plot]) -> dict[str, Any]:
    """What the template of the overview shows."""
    cells_each = MAX_CELLS // max(1, len(content.tables))
    few = len(content.runs) <= MAX_DOTS
    shown_first = matrix(content)
    cells = [cell for row in shown_first.rows for cell in row.cells]
    return {
        "headline": headline(content.tables, content.overall),
        "matrix": shown_first,
        "tiers": {cell.tier for cell in cells},
        "faults": any(cell.faulty for cell in cells),
        "glimpses": first_screen.glimpses(content),
        "made_with": first_screen.facts(content),
        "counts": first_screen.counts(content),
        "size": first_screen.size(content),
        "answers": {table.dataset: headline([table], None).lead for table in content.tables},
        "tables": [(table, view(content, table).narrowed(cells_each)) for table in content.tables],
        "sentences": {table.dataset: claims(table) for table in content.tables},
        "glance": _glance(content),
        "drawn": {
            table.dataset: score_charts(content, table, table.primary, seeds=few) if table.primary else []
            for table in content.tables
        },
        "overall": _overall(content),
        "plots": _by_dataset(plots),
        "made": _made(content),
    }


def _glance(content: Content) -> dict[str, list[tuple[str, Run]]]:
    """By dataset, the first seed of each variant that has samples."""
    found: dict[str, list[tuple[str, Run]]] = {}
    for table in content.tables:
        for row in table.variants:
            first = content.pictured_run(row)
            if first is not None:
                found.setdefault(table.dataset, []).append((row.title, first))
    return {dataset: runs[:GLANCES] for dataset, runs in found.items()}


def _overall(content: Content) -> tuple[Chart, str, tuple[str, ...]] | None:
    """The variants over all datasets, as a chart."""
    found = content.overall
    if found is None:
        return None
    groups = []
    for row in found.rows:
        mean, low, high = row.iqm
        beside = f"{mean:.3f} [{low:.3f}, {high:.3f}]"
        if row.over_next:
            beside += f" · beats next: {row.over_next[0]:.2f}"
        groups.append(Group(row.title, mean, low, high, (), beside, f"variants/{content.variants[row.title]}.html"))
    references = [(row.title, row.iqm[0]) for row in found.references]
    marks = (("noise", 0.0), ("real data", 1.0), *references)
    note = f"{overall_note(found)} Beats next: the probability that a seed beats one of the next variant."
    chart = ranks_chart("normalized score, interquartile mean", "higher", groups, marks, AGGREGATE_AXIS)
    return chart, note, found.notes


def _by_dataset(plots: Sequence[Plot]) -> dict[str, list[str]]:
    """The figures for papers by dataset; those of all datasets under an empty name."""
    found: dict[str, list[str]] = {}
    for plot in plots:
        found.setdefault(plot.dataset, []).append(plot.name)
    return found


def _made(content: Content) -> list[str]:
    """The machines and versions behind the runs, in words."""
    found: dict[str, int] = {}
    for record in content.records:
        made = record.provenance
        if made.libraries:
            versions = ", ".join(f"{name} {version}" for name, version in made.libraries.items())
            known = {
                key: getattr(made, key) or "unknown" for key in ("processor", "cores", "device", "python", "revision")
            }
            text = "{processor}, {cores} cores, device {device}, Python {python}".format(**known)
            text += f", {versions}, revision {known['revision']}"
            found[text] = found.get(text, 0) + 1
    return [f"{text} ({count} runs)" for text, count in sorted(found.items(), key=lambda one: -one[1])]
