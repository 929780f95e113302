"""Estimates what cells cost that were never trained here: time and memory, from the operations of a step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from ganbench.engine.step_cost import StepCost, products_per_second, step_cost
from ganbench.errors import PLUGIN_ERRORS
from ganbench.files import canonical
from ganbench.formatting import counted, duration
from ganbench.registry.registry import Registry
from ganbench.registry.training_contracts import is_conditional
from ganbench.suite.specs import Cell

LONG = 86400.0
"""Seconds of a core from which a GPU is advised."""
SPEED_OF_A_GPU = 20e12
"""Operations per second that are assumed of a GPU, which a dry run does not touch: many reach as much in float32."""
GIB, MIB = 1 << 30, 1 << 20


MOST = 16
"""Kinds of cells whose steps are counted, at 30 to 100 ms each."""


@dataclass
class _Kind:
    """Cells whose steps cost the same, one of them, and the steps of all their seeds."""

    cell: Cell
    cells: int = 0
    steps: int = 0


class CountedCost(NamedTuple):
    """What cells need: seconds of a core or a GPU, cells that could not be counted, the most bytes and whose they are.

    `chosen` of the `kinds` of cells were counted.
    """

    seconds: float
    uncounted: int
    largest: tuple[int, str]
    chosen: int
    kinds: int


@dataclass
class CostEstimate:
    """Counts the steps of cells, each kind once, for a device by its name."""

    registry: Registry
    device: str = "cpu"

    def __post_init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}

    @cached_property
    def speed(self) -> float:
        """Operations per second: measured on this CPU, assumed for a GPU."""
        return products_per_second() if self.device == "cpu" else SPEED_OF_A_GPU

    def add(self, cell: Cell, seeds: int) -> None:
        """Add the training of so many seeds of a cell."""
        dataset = self.registry.create("dataset", cell.spec.dataset)
        spec = cell.spec
        alike = replace(spec.train, steps=1)
        key = canonical([repr((spec.loss, spec.transforms, spec.architecture, alike)), list(dataset.shape)])
        kind = self._kinds.setdefault(key, _Kind(cell))
        kind.cells += 1
        kind.steps += seeds * spec.train.steps

    def counted(self) -> CountedCost:
        """What all cells need, by the steps of at most `MOST` kinds of them, spread evenly over the plan."""
        kinds = list(self._kinds.values())
        chosen = kinds[:: -(-len(kinds) // MOST)]
        costs = [(kind, self._counted(kind.cell)) for kind in chosen]
        known = [(kind, cost) for kind, cost in costs if cost is not None]
        uncounted = sum(kind.cells for kind, cost in costs if cost is None)
        if not known:
            return CountedCost(0.0, uncounted, (0, ""), len(chosen), len(kinds))
        operations = sum(kind.steps * cost.operations for kind, cost in known)
        share = sum(kind.steps for kind in kinds) / sum(kind.steps for kind in chosen)
        largest = max((cost.bytes, kind.cell.title) for kind, cost in known)
        return CountedCost(share * operations / self.speed, uncounted, largest, len(chosen), len(kinds))

    def _counted(self, cell: Cell) -> StepCost | None:
        """What a step of a cell costs; None if it cannot be counted, because a plugin reads values, for example."""
        from ganbench.engine.objective import objective_of

        architecture = self.registry.create("architecture", cell.spec.architecture)
        dataset = self.registry.create("dataset", cell.spec.dataset)
        classes = getattr(dataset, "classes", None) if is_conditional(architecture) else None
        try:
            objective, shape = objective_of(self.registry, cell.spec), tuple(dataset.shape)
            return step_cost(objective, architecture, shape, cell.spec.train, classes)
        except PLUGIN_ERRORS:  # a plugin may need values, or a device
            return None

    def text(self) -> str:
        """What the cells need, on one line."""
        found = self.counted()
        cells = counted(found.uncounted, "cell")
        if not found.largest[0]:
            return f"needs: no estimate; the step of {cells} cannot be counted"
        unit, which = ("one core", "here") if self.device == "cpu" else ("one GPU", "if it is as fast")
        left_out = f" (without {cells} whose step cannot be counted)" if found.uncounted else ""
        size, title = found.largest
        by = "" if found.chosen == found.kinds else f" in {found.chosen} of {found.kinds:,} kinds of cells"
        advice = "; a GPU is advised" if self.device == "cpu" and found.seconds > LONG else ""
        return (
            f"needs: at least {_long(found.seconds)} of training on {unit}{left_out}, by the operations of a step{by} "
            f"and {self.speed / 1e9:,.0f} billion a second {which}; {_size(size)} for the tensors "
            f"of one seed of {title}{advice}"
        )


def _long(seconds: float) -> str:
    """A duration, in days if it is longer than two of them."""
    return f"{seconds / 86400:,.0f} days" if seconds >= 2 * 86400 else duration(seconds)


def _size(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{max(1, round(count / MIB))} MiB"
