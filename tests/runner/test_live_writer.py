"""The live state of a run: what its file holds, and how it is read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from factories import make_job, make_progress, make_record, make_spec
from running import fork_run
from warm import Warm

from ganbench.engine.state import Progress
from ganbench.report.html.live import running_jobs, summary
from ganbench.results import live
from ganbench.results.records import Failure
from ganbench.runner.events import (
    JobEnded,
    JobProgress,
    JobRetried,
    JobStarted,
    Phase,
    PhaseStarted,
    RunRecorded,
    Stopping,
    SuiteFinished,
    SuiteStarted,
)
from ganbench.runner.jobs import CellJob
from ganbench.runner.live_writer import CURVES, MAX_POINTS, LiveWriter
from ganbench.signals import SIGNALS

State = dict[str, Any]
LONG = """
losses: [minimax]
architectures: [mlp]
datasets: [ring8]
seeds: 2
train: {steps: 400000, batch: 32, lr: 2e-3, engine: eager}
evaluation: {samples: 1000, real_samples: 1000}
"""


def _read(folder: Path) -> State:
    state = live.read(folder)
    assert state is not None
    return state


def _begun(folder: Path, *jobs: CellJob) -> LiveWriter:
    writer = LiveWriter(folder, "small")
    writer(SuiteStarted(tuple((job, 1.0) for job in jobs), 2))
    for job in jobs:
        writer(JobStarted(job))
        writer(PhaseStarted(job, Phase.TRAINING))
    return writer


def test_the_live_state_contains_what_runs_and_what_has_ended(tmp_path: Path) -> None:
    assert live.read(tmp_path) is None
    job, other = make_job(labels=("loss <i>", "net", "data")), make_job((2,))
    writer = _begun(tmp_path, job, other)
    writer(JobProgress(job, make_progress(10)))
    writer(JobProgress(job, make_progress(20)))
    failed = make_record(spec=make_spec(2), failure=Failure("diverged", "a loss was not finite"))
    writer(RunRecorded(other, failed))
    writer(JobEnded(other, ("diverged",), "a loss was not finite"))
    writer._write()
    state = _read(tmp_path)
    assert (state["state"], state["suite"], state["pid"]) == ("running", "small", os.getpid())
    assert state["jobs"] == {"total": 2, "done": 1}
    (running,), (finished,) = state["running"], state["finished"]
    assert (running["loss"], running["step"], running["steps"], running["alive"]) == ("loss <i>", 20, 100, 1)
    assert running["phase"] == "training"
    assert running["runs"] == {"0": job.cell.run(0).id, "1": job.cell.run(1).id}
    assert set(running["curves"]) == {"0"}
    assert running["curves"]["0"]["step"] == [10, 20]
    assert running["curves"]["0"]["diversity"] == [10.0, 20.0]
    assert (finished["statuses"], finished["reason"]) == ({"2": "diverged"}, "a loss was not finite")
    writer(SuiteFinished())
    assert live.read(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_a_job_that_is_tried_again_begins_anew(tmp_path: Path) -> None:
    job, half = make_job((0, 1)), make_job((0,))
    writer = _begun(tmp_path, job)
    writer(JobProgress(job, make_progress(10)))
    writer(JobRetried(job, (half, make_job((1,))), "out of memory"))
    assert writer._state()["running"] == []
    assert writer._state()["jobs"] == {"total": 2, "done": 0}
    writer(JobStarted(half))
    writer(PhaseStarted(half, Phase.TRAINING))
    writer(JobProgress(half, make_progress(10)))
    (running,) = writer._state()["running"]
    assert (running["seeds"], running["curves"][0]["step"]) == ((0,), [10])


def test_an_interrupted_run_is_stopping_and_has_no_eta(tmp_path: Path) -> None:
    writer = _begun(tmp_path, make_job())
    assert (
        summary(_read(tmp_path)) == "This suite is running: 0 of 1 jobs done, 0 s so far, remaining time unknown yet."
    )
    writer(Stopping(1))
    state = _read(tmp_path)
    assert (state["state"], state["eta"]) == ("stopping", None)
    assert summary(state).startswith("This suite is stopping and saving its state: 0 of 1 jobs done")
    (tmp_path / live.NAME).write_text(json.dumps({**state, "birth": "1"}))
    assert "This suite was killed at" in summary(_read(tmp_path))


def test_the_page_shows_the_phase_of_a_job_that_does_not_train(tmp_path: Path) -> None:
    job = make_job()
    writer = _begun(tmp_path, job)
    writer(JobProgress(job, make_progress(20, (0, 1))))
    assert [one.facts for one in running_jobs(writer._state())] == ["step 20 of 100, 2 seeds, 1,000 samples/s"]
    writer(PhaseStarted(job, Phase.EVALUATING))
    (job_shown,) = running_jobs(writer._state())
    assert job_shown.facts == "evaluating, step 20 of 100, 2 seeds, 1,000 samples/s"


def test_curves_are_thinned_to_their_ends_and_hold_no_nan(tmp_path: Path) -> None:
    job = make_job()
    writer = _begun(tmp_path, job)
    writer(JobProgress(job, make_progress(0, (0,), rows=1000)))
    rows = [[float("nan")] * len(SIGNALS)] * 3
    writer(JobProgress(job, Progress(3.0, 1, 0.0, 0.0, float("inf"), {1: ([0, 1, 2], rows)})))
    writer._write()
    (running,) = _read(tmp_path)["running"]
    thinned = running["curves"]["0"]
    assert set(thinned) == {"step", *CURVES}
    assert len(thinned["step"]) == MAX_POINTS
    assert (thinned["step"][0], thinned["step"][-1]) == (0, 999)
    assert running["curves"]["1"]["js"] == [None] * 3
    assert running["images_per_second"] is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 99}', '{"schema": 1, "host": 3, "updated": 4}'])
def test_a_damaged_or_foreign_state_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / live.NAME).write_text(text)
    assert live.read(tmp_path) is None


def test_another_process_with_the_same_number_is_not_the_one_that_ran(tmp_path: Path) -> None:
    state = {"schema": live.SCHEMA, **live.process(), "updated": live.now()}
    (tmp_path / live.NAME).write_text(json.dumps(state))
    assert _read(tmp_path)["state"] == "running"
    (tmp_path / live.NAME).write_text(json.dumps({**state, "birth": "1"}))
    assert _read(tmp_path)["state"] == "stale"
    elsewhere = {**state, "host": "another", "pid": 1 << 30}
    (tmp_path / live.NAME).write_text(json.dumps(elsewhere))
    assert _read(tmp_path)["state"] == "running"
    (tmp_path / live.NAME).write_text(json.dumps({**elsewhere, "updated": "2026-01-01T00:00:00+00:00"}))
    assert _read(tmp_path)["state"] == "stale"


def test_a_process_that_was_killed_has_ended_before_it_is_waited_for(tmp_path: Path) -> None:
    code = "import json; from ganbench.results import live; print(json.dumps(live.process()), flush=True); input()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        state = {"schema": live.SCHEMA, **json.loads(process.stdout.readline()), "updated": live.now()}
        (tmp_path / live.NAME).write_text(json.dumps(state))
        assert (state["pid"], _read(tmp_path)["state"]) == (process.pid, "running")
        process.kill()
        _wait_for(tmp_path, lambda now: bool(now["state"] == "stale"))


def _wait_for(results: Path, condition: Callable[[State], bool]) -> State:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        state = live.read(results)
        if state is not None and condition(state):
            return state
        time.sleep(0.05)
    raise AssertionError("no such state in 240 s")


def _curves(state: State) -> bool:
    return any(one.get("curves") for one in state["running"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_shows_its_state_until_it_is_ended(warm: Warm, tmp_path: Path, number: int) -> None:
    (tmp_path / "long.yaml").write_text(LONG)
    results = tmp_path / "results"
    process = fork_run(warm, tmp_path, "--suite", "long.yaml", "--jobs", "1")
    state = _wait_for(results, _curves)
    assert state["pid"] == process.pid
    assert state["state"] == "running"
    (running,) = state["running"]
    assert running["seeds"] == [0, 1]
    assert 0 < running["step"] < 400_000
    later = _wait_for(results, lambda now: _curves(now) and now["running"][0]["step"] > running["step"])
    assert later["updated"] > state["updated"]
    assert json.loads((results / "long" / "plan.json").read_text())["suite"] == "long"  # for a report on the way
    os.killpg(process.pid, number)
    if number == signal.SIGKILL:
        _wait_for(results, lambda now: bool(now["state"] == "stale"))
    process.wait(240)
    if number == signal.SIGKILL:
        assert _read(results)["state"] == "stale"
    else:
        assert not list(results.glob(".live*"))


def test_a_live_state_that_cannot_be_written_is_reported_once_and_costs_nothing(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text(LONG.replace("400000", "2").replace("seeds: 2", "seeds: 1"))
    (tmp_path / "results" / f"{live.NAME}.new").mkdir(parents=True)  # what a file cannot be written over
    done = inside("run", "--suite", "short.yaml", "--jobs", "1")
    assert done.code == 0, done.err
    assert done.err.count("the live state: ") == 1
    assert "switched off, the run continues" in done.err
    assert "| minimax x mlp" in done.out
