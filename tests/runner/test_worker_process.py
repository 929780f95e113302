"""Worker processes: started as a module of ganbench, gone when their parent is."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganbench.runner.channel import Channel
from ganbench.runner.stopping import QUIET_TIMEOUT_S, stop_all
from ganbench.runner.worker_process import Leader, WorkerProcess

SUITE = """
losses: [minimax]
architectures: [mlp]
datasets: [ring8]
seeds: 2
train: {steps: 60, batch: 32, lr: 2e-3}
evaluation: {samples: 1000, real_samples: 1000}
"""
SCRIPT = """
import sys
from pathlib import Path

from ganbench.registry.registry import Registry
from ganbench.results.store import Store
from ganbench.runner import scheduler
from ganbench.runner.events import RunRecorded
from ganbench.runner.local import LocalExecutor
from ganbench.runner.places import Places
from ganbench.runner.worker_process import WorkerSettings
from ganbench.suite.expand import expand
from ganbench.suite.load import load

print("the script is run")
folder = Path(__file__).parent
registry, store = Registry.load(), Store(folder / "results")
with store.writing():
    jobs = scheduler.todo(expand(load(folder / "small.yaml"), registry), store).jobs
    settings = WorkerSettings(store.staging, scheduler.checkpoints(store).root, 60)


    def show(event):
        if isinstance(event, RunRecorded):
            print(event.record.status)


    executor = LocalExecutor(Places.one("cpu"), settings, registry, None)
    scheduler.run([(job, 1.0) for job in jobs[:1]], store, executor, show)
"""


API_SCRIPT = """
from pathlib import Path

import ganbench

print("the script is run")
folder = Path(__file__).parent
results = ganbench.run(folder / "small.yaml", results=folder / "results", jobs=1)
print(*(run["status"] for run in results.runs().to_dicts()), sep="\\n")
"""


@pytest.mark.parametrize(
    "script", [pytest.param(SCRIPT, id="runner", marks=pytest.mark.slow), pytest.param(API_SCRIPT, id="API")]
)
def test_a_script_without_a_guard_trains_and_is_run_once(tmp_path: Path, script: str) -> None:
    (tmp_path / "small.yaml").write_text(SUITE)
    (tmp_path / "script.py").write_text(script)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("torch", "signal"):  # nothing is imported from the current folder
        (elsewhere / f"{name}.py").write_text("raise ImportError('from the current folder')")
    command = [sys.executable, str(tmp_path / "script.py")]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, encoding="utf-8", timeout=360)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == ["the script is run", "ok", "ok", ""]


def test_an_idle_worker_that_does_not_leave_is_killed_without_waiting_for_a_state_to_save() -> None:
    ours, theirs = Channel.pair()
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    process = Leader([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout
    process.stdout.readline()
    began = time.monotonic()
    stop_all([WorkerProcess(process, ours)], lambda event: None)
    assert process.returncode == -signal.SIGKILL
    assert time.monotonic() - began < QUIET_TIMEOUT_S + 2
    theirs.close()
