"""Plots for papers and reports: training curves, samples, ranks, cost and modes, made from records."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial

from ganbench import overall as over_all
from ganbench.layout import Layout
from ganbench.plots import captured, cost, curves, modes, overall, ranks
from ganbench.plots.style import Picture
from ganbench.plots.variants import datasets
from ganbench.records import Store
from ganbench.rows import COSTS, Table


def suite_plots(layout: Layout, tables: list[Table], store: Store) -> dict[str, Callable[[], bytes]]:
    """File name -> what makes its SVG bytes: every plot that the records of a suite allow.

    `overall.svg`, `captured.svg`, and for each data set `ranks-*.svg`, `cost-*.svg`, `curves-*.svg`
    and `modes-*.svg`, named by `slug`. The functions raise `ResultsError` where a file is damaged.
    """
    made: dict[str, Callable[[], Picture]] = {}
    if over_all.build(tables) is not None:
        made["overall"] = lambda: overall.picture(overall.read(tables))
    counted = _counted(layout, store)
    if counted:
        made["captured"] = lambda: captured.picture(captured.read(layout, store))
    for table in tables:
        for kind, make in _of_one(table, layout, store, table.dataset in counted).items():
            made[f"{kind}-{slug(table.dataset)}"] = make
    return {f"{name}.svg": partial(_svg, make) for name, make in made.items()}


def _of_one(table: Table, layout: Layout, store: Store, counted: bool) -> dict[str, Callable[[], Picture]]:
    """The plots of one data set that have something to show."""
    made: dict[str, Callable[[], Picture]] = {}
    scored = [row for row in table.variants if table.primary and row.scores[table.primary].values]
    if scored:
        made["ranks"] = lambda: ranks.picture(ranks.read(table))
    if any(row.cost.get(COSTS["train s"]) is not None for row in scored):
        made["cost"] = lambda: cost.picture(cost.read(table, layout, store))
    runs = [id_ for row in layout.rows if row.dataset == table.dataset for id_ in row.runs.values()]
    if any(histories_of(store, id_) for id_ in runs):
        made["curves"] = lambda: curves.picture(curves.read(layout, store, table.dataset))
    if counted:
        made["modes"] = lambda: modes.picture(modes.read(layout, store, table.dataset))
    return made


def _svg(make: Callable[[], Picture]) -> bytes:
    return make().rendered("svg")


def _counted(layout: Layout, store: Store) -> set[str]:
    """The data sets with a run that counted its samples by mode."""
    return {
        dataset
        for dataset in datasets(layout)
        if any(modes.has(store.run(id_)) for r in layout.rows if r.dataset == dataset for id_ in r.runs.values())
    }


def histories_of(store: Store, id_: str) -> bool:
    return (store.runs / id_ / "history.csv").is_file()


def slug(label: str) -> str:
    """A data set's label as a part of a file's name: `digits-side-16-3f2a` for `digits(side=16)`."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip("-.")
    if plain == label:
        return plain
    return f"{plain}-{hashlib.sha256(label.encode()).hexdigest()[:4]}"
