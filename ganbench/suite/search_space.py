"""The search space of a suite: the ranges in its `search` block, and random draws from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ganbench import seeding
from ganbench.errors import UsageError
from ganbench.registry.choice import Kind
from ganbench.registry.registry import Registry
from ganbench.suite.fields import PLAYER, TRAIN, Reader, known_keys, seed_values
from ganbench.suite.load import Override, Suite
from ganbench.suite.train_block import PLAYERS
from ganbench.suite.yaml import Node, Problems, items

KINDS: tuple[Kind, ...] = ("loss", "architecture")
"""Kinds whose hyperparameters may be drawn. Another dataset would be another problem, not another variant."""
DIGITS = 4
"""Significant digits of a drawn number, so that it can be quoted; more if the range is narrow."""
FORM = "expected {low: 1e-4, high: 1e-2, scale: log} (or scale: linear) or {choices: [1, 5]}"

_WRONG = object()
Check = Callable[[Node], object]
"""Returns the value of a setting, or `_WRONG` after it has added a problem."""


@dataclass(frozen=True)
class Range:
    """The values of one setting: a number from `low` to `high`, both included, or one of `choices`.

    `path` is ("train", key), or (kind, plugin's name, hyperparameter). Draws are integers if the setting is one; a
    log-uniform integer k has the probability of [k - 1/2, k + 1/2].
    """

    path: tuple[str, ...]
    node: Node
    low: float = 0
    high: float = 0
    log: bool = False
    choices: tuple[Node, ...] = ()

    def draw(self, number: int) -> Node:
        """The draw of this number, a function of the range, its path and the number alone."""
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
    """All ranges of a suite, and the seeds per draw if the suite sets them."""

    ranges: tuple[Range, ...]
    seeds: tuple[int, ...] | None = None

    def draw(self, number: int, suite: Suite) -> tuple[Override, ...]:
        """The overrides of draw `number`; draw 0 is the suite without changes.

        A setting that several variants share has one value for all of them (common random numbers).
        """
        if number == 0:
            return ()
        drawn: dict[tuple[str, ...], dict[str, Node]] = {}
        for one in self.ranges:
            drawn.setdefault(one.path[:-1], {})[one.path[-1]] = one.draw(number)
        on_axes = {(kind, part.name) for kind, entries in suite.axes.items() for one in entries for part in one.parts}
        settings = drawn.get(("train",), {})
        settings |= {player: Node(drawn["train", player]) for player in PLAYERS if ("train", player) in drawn}
        train = (Override({}, {"train": Node(settings)}, last=True),) if settings else ()
        return train + tuple(_of_plugin(*owner, values) for owner, values in drawn.items() if owner in on_axes)


def _of_plugin(kind: str, name: str, values: dict[str, Node]) -> Override:
    """Hyperparameters of a plugin, which it has wherever it stands: a part of a loss in every sum."""
    return Override({}, {kind: Node({name: Node(values)})}, last=True)


def read_ranges(suite: Suite, registry: Registry, problems: Problems) -> Ranges | None:
    """The suite's `search` block, or None if it has none; errors in it are added to `problems`.

    ```yaml
    search:
      seeds: 3                    # per draw, a count or a list; else the suite's own
      train: {lr: {low: 1e-4, high: 1e-2, scale: log}, n_dis: {choices: [1, 5]}}
      loss: {r1: {gamma: {low: 0.01, high: 10, scale: log}}}     # by plugin, then hyperparameter
      architecture: {mlp: {width: {choices: [32, 64]}}}
    ```

    `low` and `high` are included; `scale` is linear by default. Both ends and every choice are checked as the
    setting itself is. A plugin need not be in the suite: its ranges apply if `--add` adds it. Datasets and
    `evaluation` cannot be searched.
    """
    node = suite.search
    if node is None:
        return None
    if not isinstance(node.value, dict):
        problems.add(node, "'search' must be a mapping, such as search: {train: {lr: {low: 1e-4, high: 1e-2}}}")
        return Ranges(())
    known_keys(node, ["seeds", "train", *KINDS], problems)
    if not set(node.value) - {"seeds"}:
        problems.add(node, "'search' defines no range")
    seeds = seed_values(node.value["seeds"], problems) if "seeds" in node.value else None
    found = [*_train(node.value.get("train", Node({})), problems)]
    for kind in KINDS:
        found += _plugins(kind, node.value.get(kind, Node({})), suite, registry, problems)
    return Ranges(tuple(found), seeds)


def _mapping(node: Node, what: str, problems: Problems) -> dict[str, Node]:
    if isinstance(node.value, dict):
        return node.value
    problems.add(node, f"{what} must be a mapping")
    return {}


def _train(node: Node, problems: Problems) -> Iterator[Range]:
    settings = _mapping(node, "'train' in search", problems)
    if settings:
        known_keys(node, [*TRAIN, *PLAYERS], problems)
    for key, value in settings.items():
        if key in TRAIN:
            yield from _range(("train", key), value, _setting(key, TRAIN[key], problems), problems)
    for player in PLAYERS:
        own = _mapping(settings.get(player, Node({})), f"{player!r} in search", problems)
        if own:
            known_keys(settings[player], list(PLAYER), problems)
        for key, value in own.items():
            if key in PLAYER:
                yield from _range(("train", player, key), value, _setting(key, PLAYER[key], problems), problems)


def _setting(key: str, read: Reader, problems: Problems) -> Check:
    def check(node: Node) -> object:
        value = read(node, key, problems)
        return _WRONG if value is None else value

    return check


def _plugins(kind: Kind, node: Node, suite: Suite, registry: Registry, problems: Problems) -> Iterator[Range]:
    for name, params in _mapping(node, f"'{kind}' in search", problems).items():
        trouble = registry.problem_with(kind, name)
        if trouble:
            problems.add(node.key(name), trouble)
            continue
        parts = [part for entry in suite.axes[kind] for part in entry.parts if part.name == name]
        written = [{key: one.plain() for key, one in part.params.items()} for part in parts]
        for key, value in _mapping(params, f"'{name}' in search", problems).items():
            if not registry.accepts(kind, name, key):
                problems.add(params.key(key), f"{kind} {name!r} has no hyperparameter {key!r}")
                continue
            check = _hyperparameter(kind, name, key, (written or [{}])[0], registry, problems)
            yield from _range((kind, name, key), value, check, problems)


def _hyperparameter(
    kind: Kind, name: str, key: str, written: dict[str, object], registry: Registry, problems: Problems
) -> Check:
    def check(node: Node) -> object:
        try:
            return registry.choose(kind, name, {**written, key: node.plain()}).arguments()[key]
        except UsageError as error:
            if getattr(error, "key", "") not in ("", key):
                return node.plain()  # another hyperparameter is wrong, which is reported at its own position
            problems.add(node, str(error))
            return _WRONG

    return check


def _range(path: tuple[str, ...], node: Node, check: Check, problems: Problems) -> Iterator[Range]:
    """The range of one setting, if it is valid."""
    ends = isinstance(node.value, dict) and {"low", "high"} & node.value.keys()
    if not isinstance(node.value, dict) or bool(ends) == ("choices" in node.value):
        problems.add(node, f"{path[-1]}: {FORM}")
        return
    known_keys(node, ["low", "high", "scale"] if ends else ["choices"], problems)
    if not ends:
        choices = items(node.value["choices"], problems)
        if node.value["choices"].value in (None, []):
            problems.add(node.value["choices"], "the list is empty")
        checked = [check(choice) is not _WRONG for choice in choices]
        if choices and all(checked):
            yield Range(path, node, choices=tuple(choices))
        return
    for key in {"low", "high"} - node.value.keys():
        problems.add(node, f"key {key!r} is missing")
    found = {key: check(node.value[key]) for key in ("low", "high") if key in node.value}
    scale = node.value.get("scale", Node("linear"))
    if scale.value not in ("linear", "log"):
        problems.add(scale, f"scale must be linear or log, got {scale.plain()!r}")
    if len(found) == 2 and _WRONG not in found.values():
        yield from _between(path, node, found["low"], found["high"], scale.value == "log", problems)


def _between(path: tuple[str, ...], node: Node, low: Any, high: Any, log: bool, problems: Problems) -> Iterator[Range]:
    written = [node.value[key].value for key in ("low", "high")]
    if any(not isinstance(end, int | float) or isinstance(end, bool) for end in (low, high, *written)):
        problems.add(
            node, f"{path[-1]} can have low and high only if both are numbers; otherwise use {{choices: [...]}}"
        )
    elif log and low <= 0:
        problems.add(node.value["low"], f"low must be > 0 on a log scale, got {low:g}")
    elif low >= high:
        problems.add(node.value["high"], f"high must be > low ({low:g}), got {high:g}")
    else:
        yield Range(path, node, low, high, log)
