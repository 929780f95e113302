"""Nothing stays behind: workers that hang and hold the interpreter, their children, and parents that are killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Cli
from running import fork_run, read_records, start_run
from warm import Warm

from ganbench.results import live

SUITE = """
losses: [%s]
architectures: [mlp]
datasets: [ring8]
seeds: 1
train: {steps: 100, batch: 16, lr: 2e-3, engine: eager}
evaluation: {samples: 500, real_samples: 500}
plugins: [hangs.py]
"""
PLUGIN = '''
import ctypes, os, pathlib, signal, time
import torch
from ganbench import hookimpl
from ganbench_losses.nonsaturating import NonSaturating


class Base(NonSaturating):
    """Non-saturating, until step 10."""

    def memory(self, params): return {"moves": torch.zeros(())}

    def remember(self, critic): return {"moves": critic.memory["moves"] + 1}

    def g_loss(self, critic):
        if critic.memory["moves"].item() == 11:
            self.fault()
        return super().g_loss(critic)


def with_child():
    """A process that holds whatever the worker has open; its number is in the file `child`."""
    number = os.fork()
    if number == 0:
        time.sleep(600)
        os._exit(0)
    pathlib.Path("worker").write_text(str(os.getpid()))
    pathlib.Path("new").write_text(str(number))
    pathlib.Path("new").rename("child")


class Hangs(Base):
    """Waits in C and holds the interpreter, so that no signal handler and no thread runs."""

    def fault(self):
        with_child()
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
        ctypes.PyDLL(None).sleep(600)


class Dies(Base):
    """Leaves a child that holds its connection."""

    def fault(self):
        with_child()
        os.kill(os.getpid(), signal.SIGKILL)


class Slow(Base):
    """A block of 50 steps takes longer than a worker that hangs is given."""

    def fault(self): pathlib.Path("child").write_text("0")

    def g_loss(self, critic):
        time.sleep(0.25)
        return super().g_loss(critic)


@hookimpl
def register_losses():
    return {kind.__name__.lower(): kind for kind in (Hangs, Dies, Slow)}
'''
LIMIT_S = 10.0


def _write(folder: Path, losses: str) -> None:
    (folder / "hangs.py").write_text(PLUGIN)
    (folder / "hangs.yaml").write_text(SUITE % losses)


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds:g} s"
        time.sleep(0.05)


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _training(results: Path) -> bool:
    state = live.read(results)
    return state is not None and any(one.get("step") for one in state["running"])


def _below(pid: int) -> set[int]:
    """The processes that a process has started, and those that these have."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found |= {int(path.parent.name)} | _below(int(path.parent.name))
        except OSError:
            continue
    return found


def _at(folder: Path) -> set[int]:
    """The processes that were started in a folder, and those that these have started."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if path.readlink() == folder:
                found.add(int(path.parent.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("signals", "code"),
    [
        ([signal.SIGKILL], -signal.SIGKILL),
        ([signal.SIGTERM], 143),
        ([signal.SIGINT, signal.SIGINT], 130),
    ],
    ids=["killed", "terminated", "interrupted twice"],
)
def test_everything_is_gone_in_ten_seconds_although_a_loss_hangs(
    warm: Warm, tmp_path: Path, signals: list[signal.Signals], code: int
) -> None:
    _write(tmp_path, "hangs")
    process = fork_run(warm, tmp_path, "--suite", "hangs.yaml", "--jobs", "1")
    _wait(lambda: (tmp_path / "child").exists(), 240)
    started = _at(tmp_path) - {process.pid}
    assert {int((tmp_path / name).read_text()) for name in ("worker", "child")} <= started
    assert len(started) == 3  # and the guard
    began = time.monotonic()
    for number in signals:
        os.kill(process.pid, number)
        time.sleep(0.5)
    assert process.wait(LIMIT_S) == code
    _wait(lambda: all(map(_gone, started)), LIMIT_S - (time.monotonic() - began))
    if len(signals) > 1:
        assert time.monotonic() - began < 5
    assert "Traceback" not in (tmp_path / "stderr").read_text()
    assert (live.read(tmp_path / "results") is None) == (signals != [signal.SIGKILL])


def test_the_child_of_a_dead_worker_ends_with_it_and_holds_up_nothing(cli: Cli, tmp_path: Path) -> None:
    _write(tmp_path, "dies, nonsaturating")
    done = cli("run", "--suite", "hangs.yaml", "--jobs", 1)
    assert done.code == 1
    assert _gone(int((tmp_path / "child").read_text()))
    found = {one["spec"]["loss"][0]["name"]: one for one in read_records(tmp_path / "results").values()}
    assert "killed by SIGKILL" in found["dies"]["reason"]
    assert found["nonsaturating"]["status"] == "ok"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_whose_parent_is_killed_save_their_state_and_leave(tmp_path: Path) -> None:
    _write(tmp_path, "nonsaturating")
    suite = tmp_path / "hangs.yaml"
    suite.write_text(suite.read_text().replace("steps: 100", "steps: 400000"))
    process = start_run(tmp_path, "--suite", "hangs.yaml", "--jobs", "1")
    _wait(lambda: _training(tmp_path / "results"), 240)
    started = _below(process.pid)
    process.kill()
    process.wait()
    _wait(lambda: all(map(_gone, started)), LIMIT_S)
    assert len(list(tmp_path.glob("results/.checkpoints/*/*.safetensors"))) == 1


@pytest.mark.slow
def test_a_slow_block_is_waited_for_and_its_state_saved(tmp_path: Path) -> None:
    _write(tmp_path, "slow")
    process = start_run(tmp_path, "--suite", "hangs.yaml", "--jobs", "1")
    _wait(lambda: (tmp_path / "child").exists(), 240)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert process.wait(60) == 143
    assert time.monotonic() - began > LIMIT_S - 3
    assert [path.name.partition("-")[0] for path in tmp_path.glob("results/.checkpoints/*/*")] == ["000000050"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_guard_that_was_killed_is_started_again_for_the_next_worker(tmp_path: Path) -> None:
    from ganbench.runner.guard import Guard

    guard, me = Guard(), os.getpid()
    before = _below(me)
    sleeper = 1 << 30  # no process has this number
    guard.watch(sleeper)
    (first,) = _below(me) - before
    os.kill(first, signal.SIGKILL)
    _wait(lambda: _gone(first), 5)
    guard.watch(sleeper + 1)
    (second,) = _below(me) - before
    assert second != first
    guard.forget(sleeper)
    guard.forget(sleeper + 1)
    assert _below(me) <= before
