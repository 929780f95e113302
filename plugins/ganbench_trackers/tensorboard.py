"""TensorBoard: one folder of event files per run, written by TensorBoard's own writer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Any

from ganbench import MissingError, Run, location
from ganbench_trackers.texts import outcome, plain, scores, title

FLUSH_SECONDS = 10
"""Seconds until a row is written to the file."""


@dataclass
class TensorBoard:
    """Signals, scores, status and diagnosis of every run; view them with `tensorboard --logdir FOLDER`.

    `folder` defaults to `tensorboard` in the results folder.
    """

    folder: str = location("")
    place: str = field(default="", init=False)
    writers: dict[str, Any] = field(default_factory=dict, init=False)

    def prepare(self, results: Path) -> None:
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError as error:
            raise MissingError(
                f"tracker 'tensorboard' needs the package tensorboard ({error}): pip install tensorboard"
            ) from error
        place = Path(self.folder or results / "tensorboard").expanduser()
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MissingError(f"tracker 'tensorboard' cannot write to {place}: {error.strerror}") from error
        self.place = str(place)

    def on_signals(self, run: Run, step: int, signals: Mapping[str, float]) -> None:
        writer = self._writer(run, step)
        for name, value in signals.items():
            if not isnan(value):
                writer.add_scalar(f"signals/{name}", value, step)

    def on_record(self, run: Run, record: Mapping[str, Any]) -> None:
        writer = self._writer(run, 0)
        for step, own in scores(record):
            for name, value in own.items():
                writer.add_scalar(f"scores/{plain(name)}", value, step)
        writer.add_text("result", _summary(record), record["spec"]["train"]["steps"])
        self.writers.pop(run.id).close()

    def close(self) -> None:
        while self.writers:
            self.writers.popitem()[1].close()

    def _writer(self, run: Run, step: int) -> Any:
        """The run's writer; rows from `step` on of an earlier, interrupted training are hidden."""
        if run.id not in self.writers:
            from torch.utils.tensorboard import SummaryWriter

            folder = Path(self.place) / f"{plain(title(run))} - {run.id}"
            self.writers[run.id] = SummaryWriter(str(folder), purge_step=step, flush_secs=FLUSH_SECONDS)
        return self.writers[run.id]


def _summary(record: Mapping[str, Any]) -> str:
    """Status, verdict and findings, as lines of code, so that no text is interpreted as markup."""
    lines = [line if name == "diagnosis" else f"{name}: {line}" for name, line in outcome(record).items()]
    return "\n".join(f"    {line}" for line in "\n".join(lines).splitlines())
