"""The spec of records of schemas 1 and 2: one plugin as loss, one optimizer, G moves on the last real batch of D."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BOTH = ("optimiser", "betas", "schedule")
RATES = {"d": "lr_d", "g": "lr_g"}


def spec(plain: object) -> object:
    """The spec with today's keys: a loss of one part, and each player's optimizer. Others pass as they are."""
    if not isinstance(plain, dict):
        return plain
    found = dict(plain)
    if isinstance(found.get("loss"), dict):
        found["loss"] = [found["loss"]]
    train = found.get("train")
    if isinstance(train, dict) and not RATES.keys() & train.keys():
        found["train"] = _train(train)
    return found


def _train(train: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in train.items() if key not in (*BOTH, *RATES.values())}
    return {"fresh_real": False} | rest | {player: _player(train, key) for player, key in RATES.items()}


def _player(train: Mapping[str, Any], rate: str) -> dict[str, Any]:
    """One player's settings; those that the record does not hold keep their defaults."""
    found = {"optimizer": train.get("optimiser"), "lr": train.get(rate), "betas": train.get("betas")}
    shape = train.get("schedule", "constant")
    if shape != "constant" and found["lr"] is not None:
        found["lr"] = {"from": found["lr"], "to": 0.0, "over": 1.0, "shape": shape}
    return {key: value for key, value in found.items() if value is not None}
