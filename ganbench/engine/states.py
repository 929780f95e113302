"""A seed on its way as named tensors and plain facts, the form in which a checkpoint keeps it."""

from __future__ import annotations

from typing import Any

import msgspec
import torch
from torch import Tensor

from ganbench.engine.step import Player, State
from ganbench.engine.trainer import Resumed, Seed
from ganbench.results.records import Failure, Snapshot


def packed(standing: Resumed) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors on the CPU, by name, and facts that JSON can hold."""
    _, state, seed = standing
    tensors = {"average": state.average, "history": torch.tensor(seed.history, dtype=torch.float64)}
    for name, player in (("generator", state.generator), ("discriminator", state.discriminator)):
        tensors |= {f"{name}.params": player.params, f"{name}.0": player.moments[0], f"{name}.1": player.moments[1]}
        tensors |= {f"{name}.buffer.{key}": buffer for key, buffer in player.buffers.items()}
    tensors |= {f"still.{step}": kept for step, kept in seed.stills.items()}
    facts = {
        "failure": msgspec.to_builtins(seed.failure), "steps": seed.steps, "seconds": seed.seconds,
        "snapshots": msgspec.to_builtins(seed.snapshots),
    }  # fmt: skip
    return {key: tensor.detach().cpu().clone() for key, tensor in tensors.items()}, facts


def unpacked(seed: int, step: int, tensors: dict[str, Tensor], facts: dict[str, Any]) -> Resumed:
    """The same seed again; states of an older ganbench have no stills."""
    stills = {int(name): still for name, still in _below("still.", tensors).items()}
    state = State(_player("generator", tensors), _player("discriminator", tensors), tensors["average"])
    result = Seed(
        seed, msgspec.convert(facts["failure"], Failure | None), steps=facts["steps"], seconds=facts["seconds"],
        history=tensors["history"].tolist(), stills=stills,
        snapshots=msgspec.convert(facts["snapshots"], list[Snapshot]),
    )  # fmt: skip
    return Resumed(step, state, result)


def _player(name: str, tensors: dict[str, Tensor]) -> Player:
    moments = (tensors[f"{name}.0"], tensors[f"{name}.1"])
    return Player(tensors[f"{name}.params"], _below(f"{name}.buffer.", tensors), moments)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
