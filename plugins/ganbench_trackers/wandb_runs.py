"""Weights & Biases: one run of a project per run of ganbench, online or kept on this disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Any, Literal

from ganbench import MissingError, Run, location
from ganbench_trackers.texts import outcome, scores, strict, title

LONGEST = 128
"""Characters that the service takes in the name of a group."""


@dataclass
class WandB:
    """Signals, scores, status and diagnosis of every run, for https://wandb.ai or an own server.

    `mode` is `online`, which needs `wandb login`, or `offline`, whose files `wandb sync` sends later; by default that
    of the variable `WANDB_MODE`, else `online`. `folder` is by default the results folder, in which `wandb` is made.
    """

    project: str = "ganbench"
    entity: str = ""
    mode: Literal["", "online", "offline"] = ""
    folder: str = location("")
    place: str = field(default="", init=False)
    sending: str = field(default="", init=False)
    runs: dict[str, Any] = field(default_factory=dict, init=False)

    def prepare(self, results: Path) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        try:
            import wandb
        except ImportError as error:
            raise MissingError(
                f"tracker 'wandb' needs the package wandb ({error}): pip install 'ganbench[wandb]'"
            ) from error
        place = Path(self.folder or results).expanduser().absolute()  # its service has a folder of its own
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MissingError(f"tracker 'wandb' cannot write to {place}: {error.strerror}") from error
        self.place = str(place)
        self.sending = self.mode or os.environ.get("WANDB_MODE") or "online"
        if self.sending == "online":
            _check_login(wandb)

    def on_signals(self, run: Run, step: int, signals: Mapping[str, float]) -> None:
        """Send a row. Of a run that continues, the service drops the rows that it has: its steps only rise."""
        row = {f"signals/{name}": value for name, value in signals.items() if not isnan(value)}
        self._run(run).log(row, step=step, commit=True)

    def on_record(self, run: Run, record: Mapping[str, Any]) -> None:
        found = self._run(run)
        for step, own in scores(record):
            found.log({"scores/step": step, **{f"scores/{strict(name)}": value for name, value in own.items()}})
        found.summary.update(outcome(record))
        self.runs.pop(run.id).finish(exit_code=0 if record["status"] == "ok" else 1)

    def close(self) -> None:
        """End what was interrupted; another time it continues as the same run of the service."""
        while self.runs:
            found = self.runs.popitem()[1]
            found.mark_preempting()
            found.finish(exit_code=1)

    def _run(self, run: Run) -> Any:
        if run.id not in self.runs:
            import wandb

            made = wandb.init(
                project=self.project, entity=self.entity or None, id=run.id, name=title(run),
                group=f"{run.dataset} - {run.loss} x {run.architecture}"[:LONGEST], dir=self.place,
                mode=self.sending, resume="allow", reinit="create_new",
                config={"suite": run.suite, "loss": run.loss, "architecture": run.architecture,
                        "dataset": run.dataset, "seed": run.seed},
                settings=wandb.Settings(silent=True, console="off", disable_git=True, save_code=False),
            )  # fmt: skip
            made.define_metric("scores/*", step_metric="scores/step")
            self.runs[run.id] = made
        return self.runs[run.id]


def _check_login(wandb: Any) -> None:
    """Raise `MissingError` if there is no key: the service would ask for one while the suite runs."""
    try:
        known = wandb.login(prompt=False)
    except Exception as error:  # any of its own errors, and those of the network
        raise MissingError(f"tracker 'wandb' cannot log in ({error}); correct it, or choose mode: offline") from error
    if not known:
        raise MissingError(
            "tracker 'wandb' has no key: `wandb login`, or keep the runs on this disk with "
            "--tracker '{wandb: {mode: offline}}'"
        )
