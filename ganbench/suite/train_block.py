"""The `train` settings of a suite: both players' and each player's, merged block by block into a spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ganbench.registry.schedules import Schedule
from ganbench.suite.fields import PLAYER, SCHEDULES, TRAIN, block_values
from ganbench.suite.specs import PlayerSpec, TrainSpec
from ganbench.suite.train_spec import ONLY
from ganbench.suite.yaml import Node, Problems

PLAYERS = ("d", "g")
FORMER = {
    "lr_d": "write d: {lr: ...}", "lr_g": "write g: {lr: ...}", "optimiser": "it is spelled optimizer",
}  # fmt: skip
"""Keys of earlier suites, and what is written instead."""
AVERAGES = ("ema", "ema_half_life")
Settings = dict[str, Any]
"""Settings by dotted keys, such as `steps` and `d.lr`."""


def read(node: Node, problems: Problems) -> Settings:
    """The settings of one block; a player's own go before those of both. What is wrong becomes problems."""
    if not isinstance(node.value, dict):
        problems.add(node, "'train' must be a mapping")
        return {}
    for key in FORMER.keys() & node.value.keys():
        problems.add(node.key(key), f"there is no key {key!r} any more: {FORMER[key]}")
    kept = {key: value for key, value in node.value.items() if key not in FORMER}
    block = Node(kept, node.line, node.column, node.keys, node.origin)
    values = block_values(block, TRAIN, "train", problems, PLAYERS)
    if set(AVERAGES) <= kept.keys():
        problems.add(node.key("ema_half_life"), "ema and ema_half_life say the same in two ways: give one of them")
    both = {key: values.pop(key) for key in PLAYER if key in values}
    found: Settings = {f"{player}.{key}": value for player in PLAYERS for key, value in both.items()}
    for player in PLAYERS:
        own = block_values(kept[player], PLAYER, player, problems) if player in kept else {}
        found |= {f"{player}.{key}": value for key, value in own.items()}
    return found | values


def averages(node: Node | None) -> list[Node]:
    """The places of the keys by which a block sets the average of G."""
    own = node.value if node is not None and isinstance(node.value, dict) else {}
    return [replace(node.key(key), value=key) for key in AVERAGES if node is not None and key in own]


def laid_over(settings: Settings, later: Settings) -> Settings:
    """Settings with later ones over them; one way to say the average of G replaces the other."""
    dropped = {key for key, other in zip(AVERAGES, AVERAGES[::-1], strict=True) if other in later}
    return {key: value for key, value in settings.items() if key not in dropped} | later


def spec_of(settings: Mapping[str, Any]) -> TrainSpec:
    """The spec of merged settings; `schedule` applies to learning rates that are one number."""
    shape = settings.get("schedule", SCHEDULES[0])
    rest = {key: value for key, value in settings.items() if "." not in key and key != "schedule"}
    for player in PLAYERS:
        own = {key: settings[f"{player}.{key}"] for key in PLAYER if f"{player}.{key}" in settings}
        spec = PlayerSpec(**own)
        if shape != SCHEDULES[0] and not isinstance(spec.lr, Schedule):
            spec = replace(spec, lr=Schedule(spec.lr, 0.0, 1.0, shape))
        rest[player] = spec
    return TrainSpec(**rest)


def contradiction(train: TrainSpec) -> str | None:
    """Which settings exclude each other, in a sentence; None if none do."""
    if train.play == "simultaneous" and train.n_dis > 1:
        return f"play: simultaneous moves each player once a step, so n_dis must be 1, not {train.n_dis}"
    found = {player: foreign for player, spec in (("d", train.d), ("g", train.g)) if (foreign := _foreign(spec))}
    if len(set(found.values())) == len(found):  # each player's own, or only one player's
        return next((f"{player}: {sentence}" for player, sentence in found.items()), None)
    return found["d"]


def _foreign(spec: PlayerSpec) -> str | None:
    """The first setting that only another optimizer uses, in a sentence; None if there is none."""
    default = PlayerSpec()
    for key, only in ONLY.items():
        if spec.optimizer != only and getattr(spec, key) != getattr(default, key):
            return f"{key} is a setting of optimizer {only} alone, not of {spec.optimizer}"
    return None
