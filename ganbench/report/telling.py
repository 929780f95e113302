"""Settings of several variants in words: each value once, with where it holds if that is not everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ganbench.report.text.markdown import escaped
from ganbench.results.records import Record
from ganbench.suite.labels import variant_title
from ganbench.suite.specs import RunSpec


@dataclass(frozen=True)
class Cell:
    """One variant on one data set: its labels, and the records of its runs that are there."""

    loss: str
    architecture: str
    dataset: str
    seeds: tuple[int, ...]
    records: tuple[Record, ...]

    @property
    def spec(self) -> RunSpec:
        """What all of its runs have in common, except the seed."""
        return self.records[0].spec

    @property
    def train(self) -> dict[str, Any]:
        """The training settings by name."""
        found: dict[str, Any] = self.spec.resolved()["train"]
        return found


def told(cells: list[Cell], value: Callable[[Cell], str]) -> str:
    """A value, or all values each with where it holds: `3,000 (ring8), 6,000 (grid25)`."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(value(cell), []).append(cell)
    if len(groups) == 1:
        return escaped(next(iter(groups)))
    return ", ".join(f"{escaped(text)} ({_where(group, cells)})" for text, group in groups.items())


def _where(group: list[Cell], cells: list[Cell]) -> str:
    """The shortest true name for some of the cells: data sets, architectures, losses, or variants one by one."""
    for axis in ("dataset", "architecture", "loss"):
        names = _whole(axis, group, cells)
        if sum(getattr(cell, axis) in names for cell in cells) == len(group):
            return listed(names)
    parts = []
    for dataset in dict.fromkeys(cell.dataset for cell in group):
        ours, here = ([cell for cell in some if cell.dataset == dataset] for some in (group, cells))
        parts.append(escaped(dataset) if len(ours) == len(here) else f"{_variants(ours, here)} on {escaped(dataset)}")
    return ", ".join(parts)


def _variants(group: list[Cell], cells: list[Cell]) -> str:
    """Some variants of one data set: architectures and losses where all of theirs are among them, else one by one."""
    for axis in ("architecture", "loss"):
        names = _whole(axis, group, cells)
        if names:
            rest = [variant_title(cell.loss, cell.architecture) for cell in group if getattr(cell, axis) not in names]
            return listed([*names, *rest])
    return listed(variant_title(cell.loss, cell.architecture) for cell in group)


def _whole(axis: str, group: list[Cell], cells: list[Cell]) -> list[str]:
    """The names on an axis that belong to the group with all of their cells."""
    inside = {id(cell) for cell in group}
    outside = {getattr(cell, axis) for cell in cells if id(cell) not in inside}
    return [name for name in dict.fromkeys(getattr(cell, axis) for cell in group) if name not in outside]


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = map(escaped, names)
    return f"{', '.join(most)} and {last}" if most else last


def plain(value: Any) -> str:
    if isinstance(value, list):
        return f"({', '.join(map(plain, value))})"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def params(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {plain(value)}" for key, value in values.items()) or "none"
