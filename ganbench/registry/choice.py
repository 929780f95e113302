"""A plugin by name, with its hyperparameters: what a suite chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["loss", "architecture", "dataset", "extractor", "metric", "suite", "published", "tracker"]


@dataclass(frozen=True)
class Choice:
    """A plugin by name, its hyperparameters resolved.

    `params` change results and are part of the id; `places` (folders, files) do not and are not;
    `code` is the version of the code behind the name.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""

    def identity(self) -> dict[str, Any]:
        return {"name": self.name, "params": dict(self.params)}

    def arguments(self) -> dict[str, Any]:
        return {**self.params, **self.places}
