"""Training states on disk: atomically written files of tensors, so that a killed run loses little work."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ganbench.errors import describe_error
from ganbench.files import read_file, set_aside, short_hash, write_atomically
from ganbench.results.records import Failure, Snapshot

if TYPE_CHECKING:
    from torch import Tensor

    from ganbench.engine.state import SeedState
    from ganbench.engine.step import PlayerState

CHECKPOINTS_PER_RUN = 2


@dataclass(frozen=True)
class SavedFacts:
    """What a checkpoint stores besides tensors. Older versions saved the `reason` of a failure as text."""

    steps: list[int]
    seconds: float
    snapshots: list[Snapshot]
    failure: Failure | None = None
    reason: str = ""


class Stopped(Exception):
    """Training was asked to stop, and its state has been saved."""


class Checkpoints:
    """A folder of checkpoints, with one subfolder per run.

    A file's name contains its step and a hash of its run, its step and its content. The newest valid file is loaded;
    those that cannot be read are set aside. Two are kept per run.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, run_id: str) -> bool:
        return any((self.root / run_id).glob("*.safetensors"))

    def save(self, run_id: str, step: int, tensors: dict[str, Tensor], facts: SavedFacts) -> None:
        """Save a state at a step. Raises `OSError` if it cannot be written; older states remain."""
        from safetensors.torch import save

        content = save(
            {name: t.contiguous() for name, t in tensors.items()}, {"facts": msgspec.json.encode(facts).decode()}
        )
        folder = self.root / run_id
        write_atomically(folder / f"{step:09d}-{_hash(run_id, step, content)}.safetensors", content)
        for old in sorted(folder.glob("*.safetensors"))[:-CHECKPOINTS_PER_RUN]:
            old.unlink(missing_ok=True)

    def load(self, run_id: str) -> tuple[int, dict[str, Tensor], SavedFacts] | None:
        """The newest valid state as step, tensors and facts; None if there is none."""
        for path in sorted((self.root / run_id).glob("*.safetensors"), reverse=True):
            try:
                return _read(run_id, path)
            except Exception as error:  # the disk, the form of the file, or what this version expects in it
                set_aside(path, f"the state of a run: {describe_error(error)}")
        return None

    def drop(self, run_id: str) -> None:
        """Delete a run's states."""
        shutil.rmtree(self.root / run_id, ignore_errors=True)


def _hash(run_id: str, step: int, content: bytes) -> str:
    """A state that was moved to another run, or to another step, has another hash."""
    return short_hash(f"{run_id} {step} ".encode() + content)


def _read(run_id: str, path: Path) -> tuple[int, dict[str, Tensor], SavedFacts]:
    """Raises whatever reading raises; `ValueError` for another hash."""
    from safetensors.torch import load

    step, _, short = path.stem.partition("-")
    content = read_file(path)
    if _hash(run_id, int(step), content) != short:
        raise ValueError("its run, step and content have another hash")
    size = int.from_bytes(content[:8], "little")
    facts = json.loads(content[8 : 8 + size])["__metadata__"]["facts"]
    return int(step), load(content), msgspec.json.decode(facts, type=SavedFacts)


class CheckpointTimer:
    """Decides when to save: every `every` seconds, and at once if stopping was requested."""

    def __init__(self, every: float, stop_requested: Callable[[], bool], save: Callable[[SeedState], None]) -> None:
        self.every, self.stop_requested, self.save = every, stop_requested, save
        self.last = time.monotonic()

    def block_ended(self, seed_states: Callable[[], Iterable[SeedState]]) -> None:
        """Called after a block of training. Raises `Stopped`, after saving, if stopping was requested."""
        stop = self.stop_requested()
        if not stop and time.monotonic() - self.last < self.every:
            return
        for one in seed_states():
            self.save(one)
        self.last = time.monotonic()
        if stop:
            raise Stopped


def packed(seed_state: SeedState) -> tuple[dict[str, Tensor], SavedFacts]:
    """A seed's state as named tensors on the CPU, and facts."""
    import torch

    _, state, result = seed_state
    tensors = {"average": state.average, "history": torch.tensor(result.history, dtype=torch.float64)}
    for name, player in (("generator", state.generator), ("discriminator", state.discriminator)):
        tensors |= {f"{name}.params": player.params}
        tensors |= {f"{name}.{index}": slot for index, slot in enumerate(player.slots)}
        tensors |= {f"{name}.buffer.{key}": buffer for key, buffer in player.buffers.items()}
    tensors |= {f"memory.{part}/{key}": value for part, own in state.memory.items() for key, value in own.items()}
    tensors |= {f"still.{step}": frame for step, frame in result.frames.items()}
    facts = SavedFacts(result.steps, result.seconds, result.snapshots, result.failure)
    return {key: tensor.detach().cpu().clone() for key, tensor in tensors.items()}, facts


def unpacked(seed: int, step: int, tensors: dict[str, Tensor], facts: SavedFacts) -> SeedState:
    """The state that `packed` was given; states of older versions may have no frames, and a failure as text."""
    from ganbench.engine.state import SeedState, TrainedSeed
    from ganbench.engine.step import State

    frames = {int(name): frame for name, frame in _below("still.", tensors).items()}
    memory: dict[str, dict[str, Tensor]] = {}
    for name, value in _below("memory.", tensors).items():
        part, _, key = name.partition("/")
        memory.setdefault(part, {})[key] = value
    state = State(_player("generator", tensors), _player("discriminator", tensors), tensors["average"], memory)
    failure = Failure("diverged", facts.reason) if facts.reason else facts.failure
    result = TrainedSeed(
        seed, failure, steps=facts.steps, seconds=facts.seconds, snapshots=facts.snapshots,
        history=tensors["history"].tolist(), frames=frames,
    )  # fmt: skip
    return SeedState(step, state, result)


def _player(name: str, tensors: dict[str, Tensor]) -> PlayerState:
    from ganbench.engine.step import PlayerState

    count = sum(key.removeprefix(f"{name}.").isdigit() for key in tensors if key.startswith(f"{name}."))
    slots = tuple(tensors[f"{name}.{index}"] for index in range(count))
    return PlayerState(tensors[f"{name}.params"], _below(f"{name}.buffer.", tensors), slots)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
