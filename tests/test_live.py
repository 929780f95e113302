"""Signals on their way to the runner, the live state that they are kept in, and what must not disturb a run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from plans import cell

from ganbench import seeding
from ganbench.engine.checkpoints import CheckpointTimer, Stopped
from ganbench.engine.state import Progress
from ganbench.engine.trainer import Trainer
from ganbench.registry.choice import Choice
from ganbench.results import live
from ganbench.runner.background import Aside
from ganbench.runner.jobs import CellJob
from ganbench.runner.live_writer import POINTS, SHOWN, Watch
from ganbench.runner.rate_limit import Pulse
from ganbench.signals import SIGNALS
from ganbench.suite.specs import EvaluationSpec, RunSpec, TrainSpec
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax

LONG = """
losses: [minimax]
architectures: [mlp]
datasets: [ring8]
seeds: 2
train: {steps: 400000, batch: 32, lr: 2e-3}
evaluation: {samples: 1000, real_samples: 1000}
"""


def _trainer(seeds=(0, 1), resumed=None, steps=5 * seeding.BLOCK) -> Trainer:
    data = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    spec = TrainSpec(steps=steps, batch=32, lr_d=2e-3, lr_g=2e-3)
    return Trainer(Minimax(), Mlp(width=16, depth=1), data, spec, seeds, torch.device("cpu"), resumed)


def _joined(told: list[Progress]) -> dict:
    whole: dict = {}
    for progress in told:
        for seed, (steps, rows) in progress.fresh.items():
            before = whole.setdefault(seed, ([], []))
            before[0].extend(steps)
            before[1].extend(rows)
    return whole


def test_progress_tells_every_row_of_the_history_once() -> None:
    told: list[Progress] = []
    results = _trainer().run(told.append)
    assert len(told) == 5
    assert _joined(told) == {result.seed: (result.steps, result.history) for result in results}


def test_a_resumed_cell_tells_what_was_recorded_before_too() -> None:
    saved: dict = {}
    stop = CheckpointTimer(0, lambda: len(saved) >= 2, lambda one: saved.__setitem__(one.result.seed, one))
    with pytest.raises(Stopped):
        _trainer().run(timer=stop)
    told: list[Progress] = []
    results = _trainer(resumed=saved).run(told.append)
    assert told[0].step == saved[0].step > 0
    assert _joined(told) == {result.seed: (result.steps, result.history) for result in results}


def _news(step: int, seeds: tuple[int, ...] = (0,), rows: int = 1) -> Progress:
    steps = list(range(step, step + rows))
    fresh = {seed: (steps, [[float(at)] * len(SIGNALS) for at in steps]) for seed in seeds}
    return Progress(float(step), len(seeds), 0.5, 0.25, 1000.0, fresh)


def test_what_comes_too_soon_is_kept_for_the_next_message() -> None:
    sent: list[Progress] = []
    pulse = Pulse(sent.append)
    for step in range(4):
        pulse(_news(step, (0, step)))
    assert len(sent) == 1
    pulse.flush()
    pulse.flush()
    assert len(sent) == 2
    assert sent[1].step == 3
    assert {seed: steps for seed, (steps, _) in sent[1].fresh.items()} == {0: [1, 2, 3], 1: [1], 2: [2], 3: [3]}


def _job(seeds: tuple[int, ...] = (0, 1), steps: int = 100) -> CellJob:
    one = Choice("a", {}, {}, "1")
    spec = RunSpec(one, one, one, seeds[0], TrainSpec(steps=steps), EvaluationSpec(extractor=one, metrics=(one,)))
    return CellJob("small", cell(spec, seeds, ("loss <i>", "net", "data")))


def test_the_live_state_holds_what_runs_and_what_has_ended(tmp_path: Path) -> None:
    watch, job, other = Watch(tmp_path, "small"), _job(), _job((2,))
    assert live.read(tmp_path) is None
    watch.begin([(job, 1.0), (other, 1.0)])
    for one in (job, other):
        watch.started(one)
    watch.advanced(job, _news(10))
    watch.advanced(job, _news(20))
    watch.recorded(other, {"spec": {"seed": 2}, "status": "diverged"})
    watch.ended(other, ["diverged"], "a loss was not finite")
    watch.stale = True
    watch.idle()
    state = live.read(tmp_path)
    assert (state["state"], state["suite"], state["pid"]) == ("running", "small", os.getpid())
    assert state["jobs"] == {"total": 2, "done": 1}
    (running,), (finished,) = state["running"], state["finished"]
    assert (running["loss"], running["step"], running["steps"], running["alive"]) == ("loss <i>", 20, 100, 1)
    assert running["runs"] == {"0": job.cell.run(0).id, "1": job.cell.run(1).id}
    assert set(running["curves"]) == {"0"}
    assert running["curves"]["0"]["step"] == [10, 20]
    assert running["curves"]["0"]["diversity"] == [10.0, 20.0]
    assert (finished["statuses"], finished["reason"]) == ({"2": "diverged"}, "a loss was not finite")
    watch.close()
    assert live.read(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_curves_are_thinned_to_their_ends_and_hold_no_nan(tmp_path: Path) -> None:
    watch, job = Watch(tmp_path, "small"), _job()
    watch.begin([(job, 1.0)])
    watch.started(job)
    watch.advanced(job, _news(0, (0,), rows=1000))
    steps = list(range(3))
    watch.advanced(job, Progress(3.0, 1, 0.0, 0.0, float("inf"), {1: (steps, [[float("nan")] * len(SIGNALS)] * 3)}))
    watch.stale = True
    watch.idle()
    (running,) = live.read(tmp_path)["running"]
    thinned = running["curves"]["0"]
    assert set(thinned) == {"step", *SHOWN}
    assert len(thinned["step"]) == POINTS
    assert (thinned["step"][0], thinned["step"][-1]) == (0, 999)
    assert running["curves"]["1"]["js"] == [None] * 3
    assert running["images_per_second"] is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 99}', '{"schema": 1, "host": 3, "updated": 4}'])
def test_a_damaged_or_foreign_state_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / live.NAME).write_text(text)
    assert live.read(tmp_path) is None


def test_a_number_that_another_process_has_now_is_not_that_process(tmp_path: Path) -> None:
    state = {"schema": live.SCHEMA, **live.process(), "updated": live.now()}
    (tmp_path / live.NAME).write_text(json.dumps(state))
    assert live.read(tmp_path)["state"] == "running"
    (tmp_path / live.NAME).write_text(json.dumps({**state, "birth": "1"}))
    assert live.read(tmp_path)["state"] == "stale"
    elsewhere = {**state, "host": "another", "pid": 1 << 30}
    (tmp_path / live.NAME).write_text(json.dumps(elsewhere))
    assert live.read(tmp_path)["state"] == "running"
    (tmp_path / live.NAME).write_text(json.dumps({**elsewhere, "updated": "2026-01-01T00:00:00+00:00"}))
    assert live.read(tmp_path)["state"] == "stale"


class _Bad:
    """An observer that fails in one event, and remembers them all."""

    def __init__(self, event: str, fault) -> None:
        self.event, self.fault, self.seen = event, fault, []

    def __getattr__(self, name: str):
        def hear(*content) -> None:
            self.seen.append(name)
            if name == self.event:
                self.fault()

        return hear


def _live_through(aside: Aside) -> None:
    job = _job()
    aside.begin([(job, 1.0)])
    aside.started(job)
    for step in range(20):
        aside.advanced(job, _news(step))
    aside.ended(job, ["ok"], "")
    aside.close()


def _raise() -> None:
    raise OSError(28, "No space left on device", "/full")


@pytest.mark.parametrize("event", ["begin", "advanced", "close"])
def test_what_an_observer_raises_is_said_once_and_switches_it_off(event: str, capsys) -> None:
    bad = _Bad(event, _raise)
    _live_through(Aside("the live state", bad))
    said = capsys.readouterr().err
    assert said == "the live state: /full: No space left on device; it is switched off, the run goes on\n"
    assert bad.seen.count(event) == 1
    assert bad.seen[-1] == "close"  # so that it may put its things away


def test_an_observer_that_ends_the_thread_is_an_error_like_any_other(capsys) -> None:
    _live_through(Aside("mine", _Bad("started", lambda: sys.exit(3))))
    assert "SystemExit: 3" in capsys.readouterr().err


def test_an_observer_that_hangs_holds_up_nothing(capsys) -> None:
    began = time.monotonic()
    _live_through(Aside("mine", _Bad("advanced", lambda: time.sleep(60)), patience=0.2))
    assert time.monotonic() - began < 10
    assert capsys.readouterr().err == "mine: did not end within 0.2 s and is left behind\n"


def _started(tmp_path: Path, *options: str) -> subprocess.Popen:
    """A run in a process group of its own that hears Ctrl-C, however the tests were started."""
    code = "import os, signal, sys; signal.signal(2, signal.SIG_DFL); os.execv(sys.executable, sys.argv[1:])"
    command = [sys.executable, "-c", code, sys.executable, "-m", "ganbench", "run", *options]
    return subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)


def _wait_for(results: Path, wanted) -> dict:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        state = live.read(results)
        if state is not None and wanted(state):
            return state
        time.sleep(0.05)
    raise AssertionError("no such state in 60 s")


def _curves(state: dict) -> bool:
    return any(one.get("curves") for one in state["running"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_shows_its_state_until_it_is_ended(tmp_path: Path, number: int) -> None:
    (tmp_path / "long.yaml").write_text(LONG)
    results = tmp_path / "results"
    process = _started(tmp_path, "--suite", "long.yaml", "--jobs", "1")
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
        _wait_for(results, lambda now: now["state"] == "stale")  # not even waited for
    process.communicate(timeout=90)
    if number == signal.SIGKILL:
        assert live.read(results)["state"] == "stale"
    else:
        assert not list(results.glob(".live*"))


def test_a_live_state_that_cannot_be_written_is_said_once_and_costs_nothing(cli, tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text(LONG.replace("400000", "2").replace("seeds: 2", "seeds: 1"))
    (tmp_path / "results" / f"{live.NAME}.new").mkdir(parents=True)  # what a file cannot be written over
    done = cli("run", "--suite", "short.yaml", "--jobs", "1")
    assert done.code == 0, done.err
    assert done.err.count("the live state: ") == 1
    assert "switched off, the run goes on" in done.err
    assert "| minimax x mlp" in done.out
