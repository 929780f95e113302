"""The settings of a suite: what each may be, and what to say where it is not."""

from __future__ import annotations

from typing import Any

from ganbench.formatting import suggestion
from ganbench.suite.specs import ENGINES, OPTIMIZERS, PRECISIONS, SCHEDULES
from ganbench.suite.yaml import Node, Problems


def _number(low: float, high: float = float("inf"), whole: bool = False, above: bool = False) -> Any:
    """A reader of numbers in [low, high], or above `low`."""
    kind = "a whole number" if whole else "a number"
    limit = f"{'above' if above else 'of at least'} {low:g}" + (f" and below {high:g}" if high < float("inf") else "")

    def read(node: Node, key: str, problems: Problems) -> Any:
        value = node.value
        if isinstance(value, float) and whole and value.is_integer():
            value = int(value)
        good = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not good or not (value > low if above else value >= low) or not value < high:
            problems.add(node, f"{key} must be {kind} {limit}, not {node.plain()!r}")
            return None
        return value if whole else float(value)

    return read


def _word(*known: str) -> Any:
    def read(node: Node, key: str, problems: Problems) -> Any:
        if node.value not in known:
            problems.add(node, f"{key} must be one of {', '.join(known)}, not {node.plain()!r}")
            return None
        return node.value

    return read


def _betas(node: Node, key: str, problems: Problems) -> Any:
    values = node.plain()
    if (
        not isinstance(values, list)
        or len(values) != 2
        or not all(isinstance(b, int | float) and not isinstance(b, bool) and 0 <= b < 1 for b in values)
    ):
        problems.add(node, f"{key} must be two numbers in [0, 1), as in [0.5, 0.999], not {values!r}")
        return None
    return tuple(float(b) for b in values)


_RATE = _number(0, 1e6, above=True)

TRAIN = {
    "steps": _number(1, whole=True), "batch": _number(2, whole=True), "n_dis": _number(1, whole=True),
    "optimiser": _word(*OPTIMIZERS), "lr": _RATE, "lr_d": _RATE, "lr_g": _RATE, "betas": _betas,
    "schedule": _word(*SCHEDULES), "ema": _number(0, 1),
    "precision": _word(*PRECISIONS), "engine": _word(*ENGINES),
}  # fmt: skip

EVALUATION = {
    "samples": _number(1, whole=True), "real_samples": _number(0, whole=True),
    "split": _word("train", "test"), "snapshots": _number(0, whole=True),
}  # fmt: skip


def block_values(
    node: Node, readers: dict[str, Any], block: str, problems: Problems, extra: tuple[str, ...] = ()
) -> Any:
    """The settings of one block that are right; the others become problems."""
    if not isinstance(node.value, dict):
        problems.add(node, f"'{block}' must be a mapping")
        return {}
    known_keys(node, [*readers, *extra], problems)
    read = {key: readers[key](value, key, problems) for key, value in node.value.items() if key in readers}
    return {key: value for key, value in read.items() if value is not None}


MOST_SEEDS = 100_000


def seed_values(node: Node, problems: Problems) -> tuple[int, ...]:
    value = node.plain()
    count = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_SEEDS
    values = list(range(value)) if count else value
    if (
        not isinstance(values, list)
        or not values
        or any(not isinstance(s, int) or isinstance(s, bool) or s < 0 for s in values)
        or len(set(values)) < len(values)
    ):
        problems.add(node, f"seeds must be a count or a list of distinct whole numbers, not {value!r}")
        return (0,)
    return tuple(values)


def both_rates(block: dict[str, Any]) -> dict[str, Any]:
    """`lr` is both players' rate, unless `lr_d` or `lr_g` beside it say otherwise."""
    both = block.pop("lr", None)
    return ({} if both is None else {"lr_d": both, "lr_g": both}) | block


def known_keys(node: Node, known: list[str], problems: Problems) -> None:
    for name in node.value:
        if name not in known:
            problems.add(node.key(name), f"unknown key {name!r}{suggestion(name, known)}")
