"""A plugin by name with its hyperparameters, as a suite chooses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["loss", "transform", "architecture", "dataset", "extractor", "metric", "suite", "published", "tracker"]


def plugin_key(kind: str, name: str) -> str:
    """What a plugin is called in records, such as `loss:minimax`."""
    return f"{kind}:{name}"


@dataclass(frozen=True)
class Choice:
    """A plugin by name, with its hyperparameters resolved.

    `params` change results and are part of the run id; `places` (folders, files) do not and are not. `code` is the
    version of the plugin's code. `content` is the fingerprint of a dataset's data, empty until it is known.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    content: str = ""

    def identity(self) -> dict[str, object]:
        """Name, params and the data's fingerprint as plain data: the part of the choice that is in the run id."""
        found: dict[str, object] = {"name": self.name, "params": dict(self.params)}
        return {**found, "content": self.content} if self.content else found

    def arguments(self) -> dict[str, object]:
        """The arguments of the plugin's class."""
        return {**self.params, **self.places}
