"""The trackers `wandb`, in its offline mode, and `mlflow`, on a local database, with the packages themselves."""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from importlib.util import find_spec
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from running import read_records

from ganbench.conformance.trackers import FAILED, RECORD
from ganbench.errors import MissingError
from ganbench.registry.contracts import Run
from ganbench.signals import SIGNALS
from ganbench.testing import check_tracker
from ganbench_trackers.mlflow_runs import MLflow
from ganbench_trackers.wandb_runs import WandB

REQUIRED = os.environ.get("GANBENCH_TRACKERS") == "required"
"""In CI the extras are installed, and these tests may not be skipped."""
for _name in ("wandb", "mlflow"):
    if not REQUIRED and find_spec(_name) is None:
        pytest.skip(f"the extra {_name} is not installed: pip install -e '.[wandb,mlflow]'", allow_module_level=True)

SHORT = """
losses: [minimax]
architectures: [mlp]
datasets: [ring8]
seeds: 2
train: {steps: 120, batch: 32, lr: 2e-3}
evaluation: {samples: 1000, real_samples: 1000, snapshots: 1}
"""
RUN = Run("0123456789ab", "suite", "r1(gamma=../..)", "mlp", "ring8", 3)
Rows = dict[str, dict[int, float]]
"""By the name of a value, its steps."""


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No key, no setting and no folder of this machine; every address that is not this machine is refused."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "of-wandb"))
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    asked, connect = [], socket.socket.connect

    def local(self: socket.socket, address: Any) -> None:
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            asked.append(address)
            raise OSError("the network was used")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local)
    yield
    assert not asked


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that MLflow makes in a results folder that has none: some seconds of work."""
    folder = tmp_path_factory.mktemp("blank")
    MLflow().prepare(folder)
    return folder / "mlflow.db"


@pytest.fixture
def results(tmp_path: Path, blank: Path) -> Path:
    """A results folder with an empty database."""
    folder = tmp_path / "results"
    folder.mkdir()
    shutil.copy(blank, folder)
    return folder


def _sent(folder: Path) -> list[Any]:
    """What the files of an offline run hold: the records of a log in blocks of 32 KiB, as protocol buffers."""
    import wandb
    from wandb.proto.wandb_internal_pb2 import Record

    wandb.teardown()  # its service writes on until the end of the process
    (path,) = folder.glob("run-*.wandb")
    content, records, part = path.read_bytes(), [], b""
    at = 7  # after the head of the file
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        part += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last of several
            record = Record()
            record.ParseFromString(part)
            records.append(record)
            part = b""
    return records


def _items(items: Any) -> dict[str, Any]:
    return {one.key or "/".join(one.nested_key): json.loads(one.value_json) for one in items}


def _history(records: list[Any]) -> tuple[Rows, Rows]:
    """The signals by step, and the scores by the step of training."""
    signals: Rows = {}
    scores: Rows = {}
    for record in (one for one in records if one.WhichOneof("record_type") == "history"):
        row = _items(record.history.item)
        place, kind = (row["scores/step"], scores) if "scores/step" in row else (row["_step"], signals)
        for name, value in row.items():
            if "/" in name and name != "scores/step":
                kind.setdefault(name, {})[place] = value
    return signals, scores


def _summary(records: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for record in (one for one in records if one.WhichOneof("record_type") == "summary"):
        found |= _items(record.summary.update)
    return found


def _exit_code(records: list[Any]) -> int:
    (code,) = (one.exit.exit_code for one in records if one.WhichOneof("record_type") == "exit")
    return int(code)


def _stored(database: Path) -> dict[str, tuple[str, Rows, dict[str, str], dict[str, str]]]:
    """By ganbench's id, what MLflow's database holds, read without MLflow: status, metrics, parameters, tags."""
    with sqlite3.connect(database) as rows:
        tags = rows.execute("select run_uuid, key, value from tags").fetchall()
        names = {uuid: value for uuid, key, value in tags if key == "ganbench.run"}
        found = {}
        for uuid, status in rows.execute("select run_uuid, status from runs").fetchall():
            metrics: Rows = {}
            query = "select key, step, value from metrics where run_uuid = ? order by step"
            for key, step, value in rows.execute(query, (uuid,)):
                assert step not in metrics.get(key, {}), "a row was sent twice"
                metrics.setdefault(key, {})[step] = value
            params = dict(rows.execute("select key, value from params where run_uuid = ?", (uuid,)))
            own = {key: value for of, key, value in tags if of == uuid}
            found[names[uuid]] = (status, metrics, params, own)
    rows.close()
    return found


def _feed(tracker: WandB | MLflow, steps: range) -> None:
    for step in steps:
        values = {"d_loss": 1.0 / (step + 1), "g_loss": nan, "js": inf if step == 1 else 0.5}
        tracker.on_signals(RUN, step, {**dict.fromkeys(SIGNALS, 2.0), **values})


def _record(**changes: Any) -> dict[str, Any]:
    return {**RECORD, "id": RUN.id, **changes}


def test_wandb_offline_holds_every_row_score_and_the_outcome(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tracker = WandB(mode="offline")
    tracker.prepare(tmp_path / "results")
    _feed(tracker, range(3))
    tracker.on_record(RUN, _record())
    tracker.on_record(RUN._replace(id="ba9876543210"), _record(**FAILED))
    tracker.close()
    assert capfd.readouterr().out == ""
    (folder,) = (tmp_path / "results" / "wandb").glob(f"offline-run-*-{RUN.id}")
    records = _sent(folder)
    signals, scores = _history(records)
    assert signals["signals/d_loss"] == {0: 1.0, 1: 0.5, 2: pytest.approx(1 / 3)}
    assert "signals/g_loss" not in signals
    assert {name.removeprefix("signals/") for name in signals} == {*SIGNALS} - {"g_loss"}
    assert scores == {"scores/score_extractor": {1: 2.0, 2: 1.0}, "scores/share_1": {2: 0.5}}
    summary = _summary(records)
    assert (summary["status"], summary["verdict"]) == ("ok", "ok")
    assert summary["diagnosis"] == "collapse since step 1: an example"
    (run,) = (one.run for one in records if one.WhichOneof("record_type") == "run")
    assert (run.run_id, run.project, run.display_name) == (RUN.id, "ganbench", "ring8 - r1(gamma=../..) x mlp - seed 3")
    assert _items(run.config.update)["seed"] == 3
    (failed,) = (tmp_path / "results" / "wandb").glob("offline-run-*-ba9876543210")
    assert (_exit_code(records), _exit_code(_sent(failed))) == (0, 1)
    assert _summary(_sent(failed))["status"] == "failed (<b>)"


def test_an_interrupted_run_of_wandb_keeps_its_id(tmp_path: Path) -> None:
    for steps in (range(2), range(4)):
        tracker = WandB(mode="offline", folder=str(tmp_path / str(len(steps))))
        tracker.prepare(tmp_path)
        _feed(tracker, steps)
        tracker.close()
    for count in (2, 4):
        (folder,) = (tmp_path / str(count) / "wandb").glob(f"offline-run-*-{RUN.id}")
        records = _sent(folder)
        assert [*_history(records)[0]["signals/d_loss"]] == [*range(count)]
        assert _exit_code(records) == 1


def test_wandb_without_a_key_is_missing_before_anything_trains(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text(SHORT)
    done = inside("run", "--suite", "short.yaml", "--tracker", "wandb")
    assert (done.code, done.out) == (3, "")
    assert "tracker 'wandb' has no key: `wandb login`, or keep the runs on this disk with" in done.err
    assert not (tmp_path / "results" / "runs").exists()


def test_mlflow_holds_every_row_score_and_the_outcome(results: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tracker = MLflow()
    tracker.prepare(results)
    _feed(tracker, range(3))
    tracker.on_record(RUN, _record())
    tracker.on_record(RUN._replace(id="ba9876543210"), _record(**FAILED))
    tracker.close()
    assert capfd.readouterr().out == ""
    found = _stored(results / "mlflow.db")
    status, metrics, params, tags = found[RUN.id]
    assert status == "FINISHED"
    assert metrics["signals/d_loss"] == {0: 1.0, 1: 0.5, 2: pytest.approx(1 / 3)}
    assert metrics["signals/js"] == {0: 0.5, 2: 0.5}, "a database has no infinity"
    assert "signals/g_loss" not in metrics
    assert (metrics["scores/score_extractor"], metrics["scores/share_1"]) == ({1: 2.0, 2: 1.0}, {2: 0.5})
    assert params == {"suite": "suite", "loss": RUN.loss, "architecture": "mlp", "dataset": "ring8", "seed": "3"}
    assert (tags["status"], tags["diagnosis"]) == ("ok", "collapse since step 1: an example")
    assert (found["ba9876543210"][0], found["ba9876543210"][3]["status"]) == ("FAILED", "failed (<b>)")


def test_mlflow_continues_an_interrupted_run_and_begins_a_new_one_after_its_end(results: Path) -> None:
    """After a resume all rows come again; those that are there are not sent twice."""
    for steps in (range(3), range(6)):
        tracker = MLflow()
        tracker.prepare(results)
        _feed(tracker, steps)
        tracker.close()
        ((status, metrics, *_),) = _stored(results / "mlflow.db").values()
        assert (status, [*metrics["signals/d_loss"]]) == ("KILLED", [*steps])
    tracker = MLflow()
    tracker.prepare(results)
    tracker.on_record(RUN, _record())
    _feed(tracker, range(2))  # trained again with --force
    tracker.close()
    with sqlite3.connect(results / "mlflow.db") as rows:
        statuses = sorted(status for (status,) in rows.execute("select status from runs"))
    rows.close()
    assert statuses == ["FINISHED", "KILLED"]


def test_a_store_that_cannot_be_used_is_missing(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database" * 1000)
    for uri in (f"sqlite:///{tmp_path / 'text.db'}", "http://127.0.0.1:9", "nothing://here"):
        with pytest.raises(MissingError, match=r"tracker 'mlflow' cannot use .*; correct uri, or start its server"):
            MLflow(uri=uri).prepare(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match="cannot write to"):
        WandB(mode="offline", folder=str(tmp_path / "file" / "x")).prepare(tmp_path)


def test_the_kit_finds_nothing(results: Path, monkeypatch: pytest.MonkeyPatch, inside: Cli) -> None:
    check_tracker(WandB(mode="offline"))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{results / 'mlflow.db'}")
    for name in ("mlflow", "wandb"):
        assert inside("check", name).code == 0


@pytest.mark.slow
def test_a_suite_is_tracked_by_both_and_not_changed(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text(SHORT)
    options = ("--suite", "short.yaml", "--jobs", "1")
    assert inside("run", *options, "--results", "bare").code == 0
    ran = inside("run", *options, "--tracker", "{wandb: {mode: offline}}", "--tracker", "mlflow")
    assert ran.code == 0
    assert "tracker" not in ran.err, "nothing was switched off or abandoned"
    assert ran.out == (tmp_path / "results" / "short" / "table.md").read_text()
    stored, records = _stored(tmp_path / "results" / "mlflow.db"), read_records(tmp_path / "results")
    assert stored.keys() == records.keys()
    for id_, record in records.items():
        folders = [tmp_path / name / "runs" / id_ for name in ("bare", "results")]
        for name in ("history.csv", "weights.safetensors"):
            assert len({(folder / name).read_bytes() for folder in folders}) == 1
        with (folders[1] / "history.csv").open() as file:
            rows = list(csv.DictReader(file))
        (place,) = (tmp_path / "results" / "wandb").glob(f"offline-run-*-{id_}")
        signals, scores = _history(_sent(place))
        status, metrics, *_ = stored[id_]
        assert (status, _exit_code(_sent(place))) == ("FINISHED", 0)
        for name in SIGNALS:
            wanted = {int(row["step"]): float(row[name]) for row in rows if row[name]}
            assert metrics.get(f"signals/{name}", {}) == pytest.approx(wanted, rel=1e-6)
            assert signals.get(f"signals/{name}", {}) == pytest.approx(wanted, rel=1e-6)
        assert metrics["scores/modes"][120] == scores["scores/modes"][120] == record["metrics"]["modes"]
