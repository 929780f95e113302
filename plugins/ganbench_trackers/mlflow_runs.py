"""MLflow: one experiment per suite, one run of it per run of ganbench, in a local database or on a server."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from ganbench import MissingError, Run, location
from ganbench_trackers.texts import outcome, scores, strict, title

TAG = "ganbench.run"
"""The tag that holds a run's id."""
ENDED = ("FINISHED", "FAILED")
BATCH, INTERVAL_S = 900, 2.0
"""Values that are sent in one call, fewer than the 1,000 that a server takes, and seconds between two calls."""
LONGEST_TAG, LONGEST_PARAM = 5000, 500


@dataclass
class _Sent:
    """A run of MLflow: its id, the last step that it had before, and the values that are not sent yet."""

    id: str
    reached: int = -1
    waiting: list[Any] = field(default_factory=list)
    sent_at: float = 0.0


@dataclass
class MLflow:
    """Signals, scores, status and diagnosis of every run; view them with `mlflow ui --backend-store-uri URI`.

    `uri` is by default that of the variable `MLFLOW_TRACKING_URI`, else a database `mlflow.db` in the results folder.
    """

    uri: str = location("")
    experiment: str = ""
    artifacts: str = field(default="", init=False)
    client: Any = field(default=None, init=False)
    experiments: dict[str, str] = field(default_factory=dict, init=False)
    runs: dict[str, _Sent] = field(default_factory=dict, init=False)

    def prepare(self, results: Path) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise MissingError(
                f"tracker 'mlflow' needs the package mlflow ({error}): pip install 'ganbench[mlflow]'"
            ) from error
        for name in ("mlflow", "alembic"):  # lines about a new database
            logging.getLogger(name).setLevel(logging.WARNING)
        uri = self.uri or os.environ.get("MLFLOW_TRACKING_URI") or ""
        try:
            if not uri:
                results.mkdir(parents=True, exist_ok=True)
                uri = f"sqlite:///{(results / 'mlflow.db').absolute()}"
                self.artifacts = (results / "mlflow-artifacts").absolute().as_uri()
            self.client = MlflowClient(uri)
            self.client.search_experiments(max_results=1)
        except Exception as error:  # whatever a store or a server may raise
            first = str(error).strip().partition("\n")[0][:200]
            raise MissingError(
                f"tracker 'mlflow' cannot use {uri}: {first}; correct uri, or start its server"
            ) from error

    def on_signals(self, run: Run, step: int, signals: Mapping[str, float]) -> None:
        sent = self._run(run)
        if step > sent.reached:
            self._add(sent, {f"signals/{name}": value for name, value in signals.items()}, step)

    def on_record(self, run: Run, record: Mapping[str, Any]) -> None:
        sent = self._run(run)
        for step, own in scores(record):
            self._add(sent, {f"scores/{strict(name)}": value for name, value in own.items()}, step)
        self._flush(sent)
        for name, text in outcome(record).items():
            self.client.set_tag(sent.id, name, text[:LONGEST_TAG])
        self.client.set_terminated(sent.id, "FINISHED" if record["status"] == "ok" else "FAILED")
        del self.runs[run.id]

    def close(self) -> None:
        """End what was interrupted; another time it continues as the same run."""
        while self.runs:
            sent = self.runs.popitem()[1]
            self._flush(sent)
            self.client.set_terminated(sent.id, "KILLED")

    def _add(self, sent: _Sent, values: Mapping[str, float], step: int) -> None:
        """Keep values, and send them if there are many or some time has passed; a database has no NaN and infinity."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        sent.waiting += [Metric(name, value, now, step) for name, value in values.items() if isfinite(value)]
        if len(sent.waiting) >= BATCH or time.monotonic() - sent.sent_at > INTERVAL_S:
            self._flush(sent)

    def _flush(self, sent: _Sent) -> None:
        while sent.waiting:
            batch, sent.waiting = sent.waiting[:BATCH], sent.waiting[BATCH:]
            self.client.log_batch(sent.id, metrics=batch)
        sent.sent_at = time.monotonic()

    def _run(self, run: Run) -> _Sent:
        if run.id not in self.runs:
            self.runs[run.id] = self._continued(run) or self._new(run)
        return self.runs[run.id]

    def _continued(self, run: Run) -> _Sent | None:
        """The run of an earlier, interrupted training, and the last step that it has; None if there is none."""
        found = self.client.search_runs([self._experiment(run)], f"tags.`{TAG}` = '{run.id}'", max_results=1)
        if not found or found[0].info.status in ENDED:
            return None
        (one,) = found
        names = [name for name in one.data.metrics if name.startswith("signals/")]
        steps = (row.step for name in names for row in self.client.get_metric_history(one.info.run_id, name))
        self.client.update_run(one.info.run_id, "RUNNING")
        return _Sent(one.info.run_id, max(steps, default=-1))

    def _new(self, run: Run) -> _Sent:
        from mlflow.entities import Param

        made = self.client.create_run(self._experiment(run), run_name=title(run), tags={TAG: run.id})
        names = ("suite", "loss", "architecture", "dataset", "seed")
        params = [Param(name, str(getattr(run, name))[:LONGEST_PARAM]) for name in names]
        self.client.log_batch(made.info.run_id, params=params)
        return _Sent(made.info.run_id)

    def _experiment(self, run: Run) -> str:
        """The id of the suite's experiment, which is made if it is not there."""
        name = self.experiment or f"ganbench {run.suite}"
        if name not in self.experiments:
            there = self.client.get_experiment_by_name(name)
            where = f"{self.artifacts}/{strict(name)}" if self.artifacts else None
            id_ = there.experiment_id if there else self.client.create_experiment(name, artifact_location=where)
            self.experiments[name] = id_
        return self.experiments[name]
