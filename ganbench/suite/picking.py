"""Chooses the plugins that a suite names, and reports what is wrong at its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ganbench.errors import UsageError
from ganbench.registry.choice import Choice, Kind
from ganbench.registry.registry import Registry
from ganbench.suite.entries import Part
from ganbench.suite.load import Suite
from ganbench.suite.yaml import Node, Problems


class Picker:
    """The plugins of a suite, chosen from a registry."""

    def __init__(self, suite: Suite, registry: Registry, problems: Problems) -> None:
        self.suite, self.registry, self.problems = suite, registry, problems

    def choose(self, kind: Kind, name: str, params: Mapping[str, Node], node: Node) -> Choice | None:
        """A plugin with its hyperparameters; None if they are wrong, which is a problem at their place or at `node`."""
        try:
            return self.registry.choose(kind, name, self._values(kind, name, params))
        except UsageError as error:
            value = params.get(getattr(error, "key", ""))
            self.problems.add(value if value is not None and value.line else node, str(error))
            return None

    def check_written(self, kind: Kind, part: Part) -> bool:
        """Report a name that cannot be used, and wrong hyperparameters where they are written; whether it can be used.

        A hyperparameter that an override may still give is no problem here.
        """
        trouble = self.registry.problem_with(kind, part.name)
        if trouble:
            self.problems.add(part.node, trouble)
            return False
        try:
            self.registry.choose(kind, part.name, self._values(kind, part.name, part.params))
        except UsageError as error:
            node = part.params.get(getattr(error, "key", ""))
            if node is not None:
                self.problems.add(node if node.line else part.node, str(error))
        return True

    def _values(self, kind: Kind, name: str, params: Mapping[str, Node]) -> dict[str, object]:
        """Hyperparameters without positions; paths that stand in the suite's file are relative to its folder."""
        locations = self.registry.find(kind, name).locations()
        return {
            key: _placed(node.plain(), self.suite.folder) if key in locations and node.from_file else node.plain()
            for key, node in params.items()
        }


def _placed(value: object, folder: Path) -> object:
    """A location as written in a file of `folder`: a relative path is joined to it; an address, `~` or `""` is not."""
    if isinstance(value, list):
        return [_placed(one, folder) for one in value]
    if not isinstance(value, str) or not value or value.startswith("~") or "://" in value:
        return value
    return str(folder / value)
