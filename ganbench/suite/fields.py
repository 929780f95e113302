"""The settings of a suite: the values that each accepts, and the error for any other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ganbench.formatting import suggestion
from ganbench.registry.schedules import is_schedule, read_schedule
from ganbench.suite.specs import Best, EvaluationSpec
from ganbench.suite.train_spec import ENGINES, OPTIMIZERS, PLAYS, PRECISIONS
from ganbench.suite.yaml import Node, Problems

SCHEDULES = ("constant", "cosine", "linear")
"""How a learning rate that is one number changes: not, or from its value to 0."""
MOST_UNROLLED = 9999
"""The most moves of D that G may look ahead."""
Reader = Callable[[Node, str, Problems], object]
"""Reads the value of one setting; adds a problem and returns None if it is not valid."""


def _number(low: float, high: float = float("inf"), whole: bool = False, above: bool = False) -> Reader:
    """A reader of numbers in [low, high), or in (low, high) if `above`."""
    kind = "an integer" if whole else "a number"
    limit = f"{'>' if above else '>='} {low:g}" + (f" and < {high:g}" if high < float("inf") else "")

    def read(node: Node, key: str, problems: Problems) -> object:
        value = node.value
        if isinstance(value, float) and whole and value.is_integer():
            value = int(value)
        good = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not good or not (value > low if above else value >= low) or not value < high:
            problems.add(node, f"{key} must be {kind} {limit}, got {node.plain()!r}")
            return None
        return value if whole else float(value)

    return read


def _word(*known: str) -> Reader:
    def read(node: Node, key: str, problems: Problems) -> object:
        if node.value not in known:
            problems.add(node, f"{key} must be one of {', '.join(known)}, got {node.plain()!r}")
            return None
        return node.value

    return read


def _flag(node: Node, key: str, problems: Problems) -> object:
    if not isinstance(node.value, bool):
        problems.add(node, f"{key} must be true or false, got {node.plain()!r}")
        return None
    return node.value


def _checkpoint(node: Node, key: str, problems: Problems) -> object:
    value = node.plain()
    if value == "last":
        return value
    if isinstance(value, dict) and list(value) == ["best"] and isinstance(value["best"], str) and value["best"]:
        return Best(value["best"])
    problems.add(node, f"{key} must be last, or the best snapshot by a score such as {{best: FID}}, got {value!r}")
    return None


def _truncation(node: Node, key: str, problems: Problems) -> object:
    if node.value is None:
        return None
    return _number(0, above=True)(node, key, problems)


def chosen_by(evaluation: EvaluationSpec, scores: Sequence[str]) -> Iterator[str]:
    """Why no snapshot can be chosen as an evaluation asks; `scores` are those that its metrics give."""
    best = evaluation.best
    if best is None:
        return
    if best not in scores:
        yield f"checkpoint: no metric gives a score {best!r}{suggestion(best, list(scores))}"
    if evaluation.snapshots < 2:
        yield "checkpoint: the best snapshot needs snapshots to choose from, such as snapshots: 10"


def _changing(read: Reader, ends: Reader | None = None) -> Reader:
    """A reader of a number that may be a schedule; `ends` reads its two values, if not `read` itself."""

    def read_either(node: Node, key: str, problems: Problems) -> object:
        if not is_schedule(node.plain()):
            return read(node, key, problems)
        try:
            schedule = read_schedule(node.plain())
        except ValueError as error:
            problems.add(node, f"{key}: {error}")
            return None
        values = [(ends or read)(node.value[end], f"{key}, {end!r}", problems) for end in ("from", "to")]
        if ends is not None and values == [0.0, 0.0]:
            problems.add(node, f"{key} must be > 0 at one of its ends, got 0 at both")
            return None
        return None if None in values else schedule

    return read_either


def _betas(node: Node, key: str, problems: Problems) -> object:
    if not isinstance(node.value, list) or len(node.value) != 2:
        problems.add(node, f"{key} must be two numbers in [0, 1), such as [0.5, 0.999], got {node.plain()!r}")
        return None
    first, second = node.value
    if is_schedule(first.plain()):
        problems.add(first, f"{key}: only the second number can change during training")
        return None
    found = _number(0, 1)(first, f"{key}[0]", problems), _changing(_number(0, 1))(second, f"{key}[1]", problems)
    return None if None in found else found


def _lookahead(node: Node, key: str, problems: Problems) -> object:
    if not isinstance(node.value, list) or len(node.value) != 2:
        problems.add(node, f"{key} must be [moves between two synchronizations, alpha], such as [5, 0.5]")
        return None
    moves, share = node.value
    found = (
        _number(1, whole=True)(moves, f"{key}[0]", problems),
        _number(0, 1, above=True)(share, f"{key}[1]", problems),
    )
    return None if None in found else found


def _play(node: Node, key: str, problems: Problems) -> object:
    unrolled = re.fullmatch(r"unrolled\(\s*(\d{1,9})\s*\)", str(node.value))
    if unrolled and 1 <= int(unrolled[1]) <= MOST_UNROLLED:
        return f"unrolled({int(unrolled[1])})"
    if node.value not in ("alternating", "simultaneous"):
        known = f"{', '.join(PLAYS)} with 1 <= K <= {MOST_UNROLLED}"
        problems.add(node, f"{key} must be one of {known}, got {node.plain()!r}")
        return None
    return node.value


PLAYER: dict[str, Reader] = {
    "optimizer": _word(*OPTIMIZERS), "lr": _changing(_number(0, 1e6, above=True), _number(0, 1e6)), "betas": _betas,
    "clip": _number(0), "weight_decay": _number(0), "lookahead": _lookahead,
}  # fmt: skip
"""The settings of one player; written directly in `train`, they are both players'."""
HALF_LIFE = _number(0, above=True)

TRAIN: dict[str, Reader] = {
    "steps": _number(1, whole=True), "batch": _number(2, whole=True), "n_dis": _number(1, whole=True), **PLAYER,
    "schedule": _word(*SCHEDULES), "ema": _changing(_number(0, 1)), "ema_half_life": _changing(HALF_LIFE),
    "play": _play, "fresh_real": _flag, "precision": _word(*PRECISIONS), "engine": _word(*ENGINES),
    "deterministic": _flag,
}  # fmt: skip

EVALUATION: dict[str, Reader] = {
    "samples": _number(1, whole=True), "real_samples": _number(0, whole=True),
    "split": _word("train", "test"), "snapshots": _number(0, whole=True),
    "noise_sets": _number(0, whole=True), "checkpoint": _checkpoint, "truncation": _truncation,
    "standing_statistics": _flag,
}  # fmt: skip


def block_values(
    node: Node, readers: dict[str, Reader], block: str, problems: Problems, extra: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The valid settings of one block; the others become problems. `extra` keys are known but not read."""
    if not isinstance(node.value, dict):
        problems.add(node, f"'{block}' must be a mapping")
        return {}
    known_keys(node, [*readers, *extra], problems)
    read = {key: readers[key](value, key, problems) for key, value in node.value.items() if key in readers}
    return {key: value for key, value in read.items() if value is not None}


MAX_SEEDS = 100_000


def seed_values(node: Node, problems: Problems) -> tuple[int, ...]:
    """Seeds from a count or a list."""
    value = node.plain()
    count = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_SEEDS
    values = list(range(value)) if count else value
    if (
        not isinstance(values, list)
        or not values
        or any(not isinstance(s, int) or isinstance(s, bool) or s < 0 for s in values)
        or len(set(values)) < len(values)
    ):
        problems.add(node, f"seeds must be a count or a list of distinct integers >= 0, got {value!r}")
        return (0,)
    return tuple(values)


def known_keys(node: Node, known: list[str], problems: Problems) -> None:
    """Add a problem for every key that is not known."""
    for name in node.value:
        if name not in known:
            problems.add(node.key(name), f"unknown key {name!r}{suggestion(name, known)}")
