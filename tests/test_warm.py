"""Forked processes are what fresh ones would be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from warm import Warm, Worker

from ganbench.runner.events import WorkerReady
from ganbench.runner.places import CPU
from ganbench.runner.worker_process import WorkerProcess, WorkerSettings, kill_all

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")

STATE = """
import json, os, signal, sys, threading
own = [name for name in sys.modules if name.startswith("ganbench_")]
print(json.dumps([
    os.getcwd(), dict(os.environ), sys.argv, sys.path, sys.stdin.read(), sys.flags.dont_write_bytecode, own,
    [str(signal.getsignal(number)) for number in (2, 15, 17)], threading.active_count(), __name__,
    sorted(name for name in os.listdir("/proc/self/fd") if int(name) < 3),
]))
print("to stderr", file=sys.stderr)
sys.exit(7)
"""


@pytest.mark.parametrize("how", ["-c", "-m"])
def test_a_forked_process_is_as_a_fresh_one(warm: Warm, tmp_path: Path, how: str) -> None:
    (tmp_path / "state.py").write_text(STATE)
    asked = ["-c", STATE] if how == "-c" else ["-m", "state", "a", "b"]
    variables = {**os.environ, "GANBENCH_MARK": "here"}
    fresh = subprocess.run(
        [sys.executable, *asked], cwd=tmp_path, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    code, out, err = warm.run(asked, variables, tmp_path, 60)
    assert (code, err) == (fresh.returncode, fresh.stderr) == (7, "to stderr\n")
    assert json.loads(out) == json.loads(fresh.stdout)


ENDS = (
    "pass", "raise ValueError('so')", "import sys; sys.exit('so')", "import sys; sys.exit(260)",
    "import atexit, sys; atexit.register(print, 'at the end'); sys.exit(None)",
    "import threading, time; threading.Thread(target=lambda: [time.sleep(0.1), print('so')]).start()",
)  # fmt: skip


def test_how_a_forked_process_ended_is_known(warm: Warm, tmp_path: Path) -> None:
    for code in ENDS:
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
        found = warm.run(["-c", code], os.environ, tmp_path, 60)
        assert found[:2] == (done.returncode, done.stdout)
        assert found[2].splitlines()[-1:] == done.stderr.splitlines()[-1:]
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert warm.run(["-c", code], os.environ, tmp_path, 60) == (-signal.SIGKILL, "", "")
    with pytest.raises(subprocess.TimeoutExpired):
        warm.run(["-c", "import time; time.sleep(600)"], os.environ, tmp_path, 0.2)


START = """
from pathlib import Path
from ganbench.runner.places import CPU
from ganbench.runner.worker_process import WorkerProcess, WorkerSettings, kill_all

worker = WorkerProcess.start(WorkerSettings(Path("staging"), Path("checkpoints"), 60), CPU)
print(type(worker.process).__name__, worker.channel.receive())
kill_all([worker])
print(worker.process.returncode)
"""


def test_the_workers_of_runs_are_forked(warm: Warm, tmp_path: Path) -> None:
    """Those of runs in this process, and of runs in forked ones; otherwise each takes seconds to start."""
    worker = WorkerProcess.start(WorkerSettings(tmp_path, tmp_path, 60), CPU)
    assert isinstance(worker.process, Worker)
    assert worker.channel.receive() == WorkerReady()
    assert os.getsid(worker.process.pid) == worker.process.pid
    kill_all([worker])
    assert worker.process.returncode == -signal.SIGKILL
    assert warm.run(["-c", START], os.environ, tmp_path, 60) == (0, "Worker WorkerReady()\n-9\n", "")
