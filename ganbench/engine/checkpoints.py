"""Training states on disk, so that a kill costs a minute: tensors only, whole or not at all."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.files import short_hash, write_atomically

if TYPE_CHECKING:
    from torch import Tensor

KEPT = 2


class Stopped(Exception):
    """Training was asked to stop, and its state is saved."""


class Checkpoints:
    """A folder of checkpoints, one folder a run.

    A file's name carries its step and the hash of its content: the newest valid one wins, a
    damaged one is passed over. Two are kept.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, run_id: str) -> bool:
        return any((self.root / run_id).glob("*.safetensors"))

    def save(self, run_id: str, step: int, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Store a state at a step. Raises `OSError` where the disk refuses; older states stand."""
        from safetensors.torch import save

        content = save({name: t.contiguous() for name, t in tensors.items()}, {"facts": json.dumps(facts)})
        folder = self.root / run_id
        write_atomically(folder / f"{step:09d}-{short_hash(content)}.safetensors", content)
        for old in sorted(folder.glob("*.safetensors"))[:-KEPT]:
            old.unlink(missing_ok=True)

    def load(self, run_id: str) -> tuple[int, dict[str, Tensor], dict[str, Any]] | None:
        """The newest valid state: step, tensors, facts; or None."""
        from safetensors.torch import load

        for path in sorted((self.root / run_id).glob("*.safetensors"), reverse=True):
            step, _, short = path.stem.partition("-")
            content = path.read_bytes()
            if short_hash(content) == short:
                size = int.from_bytes(content[:8], "little")
                facts = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["facts"])
                return int(step), load(content), facts
        return None

    def drop(self, run_id: str) -> None:
        """Forget a run's states."""
        shutil.rmtree(self.root / run_id, ignore_errors=True)


class Keeper:
    """When to save: every so many seconds, and at once when asked to stop."""

    def __init__(self, every: float, asked: Callable[[], bool], save: Callable[[Any], None]) -> None:
        self.every, self.asked, self.save = every, asked, save
        self.last = time.monotonic()

    def block_ended(self, standing: Callable[[], Iterable[Any]]) -> None:
        """Called when some seeds have ended a block. Raises `Stopped` after saving where stopping was asked."""
        stop = self.asked()
        if not stop and time.monotonic() - self.last < self.every:
            return
        for one in standing():
            self.save(one)
        self.last = time.monotonic()
        if stop:
            raise Stopped
