"""Compiling ahead: how many processes, what they are given, and that no result depends on them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from conftest import Cli

from ganbench.engine.devices import missing_compiler
from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.results.store import Store
from ganbench.runner import scheduler
from ganbench.runner.ahead import Ahead, processes
from ganbench.runner.jobs import Job
from ganbench.runner.places import CPU, Place, Places
from ganbench.runner.worker_process import WorkerSettings
from ganbench.suite.expand import expand
from ganbench.suite.load import load

CARDS = tuple(Place(f"cuda:{index}", "cuda", is_card=True) for index in range(2))
SUITE = """
losses: [minimax, nonsaturating]
architectures: [{mlp: {width: 8, depth: 1}}]
datasets: [ring8]
seeds: 2
train: {steps: 60, batch: 32, lr: 2e-3}
evaluation: {samples: 500, real_samples: 500, metrics: [sliced-wasserstein]}
"""
BROKEN = """
import os
from ganbench import hookimpl
from ganbench_architectures.mlp import Mlp

class Broken(Mlp):
    def generator(self, shape):
        if os.environ.get("BROKEN"):
            raise ValueError("not today")
        return super().generator(shape)

@hookimpl
def register_architectures():
    return {"broken": Broken}
"""


@pytest.mark.parametrize(
    ("places", "workers", "cores", "setting", "wanted"),
    [
        ((CPU,), 2, 2, "", 0),
        ((CPU,), 2, 64, "", 0),  # every core trains
        ((CPU,), 2, 2, "1", 1),
        (CARDS[:1], 4, 16, "", 4),
        (CARDS[:1], 2, 4, "", 2),
        (CARDS, 8, 8, "", 0),
        (CARDS, 9, 8, "", 0),
        (CARDS, 4, 16, "0", 0),
        (CARDS, 4, 16, "7", 7),
    ],
)
def test_how_many_processes(places: tuple[Place, ...], workers: int, cores: int, setting: str, wanted: int) -> None:
    assert processes(Places(places, workers), cores, {"GANBENCH_AHEAD": setting}) == wanted


@pytest.mark.parametrize("setting", ["many", "-1", "1.5"])
def test_a_number_that_is_none_is_refused(setting: str) -> None:
    with pytest.raises(UsageError, match="GANBENCH_AHEAD"):
        processes(Places((CPU,), 2), 2, {"GANBENCH_AHEAD": setting})


def _jobs(tmp_path: Path, registry: Registry) -> list[Job]:
    plan = expand(load(tmp_path / "suite.yaml"), registry)
    return scheduler.todo(plan, Store(tmp_path / "results")).jobs


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_what_fails_is_counted_and_what_is_not_compiled_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SUITE.replace("architectures: [", "architectures: [broken, ").replace(
        "[minimax, nonsaturating]", "[minimax]"
    )
    (tmp_path / "suite.yaml").write_text(f"{text}plugins: [broken.py]\n")
    (tmp_path / "broken.py").write_text(BROKEN)
    registry = Registry.load([tmp_path / "broken.py"])
    jobs = _jobs(tmp_path, registry)
    monkeypatch.setenv("BROKEN", "1")
    settings = WorkerSettings(tmp_path / "staging", tmp_path / "checkpoints", 60)
    ahead = Ahead(Places((CPU,), 1), settings, registry, count=1)
    started = set()
    try:
        deadline = time.monotonic() + 360
        while ahead.done + len(ahead.failures) < 2:
            assert time.monotonic() < deadline, (ahead.done, ahead.failures)
            ahead.look(jobs)
            assert len(ahead.workers) <= 1
            started |= {vars(one.process)["pid"] for one in ahead.workers}
            time.sleep(0.05)
        ahead.look(jobs)
        assert ahead.workers == []  # nothing is left to do
        assert started
    finally:
        ahead.stop()
    assert ahead.done == 1  # 60 steps are too few to compile
    assert ["not today" in text for text in ahead.failures] == [True]
    assert all(_gone(pid) for pid in started)
    assert list(tmp_path.glob("staging/*")) == []


def _trained(results: Path) -> dict[str, tuple[bytes, float]]:
    """The weights of every run, and the seconds until its program was ready."""
    found = {}
    for path in results.glob("runs/*/record.json"):
        record = json.loads(path.read_text())
        assert record["status"] == "ok", record
        assert record["provenance"]["path"] == "compiled"
        weights = (path.parent / "weights.safetensors").read_bytes()
        found[path.parent.name] = (weights, record["provenance"]["prepare_seconds"])
    return found


@pytest.mark.slow
@pytest.mark.skipif(missing_compiler() is not None, reason=f"compiles: {missing_compiler()}")
def test_no_bit_depends_on_what_was_compiled_ahead(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE.replace("steps: 60", "steps: 3000"))
    trained = {}
    for count in ("0", "1"):
        cache = str(tmp_path / f"cache{count}")
        own = {"GANBENCH_AHEAD": count, "GANBENCH_CACHE": cache, "TORCHINDUCTOR_CACHE_DIR": f"{cache}/programs"}
        done = cli("run", "--suite", "suite.yaml", "--jobs", "1", "--results", f"results{count}", timeout=900, **own)
        assert done.code == 0, done.err
        trained[count] = _trained(tmp_path / f"results{count}")
        assert len(list((tmp_path / f"cache{count}" / "programs" / "kept").glob("*.zip"))) >= 3
    assert trained["0"].keys() == trained["1"].keys()
    assert len(trained["0"]) == 4
    assert all(trained["0"][one][0] == trained["1"][one][0] for one in trained["0"])
