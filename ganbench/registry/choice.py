"""A plugin by name with its hyperparameters, as a suite chooses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ganbench.registry.schedules import Schedule

Kind = Literal["loss", "transform", "architecture", "dataset", "extractor", "metric", "suite", "published", "tracker"]

SUBSET = "subset"
"""The hyperparameter of every dataset: how many of its training samples are trained on."""


def plain_value(value: object) -> object:
    """A value as plain data: a schedule as a mapping, a tuple as a list."""
    if isinstance(value, Schedule):
        return value.plain()
    return [plain_value(one) for one in value] if isinstance(value, tuple | list) else value


def plugin_key(kind: str, name: str) -> str:
    """What a plugin is called in records, such as `loss:minimax`."""
    return f"{kind}:{name}"


@dataclass(frozen=True)
class Choice:
    """A plugin by name, with its hyperparameters resolved.

    `params` change results and are part of the run id; those of a loss and of a transform may hold schedules.
    `places` (folders, files) are not part of it. `code` is the version of the plugin's code. `content` is the
    fingerprint of a dataset's data, empty until it is known.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    content: str = ""

    def identity(self) -> dict[str, object]:
        """Name, params and the data's fingerprint as plain data: the part of the choice that is in the run id."""
        found: dict[str, object] = {
            "name": self.name,
            "params": {key: plain_value(value) for key, value in self.params.items()},
        }
        return {**found, "content": self.content} if self.content else found

    def arguments(self) -> dict[str, object]:
        """The arguments of the plugin's class; of a schedule its first value."""
        values = {**self.params, **self.places}
        return {key: value.start if isinstance(value, Schedule) else value for key, value in values.items()}

    def schedules(self) -> dict[str, Schedule]:
        """The schedules among the hyperparameters."""
        return {key: value for key, value in self.params.items() if isinstance(value, Schedule)}

    @property
    def text(self) -> str:
        """The name with its hyperparameters, `r1(gamma=0.1)`."""
        params = ", ".join(f"{key}={value}" for key, value in self.params.items())
        return f"{self.name}({params})" if params else self.name
