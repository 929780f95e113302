"""The settings of one combination: the suite's, those of the overrides that match, and the variant's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganbench.formatting import suggestion
from ganbench.registry.choice import Kind
from ganbench.registry.registry import Registry
from ganbench.registry.schedules import is_schedule
from ganbench.suite import train_block
from ganbench.suite.entries import Entry, labels_of
from ganbench.suite.fields import EVALUATION, block_values, seed_values
from ganbench.suite.labels import Label, picked, sum_text
from ganbench.suite.load import Override, Suite
from ganbench.suite.yaml import Node, Problems

PLUGIN_KEYS = ("extractor", "metrics")
"""The keys of an evaluation that name plugins."""
NAMED: dict[Kind, str] = {"loss": "a part of a loss", "architecture": "an architecture", "dataset": "a dataset"}


@dataclass
class Merged:
    """The settings of one combination, before they become its spec."""

    params: dict[str, dict[str, dict[str, Node]]]
    """Hyperparameters by kind and plugin."""
    train: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)
    evaluators: dict[str, Node] = field(default_factory=dict)
    """The extractor and the metrics, if the suite names them."""
    seeds: tuple[int, ...] = (0,)


class Merging:
    """Merges the settings of a suite; what is wrong in them becomes problems."""

    def __init__(self, suite: Suite, registry: Registry, problems: Problems) -> None:
        self.registry, self.problems = registry, problems
        self.overrides = [suite.base, *(one for one in suite.overrides if not one.last)]
        self.last = [one for one in suite.overrides if one.last]
        self.excluded = suite.excluded
        self.parts = {kind: {part.name for entry in axis for part in entry.parts} for kind, axis in suite.axes.items()}
        self.labels: dict[str, list[Label]] = {kind: labels_of(axis) for kind, axis in suite.axes.items()}

    def check(self) -> None:
        """Report settings that are invalid in every combination."""
        nothing = Merged({"loss": {}, "architecture": {}, "dataset": {}})
        for override in (*self.overrides, *self.last):
            for key, node in override.settings.items():
                self._merge(nothing, key, node)

    def of(self, entries: Mapping[Kind, Entry], labels: Mapping[str, Label]) -> Merged:
        """The settings of one combination.

        Those of the suite come first, then the overrides that match in order, the variant's own, and what the command
        line sets or a search draws.
        """
        merged = Merged(
            {kind: {part.name: dict(part.params) for part in entry.parts} for kind, entry in entries.items()}
        )
        self._apply(merged, self.overrides, labels)
        own = entries["loss"].train
        if own is not None:
            self._merge(merged, "train", own)
        self._apply(merged, self.last, labels)
        return merged

    def _apply(self, merged: Merged, overrides: Iterable[Override], labels: Mapping[str, Label]) -> None:
        for override in overrides:
            if self._matches(override, labels):
                for key, node in override.settings.items():
                    self._merge(merged, key, node)

    def excludes(self, labels: Mapping[str, Label]) -> bool:
        """Whether the suite leaves out a combination."""
        return any(self._matches(one, labels) for one in self.excluded)

    def _matches(self, override: Override, labels: Mapping[str, Label]) -> bool:
        return all(self._means(kind, names, labels[kind]) for kind, names in override.when.items())

    def _means(self, kind: str, names: Iterable[str], label: Label) -> bool:
        return any(label in picked(self.labels[kind], name) for name in names)

    def _merge(self, merged: Merged, key: str, node: Node) -> None:
        if key == "seeds":
            merged.seeds = seed_values(node, self.problems)
        elif key == "train":
            merged.train = train_block.laid_over(merged.train, train_block.read(node, self.problems))
        elif key == "evaluation":
            merged.evaluation |= block_values(node, EVALUATION, key, self.problems, PLUGIN_KEYS)
            merged.evaluators |= {
                k: node.value[k] for k in PLUGIN_KEYS if isinstance(node.value, dict) and k in node.value
            }
        elif not isinstance(node.value, dict):
            self.problems.add(node, f"'{key}' must be a mapping of hyperparameters here")
        else:
            kind = next(one for one in NAMED if one == key)
            for name, value in node.value.items():
                self._merge_hyperparameter(merged.params[kind], kind, name, value, node.key(name))

    def _merge_hyperparameter(
        self, plugins: dict[str, dict[str, Node]], kind: Kind, name: str, value: Node, place: Node
    ) -> None:
        """Set a hyperparameter of the one plugin that it belongs to, or those of the plugin that it names."""
        if name in self.parts[kind]:
            if not isinstance(value.value, dict):
                self.problems.add(value, f"{name!r} is {NAMED[kind]}: write {name}: {{hyperparameter: value}}")
            elif name in plugins:
                plugins[name] |= value.value
            return
        able = [one for one in plugins if self.registry.accepts(kind, one, name)]
        owners = list(plugins) if len(plugins) == 1 else able
        if plugins and not able and isinstance(value.value, dict) and not is_schedule(value.plain()):
            known = suggestion(name, sorted(self.parts[kind]))
            self.problems.add(place, f"the suite has no {kind} {name!r}{known}")
        elif len(owners) == 1:
            plugins[owners[0]][name] = value
        elif owners:
            written = f"loss: {{{owners[0]}: {{{name}: ...}}}}"
            self.problems.add(place, f"{' and '.join(owners)} have a hyperparameter {name!r}: write {written}")
        elif plugins:
            self.problems.add(place, f"no part of {sum_text(plugins)} has a hyperparameter {name!r}")
