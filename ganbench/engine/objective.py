"""What both players minimize: the parts of a variant's loss and its transforms, as the step uses them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from torch import Tensor

from ganbench.errors import ContractError
from ganbench.registry.registry import Registry
from ganbench.registry.schedules import Schedule
from ganbench.registry.training_contracts import Noise
from ganbench.suite.specs import RunSpec

Player = Literal["d", "g"]
METHODS: dict[Player, str] = {"d": "d_loss", "g": "g_loss"}


def player_of(plugin: object) -> Player:
    """The player whose moves a part or a transform follows: D, or G if the part has only `g_loss`."""
    return "g" if hasattr(plugin, METHODS["g"]) and not hasattr(plugin, METHODS["d"]) else "d"


@dataclass(frozen=True)
class Setup:
    """A part of a loss or a transform by its name, with the schedules of its fields."""

    name: str
    plugin: Any
    schedules: Mapping[str, Schedule] = field(default_factory=dict)

    @property
    def noise(self) -> Mapping[str, Noise]:
        """The draws that the plugin declares."""
        found: Mapping[str, Noise] = getattr(self.plugin, "noise", None) or {}
        return found

    @property
    def every(self) -> int:
        """1, or the number of steps of which a lazy part is computed at one."""
        return int(getattr(self.plugin, "every", 1))

    @property
    def remembers_with(self) -> Player | None:
        """The player after whose moves the memory changes; None if there is no memory."""
        return player_of(self.plugin) if hasattr(self.plugin, "memory") else None

    def bound(self, values: Mapping[str, Tensor]) -> Any:
        """The plugin with the current values of its schedules, as 0-d tensors, in its fields."""
        if not values:
            return self.plugin
        plugin = copy.copy(self.plugin)
        for name, value in values.items():
            object.__setattr__(plugin, name, value)
        return plugin

    def start(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The start values of the memory. Raises `ContractError` if they are no float32 tensors by name."""
        found = self.plugin.memory(params)
        if not isinstance(found, Mapping) or not all(
            isinstance(name, str) and isinstance(value, Tensor) and value.is_floating_point()
            for name, value in found.items()
        ):
            raise ContractError(f"{self.name}.memory must return float32 tensors by name, got {found!r:.80}")
        return {name: value.detach().clone().float() for name, value in found.items()}


@dataclass(frozen=True)
class Objective:
    """The parts whose sum is a variant's loss, and the transforms between a sample and D, in order."""

    parts: tuple[Setup, ...]
    transforms: tuple[Setup, ...] = ()

    @classmethod
    def of(cls, *plugins: Any, transforms: tuple[Any, ...] = ()) -> Objective:
        """An objective of plugins without schedules, named after their classes."""
        return cls(*(tuple(Setup(type(one).__name__, one) for one in some) for some in (plugins, transforms)))

    @property
    def members(self) -> Iterator[Setup]:
        """Parts and transforms."""
        yield from self.parts
        yield from self.transforms

    @property
    def log_odds(self) -> bool:
        """Whether D's logits are log-odds of real against fake."""
        return any(bool(getattr(part.plugin, "log_odds", False)) for part in self.parts)

    @property
    def every(self) -> int:
        """The number of steps of which the lazy parts are computed at one; 1 if no part is lazy."""
        return max((part.every for part in self.parts), default=1)

    def without_lazy(self) -> Objective:
        """The objective of the steps between those at which the lazy parts are computed."""
        return replace(self, parts=tuple(part for part in self.parts if part.every == 1))

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a sample as D sees it."""
        for transform in self.transforms:
            shape = tuple(getattr(transform.plugin, "shape", lambda same: same)(shape))
        return shape


def objective_of(registry: Registry, spec: RunSpec) -> Objective:
    """What both players of a run minimize. Raises as `Registry.create` does."""
    parts = (Setup(one.name, registry.create("loss", one), one.schedules()) for one in spec.loss)
    transforms = (Setup(one.name, registry.create("transform", one), one.schedules()) for one in spec.transforms)
    return Objective(tuple(parts), tuple(transforms))
