"""Estimates what cells cost that were never trained here: time and memory, from the operations of a step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from ganbench.engine.step_cost import StepCost, products_per_second, step_cost
from ganbench.files import canonical
from ganbench.formatting import counted, duration
from ganbench.registry.contracts import Dataset
from ganbench.registry.registry import Registry
from ganbench.registry.training_contracts import is_conditional
from ganbench.suite.specs import Cell

LONG = 86400.0
"""Seconds of a core from which a GPU is advised."""
SPEED_OF_A_GPU = 20e12
"""Operations per second that are assumed of a GPU, which a dry run does not touch: many reach as much in float32."""
GIB, MIB = 1 << 30, 1 << 20


@dataclass
class CostEstimate:
    """Counts the steps of cells, each kind once, for a device by its name."""

    registry: Registry
    device: str = "cpu"

    def __post_init__(self) -> None:
        self._known: dict[str, StepCost | None] = {}
        self.seconds, self.uncounted = 0.0, 0
        self.largest: tuple[int, str] = (0, "")

    @cached_property
    def speed(self) -> float:
        """Operations per second: measured on this CPU, assumed for a GPU."""
        return products_per_second() if self.device == "cpu" else SPEED_OF_A_GPU

    def add(self, cell: Cell, seeds: int) -> None:
        """Add the training of so many seeds of a cell."""
        cost = self._cost(cell)
        if cost is None:
            self.uncounted += 1
            return
        self.seconds += seeds * cell.spec.train.steps * cost.operations / self.speed
        self.largest = max(self.largest, (cost.bytes, cell.title))

    def _cost(self, cell: Cell) -> StepCost | None:
        """What a step of a cell costs; None if it cannot be counted, because a plugin reads values, for example."""
        spec = cell.spec
        dataset = self.registry.create("dataset", spec.dataset)
        shape, train = tuple(dataset.shape), replace(spec.train, steps=1)
        key = canonical([repr((spec.loss, spec.transforms, spec.architecture, train)), shape])
        if key not in self._known:
            self._known[key] = self._counted(cell, dataset)
        return self._known[key]

    def _counted(self, cell: Cell, dataset: Dataset) -> StepCost | None:
        from ganbench.engine.objective import objective_of

        architecture = self.registry.create("architecture", cell.spec.architecture)
        classes = getattr(dataset, "classes", None) if is_conditional(architecture) else None
        try:
            objective, shape = objective_of(self.registry, cell.spec), tuple(dataset.shape)
            return step_cost(objective, architecture, shape, cell.spec.train, classes)
        except Exception:  # a plugin may need values, or a device
            return None

    def text(self) -> str:
        """What the cells need, on one line."""
        cells = counted(self.uncounted, "cell")
        if not self.largest[0]:
            return f"needs: no estimate; the step of {cells} cannot be counted"
        unit, which = ("one core", "here") if self.device == "cpu" else ("one GPU", "if it is as fast")
        left_out = f" (without {cells} whose step cannot be counted)" if self.uncounted else ""
        size, title = self.largest
        advice = "; a GPU is advised" if self.device == "cpu" and self.seconds > LONG else ""
        return (
            f"needs: at least {_long(self.seconds)} of training on {unit}{left_out}, by the operations of a step and "
            f"{self.speed / 1e9:,.0f} billion a second {which}; {_size(size)} for the tensors "
            f"of one seed of {title}{advice}"
        )


def _long(seconds: float) -> str:
    """A duration, in days if it is longer than two of them."""
    return f"{seconds / 86400:,.0f} days" if seconds >= 2 * 86400 else duration(seconds)


def _size(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{max(1, round(count / MIB))} MiB"
