"""Random search: one plan per draw, and `draws.json` with the run ids behind each draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ganbench.errors import UsageError
from ganbench.files import from_plain, load_json, save_json
from ganbench.registry.registry import Registry
from ganbench.suite import search_space
from ganbench.suite.expand import expand
from ganbench.suite.labels import Combination
from ganbench.suite.load import Override, Suite
from ganbench.suite.plan_file import PlanReference, RunId, Seed, combination_1, references_1, references_to_save
from ganbench.suite.specs import Cell, Plan
from ganbench.suite.train_block import PLAYERS
from ganbench.suite.yaml import Problems

SCHEMA = 2
"""Schema 1 holds labels as bare texts, without the plugins' names."""
MAX_DRAWS = 1000


def search_name(suite: str) -> str:
    """The name under which a suite's search is saved, so that it does not replace the suite's own table."""
    return f"{suite}+search"


@dataclass(frozen=True)
class Drawn:
    """The plan of one draw: draw 0 is the suite without changes, the others override it with drawn settings."""

    number: int
    overrides: tuple[Override, ...]
    plan: Plan

    @property
    def title(self) -> str:
        return f"draw {self.number}" if self.number else "default"

    def settings(self, cell: Cell | None = None) -> dict[str, object]:
        """The settings drawn for a cell, or for all cells: `{"train.lr": 0.0031, "loss.gamma": 0.2}`.

        Without a cell, the key of a hyperparameter includes its plugin's name: `loss.hinge-gp.weight`.
        """
        found: dict[str, object] = {}
        for override in self.overrides:
            ((block, node),) = override.settings.items()
            for key, value in node.plain().items():
                if block != "train":
                    found |= _of_plugin(block, key, value, cell)
                elif key in PLAYERS:
                    found |= {f"train.{key}.{name}": one for name, one in value.items()}
                else:
                    found[f"train.{key}"] = value
        return found


def _of_plugin(kind: str, name: str, values: Mapping[str, object], cell: Cell | None) -> dict[str, object]:
    """The settings of a plugin; its name is left out where it is the only one of its kind in a cell."""
    there = [] if cell is None else [choice.name for of, choice in cell.spec.trained_by() if of == kind]
    if cell is not None and name not in there:
        return {}
    prefix = kind if len(there) == 1 else f"{kind}.{name}"
    return {f"{prefix}.{key}": value for key, value in values.items()}


def draws(suite: Suite, registry: Registry, count: int) -> tuple[Drawn, ...]:
    """Draws 0 to `count`, each expanded; a larger `count` does not change earlier draws.

    Drawn values override everything, `--set` included; ids are those of ordinary runs. Raises `UsageError` if the
    suite defines no ranges or has errors, or if the values of a draw are invalid (the error names them).
    """
    if not 1 <= count <= MAX_DRAWS:
        raise UsageError(f"--search must be between 1 and {MAX_DRAWS}, got {count}")
    expand(suite, registry)  # reports errors in the suite and its ranges before the first draw
    found = search_space.read_ranges(suite, registry, Problems(suite.problems.file))
    if found is None:
        raise UsageError(
            f"suite {suite.name!r} defines no ranges to search; "
            "add a block such as search: {train: {lr: {low: 1e-4, high: 1e-2, scale: log}}}"
        )
    if not found.draw(1, suite):
        raise UsageError(f"suite {suite.name!r} has none of the plugins whose ranges its block 'search' gives")
    made = [_drawn(suite, registry, found, number) for number in range(count + 1)]
    for one in made:
        _check_applicable(made[0], one)
    return tuple(made)


def _drawn(suite: Suite, registry: Registry, found: search_space.Ranges, number: int) -> Drawn:
    overrides = found.draw(number, suite)
    laid_over = replace(suite, name=search_name(suite.name), overrides=(*suite.overrides, *overrides), search=None)
    drawn = Drawn(number, overrides, Plan(suite.name, "", (), (), ()))
    try:
        return replace(drawn, plan=expand(laid_over, registry, found.seeds))
    except UsageError as error:
        raise UsageError(f"{error}\nin {drawn.title} of the search: {settings_text(drawn.settings())}") from None


def _check_applicable(first: Drawn, other: Drawn) -> None:
    """Raise `UsageError` unless a draw has the same variants as the default."""
    lost = {cell.title for cell in first.plan.cells} ^ {cell.title for cell in other.plan.cells}
    if lost:
        reasons = sorted({skip.reason for skip in (*first.plan.skipped, *other.plan.skipped)})
        raise UsageError(
            f"{', '.join(sorted(lost))}: applicable in only one of the default and {other.title} "
            f"({settings_text(other.settings())}): {'; '.join(reasons)}; narrow the ranges"
        )


def settings_text(settings: Mapping[str, object]) -> str:
    """Settings in a line: `train.lr=0.0031, train.betas=[0, 0.99]`."""
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def merged(drawn: Sequence[Drawn]) -> Plan:
    """All draws as one plan to train; a cell that several draws share appears once."""
    cells: dict[str, Cell] = {}
    for one in drawn:
        for cell in one.plan.cells:
            loss = replace(cell.variant.loss, text=f"{one.title}: {cell.variant.loss.text}")
            named = replace(cell, variant=replace(cell.variant, loss=loss))
            same = cells.setdefault(cell.spec.id, named)
            cells[cell.spec.id] = same.with_seeds(tuple(dict.fromkeys((*same.seeds, *cell.seeds))))
    return replace(drawn[0].plan, cells=tuple(cells.values()))


@dataclass(frozen=True)
class RowDraw:
    """One draw of one variant: its number, its settings, and the run of each seed.

    `evaluation` is the id of the evaluation whose scores count, None if a run has only one.
    """

    number: int
    settings: Mapping[str, object]
    runs: Mapping[Seed, RunId]
    evaluation: RunId | None = None


@dataclass(frozen=True)
class SearchRow(Combination):
    """One variant on one dataset, and its draws; the first is the default."""

    draws: tuple[RowDraw, ...]


@dataclass(frozen=True)
class SavedSearch:
    """The run ids behind each draw of each variant, in the suite's order."""

    suite: str
    about: str
    digest: str
    variants: tuple[SearchRow, ...]
    references: tuple[PlanReference, ...]


def search_to_save(drawn: Sequence[Drawn], digest: str = "") -> SavedSearch:
    """A search as it is saved; `digest` identifies the suite's text and the options that changed it."""
    plan = drawn[0].plan
    by_labels = [{cell.labels: cell for cell in one.plan.cells} for one in drawn]
    rows = []
    for first in plan.cells:
        cells = [(one, found[first.labels]) for one, found in zip(drawn, by_labels, strict=True)]
        draws = (
            RowDraw(
                one.number,
                one.settings(cell),
                {seed: cell.run(seed).id for seed in cell.seeds},
                cell.spec.evaluation.id,
            )
            for one, cell in cells
        )
        rows.append(SearchRow(first.variant, first.dataset, tuple(draws)))
    return SavedSearch(plan.suite, plan.about, digest, tuple(rows), references_to_save(plan))


def save_search(results: Path, content: SavedSearch) -> None:
    """Write `<results>/<suite>/draws.json`."""
    save_json(_path(results, content.suite), SCHEMA, content)


def load_search(results: Path, suite: str) -> SavedSearch | None:
    """The suite's last search in this results folder, or None if there is none.

    Raises `ResultsError` if the file is damaged or newer.
    """
    return load_json(
        _path(results, suite),
        SCHEMA,
        lambda raw: from_plain(_from_schema_1(raw) if raw["schema"] == 1 else raw, SavedSearch),
    )


def _path(results: Path, suite: str) -> Path:
    return results / suite / "draws.json"


def _from_schema_1(raw: dict[str, Any]) -> dict[str, Any]:
    """A search of schema 1, whose labels are bare texts, as one of schema 2."""
    rows = [
        {**combination_1(row["loss"], row["architecture"], row["dataset"]), "draws": row["draws"]}
        for row in raw["variants"]
    ]
    return {**raw, "variants": rows, "references": references_1(raw["references"])}
