"""Numbers that change during training: from one value to another over a share of the steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

Shape = Literal["linear", "cosine"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
KEYS = ("from", "to", "over", "shape")
"""The keys of a schedule, as a suite and a record write it."""


@dataclass(frozen=True)
class Schedule:
    """A number that goes from `start` to `end` over the share `over` of the training, and then stays.

    A suite writes `{from: 0.05, to: 0.005, over: 0.25, shape: cosine}`. `cosine` is half a period of a cosine.
    """

    start: float
    end: float
    over: float = 1.0
    shape: Shape = "linear"

    def at(self, step: int, steps: int) -> float:
        """The value at a step (from 0) of a training of `steps` steps."""
        done = min(1.0, step / (steps * self.over))
        part = 0.5 * (1 - math.cos(math.pi * done)) if self.shape == "cosine" else done
        return self.start + (self.end - self.start) * part

    def __str__(self) -> str:
        """In words, such as `0.05 to 0.005 over 0.25 (cosine)`."""
        over = "" if self.over == 1 else f" over {self.over:g}"
        return f"{self.start:g} to {self.end:g}{over} ({self.shape})"

    def plain(self) -> dict[str, object]:
        """The schedule as a suite and a record write it."""
        return dict(zip(KEYS, (self.start, self.end, self.over, self.shape), strict=True))


Number: TypeAlias = float | Schedule
"""A number that may be given a schedule."""


def number_at(value: Number, step: int, steps: int) -> float:
    """The value of a number at a step (from 0) of a training of `steps` steps."""
    return value.at(step, steps) if isinstance(value, Schedule) else value


def is_schedule(value: object) -> bool:
    """Whether plain data are meant as a schedule."""
    return isinstance(value, Mapping) and bool({"from", "to"} & set(value))


def read_schedule(value: Mapping[str, Any]) -> Schedule:
    """The schedule that plain data describe. Raises `ValueError` with what is wrong."""
    unknown = [key for key in value if key not in KEYS]
    if unknown:
        raise ValueError(f"a schedule has the keys {', '.join(KEYS)}, not {unknown[0]!r}")
    for key in ("from", "to"):
        if not _is_number(value.get(key)):
            raise ValueError(f"a schedule needs a finite number as {key!r}, got {value.get(key)!r}")
    over, shape = value.get("over", 1.0), value.get("shape", "linear")
    if not _is_number(over) or not 0 < over <= 1:
        raise ValueError(f"'over' is the share of the training, > 0 and <= 1, got {over!r}")
    if shape not in SHAPES:
        raise ValueError(f"the shape of a schedule must be one of {', '.join(SHAPES)}, got {shape!r}")
    return Schedule(float(value["from"]), float(value["to"]), float(over), shape)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
