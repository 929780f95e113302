"""The ranges that a suite declares under `search`, and random draws from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganbench import seeding
from ganbench.errors import UsageError
from ganbench.registry.choice import Kind
from ganbench.suite.fields import TRAIN, known_keys, seed_values
from ganbench.suite.load import Override, Suite, items
from ganbench.suite.yaml import Node, Problems

if TYPE_CHECKING:
    from ganbench.suite.expand import Catalogue

KINDS: tuple[Kind, ...] = ("loss", "architecture")
"""Whose hyperparameters may be drawn. A data set's would make another problem, not another variant."""
DIGITS = 4
"""Significant digits of a drawn number, so that it can be quoted; more where a range is narrow."""
FORM = "a range is {low: 1e-4, high: 1e-2, scale: log} (or scale: linear), or {choices: [1, 5]}"

_WRONG = object()
Check = Callable[[Node], Any]
"""The value of a setting as its own reader reads it, or `_WRONG`, which is then a problem already."""


@dataclass(frozen=True)
class Range:
    """What one setting may be: a number from `low` to `high`, both included, or one of `choices`.

    `path` is ("train", key), or (kind, plugin's name, hyperparameter). Numbers are whole where the
    setting is; a log-uniform whole number k has the mass of [k - 1/2, k + 1/2].
    """

    path: tuple[str, ...]
    node: Node
    low: float = 0
    high: float = 0
    log: bool = False
    choices: tuple[Node, ...] = ()

    def draw(self, number: int) -> Node:
        """Draw `number`: it depends on the range, its path and the number, and on nothing else."""
        uniform = (seeding.number(number, "/".join(("search", *self.path))) >> 32) / 2**31
        if self.choices:
            return self.choices[int(uniform * len(self.choices))]
        return replace(self.node, value=self._between(uniform))

    def _between(self, uniform: float) -> float:
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        low, high = (self.low - 0.5, self.high + 0.5) if whole else (self.low, self.high)
        if self.log:
            value = math.exp(math.log(low) + uniform * (math.log(high) - math.log(low)))
        else:
            value = low + uniform * (high - low)
        size = max(abs(self.low), abs(self.high)) / (self.high - self.low)
        digits = DIGITS + max(0, math.floor(math.log10(size)))
        short = float(f"{round(value) if whole else value:.{digits}g}")
        return min(max(int(short) if whole else short, self.low), self.high)


@dataclass(frozen=True)
class Ranges:
    """All ranges of a suite, and the seeds per draw where the suite says so."""

    ranges: tuple[Range, ...]
    seeds: tuple[int, ...] | None = None

    def draw(self, number: int, suite: Suite) -> tuple[Override, ...]:
        """Draw `number` (from 1; 0 is the suite as it is) as overrides of the suite.

        A setting that several variants share has one value for all of them (common random numbers).
        """
        if number == 0:
            return ()
        drawn: dict[tuple[str, ...], dict[str, Node]] = {}
        for one in self.ranges:
            drawn.setdefault(one.path[:-1], {})[one.path[-1]] = one.draw(number)
        on_axes = {(kind, entry.name) for kind, entries in suite.axes.items() for entry in entries}
        return tuple(
            Override({owner[0]: owner[1:]} if owner[1:] else {}, {owner[0]: Node(values)})
            for owner, values in drawn.items()
            if owner == ("train",) or owner in on_axes
        )


def read(suite: Suite, catalogue: Catalogue, problems: Problems) -> Ranges | None:
    """The suite's `search` block, or None where it has none; what is wrong with it becomes problems.

    ```yaml
    search:
      seeds: 3                    # per draw, a count or a list; else the suite's own
      train: {lr: {low: 1e-4, high: 1e-2, scale: log}, n_dis: {choices: [1, 5]}}
      loss: {rpgan-r1r2: {gamma: {low: 0.01, high: 10, scale: log}}}     # by plugin, then hyperparameter
      architecture: {mlp: {width: {choices: [32, 64]}}}
    ```

    `low` and `high` are both possible; `scale` is linear unless it says log. Every end and every
    choice is checked as the setting itself is. A plugin named here need not be in the suite: its
    ranges hold when `--add` adds it. Data sets and `evaluation` cannot be searched.
    """
    node = suite.search
    if node is None:
        return None
    if not isinstance(node.value, dict):
        problems.add(node, "'search' must be a mapping, as in search: {train: {lr: {low: 1e-4, high: 1e-2}}}")
        return Ranges(())
    known_keys(node, ["seeds", "train", *KINDS], problems)
    if not set(node.value) - {"seeds"}:
        problems.add(node, "'search' declares no range")
    seeds = seed_values(node.value["seeds"], problems) if "seeds" in node.value else None
    found = [*_train(node.value.get("train", Node({})), problems)]
    for kind in KINDS:
        found += _plugins(kind, node.value.get(kind, Node({})), suite, catalogue, problems)
    return Ranges(tuple(found), seeds)


def _mapping(node: Node, what: str, problems: Problems) -> dict[str, Node]:
    if isinstance(node.value, dict):
        return node.value
    problems.add(node, f"{what} must be a mapping")
    return {}


def _train(node: Node, problems: Problems) -> Iterator[Range]:
    settings = _mapping(node, "'train' in search", problems)
    if settings:
        known_keys(node, list(TRAIN), problems)
    for key, value in settings.items():
        if key in TRAIN:
            yield from _range(("train", key), value, _setting(key, problems), problems)


def _setting(key: str, problems: Problems) -> Check:
    def check(node: Node) -> Any:
        value = TRAIN[key](node, key, problems)
        return _WRONG if value is None else value

    return check


def _plugins(kind: Kind, node: Node, suite: Suite, catalogue: Catalogue, problems: Problems) -> Iterator[Range]:
    for name, params in _mapping(node, f"'{kind}' in search", problems).items():
        trouble = catalogue.trouble(kind, name)
        if trouble:
            problems.add(node.key(name), trouble)
            continue
        written = [{key: one.plain() for key, one in e.params.items()} for e in suite.axes[kind] if e.name == name]
        for key, value in _mapping(params, f"'{name}' in search", problems).items():
            if not catalogue.accepts(kind, name, key):
                problems.add(params.key(key), f"{kind} {name!r} has no hyperparameter {key!r}")
                continue
            check = _hyperparameter(kind, name, key, (written or [{}])[0], catalogue, problems)
            yield from _range((kind, name, key), value, check, problems)


def _hyperparameter(
    kind: Kind, name: str, key: str, written: dict[str, Any], catalogue: Catalogue, problems: Problems
) -> Check:
    def check(node: Node) -> Any:
        try:
            return catalogue.choose(kind, name, {**written, key: node.plain()}).arguments()[key]
        except UsageError as error:
            if getattr(error, "key", "") not in ("", key):
                return node.plain()  # another hyperparameter is wrong or unset, and is told where it is written
            problems.add(node, str(error))
            return _WRONG

    return check


def _range(path: tuple[str, ...], node: Node, check: Check, problems: Problems) -> Iterator[Range]:
    """The range of one setting, if it is right."""
    ends = isinstance(node.value, dict) and {"low", "high"} & node.value.keys()
    if not isinstance(node.value, dict) or bool(ends) == ("choices" in node.value):
        problems.add(node, f"{path[-1]}: {FORM}")
        return
    known_keys(node, ["low", "high", "scale"] if ends else ["choices"], problems)
    if not ends:
        choices = items(node.value["choices"], problems)
        if node.value["choices"].value in (None, []):
            problems.add(node.value["choices"], "this list is empty")
        checked = [check(choice) is not _WRONG for choice in choices]
        if choices and all(checked):
            yield Range(path, node, choices=tuple(choices))
        return
    for key in {"low", "high"} - node.value.keys():
        problems.add(node, f"key {key!r} is missing")
    found = {key: check(node.value[key]) for key in ("low", "high") if key in node.value}
    scale = node.value.get("scale", Node("linear"))
    if scale.value not in ("linear", "log"):
        problems.add(scale, f"scale must be linear or log, not {scale.plain()!r}")
    if len(found) == 2 and _WRONG not in found.values():
        yield from _between(path, node, found["low"], found["high"], scale.value == "log", problems)


def _between(path: tuple[str, ...], node: Node, low: Any, high: Any, log: bool, problems: Problems) -> Iterator[Range]:
    if any(not isinstance(end, int | float) or isinstance(end, bool) for end in (low, high)):
        problems.add(node, f"{path[-1]} is no number and has no low and high; write {{choices: [...]}}")
    elif log and low <= 0:
        problems.add(node.value["low"], f"a range on a log scale begins above 0, not at {low:g}")
    elif low >= high:
        problems.add(node.value["high"], f"high must be above low ({low:g}), not {high:g}")
    else:
        yield Range(path, node, low, high, log)
