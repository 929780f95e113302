"""Runs on a Ray cluster of three nodes: the records of a local run, nodes and drivers that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from running import Content, read_records, start_run

REQUIRED = os.environ.get("GANBENCH_RAY") == "required"
"""In CI the extra is installed, and these tests may not be skipped."""
if not REQUIRED and find_spec("ray") is None:
    pytest.skip("the extra ray is not installed: pip install -e '.[ray]'", allow_module_level=True)
pytestmark = pytest.mark.slow

SUITE = """
losses: [minimax, nonsaturating, hinge]
architectures: [mlp]
datasets: [ring8]
seeds: 1
train: {steps: 2000, batch: 16, lr: 2e-3, engine: eager}
evaluation: {samples: 500, real_samples: 500}
"""
TRAINED = 3
FAKE_GPUS = """
import sys

import ganbench
from ganbench.runner.cluster import nodes
from ganbench.runner.cluster.connection import Demand

nodes.demand_of = lambda asked, connection: Demand("cpu", gpus=1)  # one GPU for each cell, which none can use
ganbench.run("small.yaml", results="r", executor=sys.argv[1], progress=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SUITE)
    return tmp_path


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Content]:
    """The records of a run on this machine."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "small.yaml").write_text(SUITE)
    command = [sys.executable, "-m", "ganbench", "run", "--suite", "small.yaml", "--results", "r", "--device", "cpu"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
    return _comparable(folder)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head and two further nodes, each with one CPU and one GPU that is none."""
    from ray.cluster_utils import Cluster

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    before = dict(os.environ)
    os.environ["RAY_AUTH_MODE"] = "disabled"
    each = {"num_cpus": 1, "num_gpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20}
    made = Cluster(initialize_head=True, head_node_args=each)
    try:
        for _ in range(2):
            made.add_node(**each)
        yield made
    finally:
        made.shutdown()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.environ.clear()
        os.environ.update(before)


def _comparable(folder: Path) -> dict[str, Content]:
    """The records of runs without what the same run does not repeat: its cost, and when and where it was made."""
    records = read_records(folder / "r")
    for record in records.values():
        for key in ("cost", "provenance", "scored_by", "seal"):
            record.pop(key, None)
    return records


def _start(folder: Path, executor: str, *options: str) -> subprocess.Popen[str]:
    return start_run(
        folder, "--suite", "small.yaml", "--results", "r", "--executor", executor, "--checkpoint", "0", *options
    )


def _until(condition: Callable[[], bool], run: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 240
    while not condition():
        assert run.poll() is None, run.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.1)


def _states(folder: Path) -> set[str]:
    """The runs whose state has come to the driver."""
    return {path.parent.name for path in (folder / "r" / ".checkpoints").glob("*/*.safetensors")}


def _workers_of(folder: Path) -> list[int]:
    """The processes that train in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            trains = b"ganbench.runner.worker_main" in (path / "cmdline").read_bytes()
            if trains and (path / "cwd").resolve() == folder.resolve():
                found.append(int(path.name))
        except OSError:  # it has ended
            continue
    return found


def test_a_node_that_is_killed_costs_nothing(folder: Path, cluster: Any, expected: dict[str, Content]) -> None:
    run = _start(folder, f"ray:{cluster.address}", "--device", "cpu")
    _until(lambda: len(_states(folder)) == TRAINED, run)  # all three train, one on each node
    cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
    errors = run.communicate(timeout=400)[1]
    assert run.returncode == 0, errors
    assert "trying it again elsewhere" in errors
    assert _comparable(folder) == expected
    assert not list((folder / "r" / ".checkpoints").glob("*/*.safetensors"))
    assert not _workers_of(folder)


def test_a_driver_that_is_killed_goes_on_where_it_was(folder: Path, cluster: Any, expected: dict[str, Content]) -> None:
    run = _start(folder, f"ray:{cluster.address}", "--device", "cpu")
    _until(lambda: len(_states(folder)) == TRAINED, run)
    run.kill()
    run.communicate()
    until = time.monotonic() + 60
    while _workers_of(folder):
        assert time.monotonic() < until, "cells of a driver that is gone still train"
        time.sleep(0.5)
    again = _start(folder, f"ray:{cluster.address}", "--device", "cpu")
    errors = again.communicate(timeout=400)[1]
    assert again.returncode == 0, errors
    assert f"{TRAINED} go on from a checkpoint" in errors
    assert _comparable(folder) == expected


def test_every_cell_gets_a_gpu_of_its_own(folder: Path, cluster: Any, expected: dict[str, Content]) -> None:
    (folder / "script.py").write_text(FAKE_GPUS)
    command = [sys.executable, "script.py", f"ray:{cluster.address}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    assert "3 nodes, up to 3 cells at once, each with 1 CPU and 1 GPU" in done.stderr
    assert _comparable(folder) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupt_ends_everything(folder: Path, number: signal.Signals) -> None:
    temporary = folder / "tmp"
    temporary.mkdir()
    os.environ["TMPDIR"] = str(temporary)
    try:
        run = _start(folder, "ray", "--device", "cpu", "--jobs", "2")
    finally:
        del os.environ["TMPDIR"]
    _until(lambda: len(_states(folder)) >= 2, run)
    began = time.monotonic()
    run.send_signal(number)
    errors = run.communicate(timeout=60)[1]
    assert run.returncode == 128 + number, errors
    assert time.monotonic() - began < 20, "10 s on a machine that does nothing else"
    assert not _workers_of(folder)
    assert not list(temporary.glob("ganbench-cell-*"))


def test_a_gpu_that_no_node_has_is_refused_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    run = _start(folder, "ray", "--device", "cuda")
    errors = run.communicate(timeout=120)[1]
    assert run.returncode == 3, errors
    assert "each cell asks for 1 CPU and 1 GPU, which no node of the Ray cluster of this machine has" in errors
    assert "Traceback" not in errors
