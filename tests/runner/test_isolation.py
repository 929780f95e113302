"""No cell can change another: plugins that change their process, beside a shipped loss whose record stays the same."""

from __future__ import annotations

import builtins
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Cli, Ran
from running import read_records

import ganbench.evaluation.evaluator
from ganbench.engine import tensor_cache
from ganbench.evaluation.evaluator import Evaluator
from ganbench.runner.process_flags import flushes_denormals
from ganbench.runner.process_state import ProcessState

SUITE = """
losses: [%s]
architectures: [mlp]
datasets: [ring8]
seeds: 1
train: {steps: 60, batch: 32, lr: 2e-3}
evaluation: {samples: 500, real_samples: 500}
"""
LOSS = """
import torch
from torch.nn.functional import softplus
from ganbench import hookimpl

class Base:
    "Non-saturating."
    def d_loss(self, critic): return softplus(-critic.real).mean() + softplus(critic.fake).mean()
    def g_loss(self, critic): return softplus(-critic.fake).mean()

class At40(Base):
    "The same, and something else at step 40."
    def memory(self, params): return {"moves": torch.zeros(())}
    def remember(self, critic): return {"moves": critic.memory["moves"] + 1}
    def d_loss(self, critic):
        if critic.memory["moves"].item() == 40:
            self.spoil()
        return super().d_loss(critic)
"""
AT_IMPORT = (
    """
import os, random, signal, sys, warnings
import numpy, torch
old = torch.nn.functional.softplus
torch.nn.functional.softplus = lambda x, *rest: 2 * old(x, *rest)
where = torch.where  # the modes of the real samples, which are cached on disk
torch.where = lambda *parts: torch.full_like(parts[1], -1) if str(parts[2:]) == "(-1,)" else where(*parts)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(2)
torch.set_flush_denormal(False)
os.environ["OMP_NUM_THREADS"] = os.environ["NVIDIA_TF32_OVERRIDE"] = "3"
sys.path.insert(0, "/nowhere")
os.chdir("/")
random.seed(7), numpy.random.seed(7), torch.manual_seed(7)
warnings.simplefilter("error")
"""
    + LOSS
    + """
@hookimpl
def register_losses(): return {"at-import": Base}
"""
)
IN_A_STEP = (
    LOSS
    + """
import os, random, signal, sys
import numpy, torch

class Spoils(At40):
    def spoil(self):
        old = torch.nn.functional.softplus
        torch.nn.functional.softplus = lambda x, *rest: 2 * old(x, *rest)
        torch.Tensor.mean = torch.Tensor.sum
        forward = torch.nn.Linear.forward
        torch.nn.Linear.forward = lambda self, x: 1.1 * forward(self, x)
        torch.backends.cudnn.benchmark = True
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(2)
        os.environ["SPOILT"] = "1"
        sys.path.insert(0, "/nowhere")
        os.chdir("/")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        numpy.seterr(all="raise")
        import ganbench.evaluation.evaluator
        ganbench.evaluation.evaluator.subsample = lambda data, count, purpose: data

@hookimpl
def register_losses(): return {"in-a-step": Spoils, "same-file": Base}
"""
)
INSTALLED = (
    LOSS
    + """
import torch

class Doubles(At40):
    def spoil(self): torch.nn.functional.softplus = lambda x: 2 * softplus(x)

@hookimpl
def register_losses(): return {"doubles": Doubles, "single": Base}
"""
)


def _results(results: Path, loss: str) -> dict[str, Any]:
    """What a loss's run and the references gave: all scores, and the bits of the files of the training."""
    (rows,) = (json.loads(path.read_text()) for path in results.glob("*/table.json"))
    own = [row for row in rows if row["kind"] == "reference" or row["loss"] == loss]
    found: dict[str, Any] = {str((row["kind"], row["loss"])): (row["scores"], row["verdict"]) for row in own}
    assert len(found) == 4
    for run_id, record in read_records(results).items():
        if record["spec"]["loss"][0]["name"] == loss:
            found |= {"id": run_id, "status": record["status"], "diagnosis": record["diagnosis"]}
            for name in ("history.csv", "weights.safetensors", "samples.png"):
                found[name] = hashlib.sha256((results / "runs" / run_id / name).read_bytes()).hexdigest()
    return found


class Runs:
    """Runs of losses in one folder, each with results and a cache of its own, one worker process at a time."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        self.cli, self.folder = cli, folder

    def __call__(self, name: str, losses: str, *options: object, **environment: str) -> Ran:
        (self.folder / f"{name}.yaml").write_text(SUITE % losses)
        own = {"GANBENCH_CACHE": str(self.folder / f"cache-{name}"), **environment}
        done = self.cli("run", "--suite", f"{name}.yaml", "--results", name, "--jobs", "1", *options, **own)
        assert done.code == 0, done.err
        return done

    def results(self, name: str, loss: str) -> dict[str, Any]:
        return _results(self.folder / name, loss)


@pytest.fixture
def runs(cli: Cli, tmp_path: Path) -> Runs:
    return Runs(cli, tmp_path)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the shipped loss and the references give when no other plugin is there."""
    folder = tmp_path_factory.mktemp("alone")

    def run(*arguments: object, **environment: str) -> Ran:
        command = [sys.executable, "-m", "ganbench", *map(str, arguments)]
        env = {**os.environ, **environment}
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=240, env=env)
        return Ran(done.returncode, done.stdout, done.stderr)

    runs = Runs(run, folder)
    runs("alone", "nonsaturating")
    return runs.results("alone", "nonsaturating")


@pytest.mark.slow
def test_plugin_files_that_change_their_process_change_no_other_cell(
    runs: Runs, alone: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "at_import.py").write_text(AT_IMPORT)
    (tmp_path / "in_a_step.py").write_text(IN_A_STEP)
    files = ("--plugin", "at_import.py", "--plugin", "in_a_step.py")
    done = runs("beside", "at-import, in-a-step, same-file, nonsaturating", *files)
    assert runs.results("beside", "nonsaturating") == alone
    assert runs.results("beside", "same-file")["weights.safetensors"] == alone["weights.safetensors"]
    notes = {line.split(" changed ")[0]: line for line in done.err.splitlines() if line.startswith("note: ")}
    assert set(notes) == {"note: at-import x mlp x ring8", "note: in-a-step x mlp x ring8"}
    assert (
        " changed torch.where, torch.nn.functional.softplus for its whole process;"
        in notes["note: at-import x mlp x ring8"]
    )
    assert notes["note: in-a-step x mlp x ring8"].endswith(
        "more for its whole process; its worker was replaced for the other cells"
    )


@pytest.mark.slow
def test_an_installed_plugin_that_changes_torch_changes_no_other_cell_of_any_distribution(
    runs: Runs, alone: dict[str, Any], tmp_path: Path
) -> None:
    place = tmp_path / "installed"
    info = place / "gb_doubles-1.0.dist-info"
    info.mkdir(parents=True)
    (place / "gb_doubles.py").write_text(INSTALLED)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gb-doubles\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ganbench]\nlosses = gb_doubles\n")
    path = os.pathsep.join([str(place), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = runs("beside", "doubles, single, nonsaturating", PYTHONPATH=path)
    assert runs.results("beside", "nonsaturating") == alone
    single = runs.results("beside", "single")
    assert single["weights.safetensors"] == alone["weights.safetensors"]
    assert "note: doubles x mlp x ring8 changed torch.nn.functional.softplus for its whole process" in done.err
    assert done.err.count("note: ") == 1


@pytest.mark.slow
def test_a_replay_of_a_shipped_loss_does_not_load_the_plugin_files_that_are_named(
    runs: Runs, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "at_import.py").write_text(AT_IMPORT)
    runs("both", "at-import, nonsaturating", "--plugin", "at_import.py")
    run_id = runs.results("both", "nonsaturating")["id"]
    done = cli("replay", run_id, "--results", "both", "--plugin", "at_import.py")
    assert (done.code, "bit-identical" in done.out) == (0, True), done.out
    assert "note: " not in done.err


@pytest.fixture
def _restored() -> Iterator[None]:
    """This process's settings are put back after the test."""
    state, path, variables, folder = ProcessState(), list(sys.path), dict(os.environ), Path.cwd()
    handler = signal.getsignal(signal.SIGTERM)
    yield
    state.begin()
    sys.path[:] = path
    os.chdir(folder)
    signal.signal(signal.SIGTERM, handler)
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]


SETTINGS: dict[str, Callable[[], object]] = {
    "the default dtype": lambda: torch.set_default_dtype(torch.float64),
    "the default device": lambda: torch.set_default_device("meta"),
    "the number of threads": lambda: torch.set_num_threads(3),
    "the flushing of denormal numbers": lambda: torch.set_flush_denormal(not flushes_denormals()),
    "deterministic algorithms": lambda: torch.use_deterministic_algorithms(True),
    "gradient mode": lambda: torch._C._set_grad_enabled(False),
    "anomaly detection": lambda: torch.autograd.set_detect_anomaly(True),
    "autocast on cpu": lambda: torch.set_autocast_enabled("cpu", True),
    "cuDNN's choice of algorithms": lambda: setattr(torch.backends.cudnn, "benchmark", True),
    "cuDNN's determinism": lambda: setattr(torch.backends.cudnn, "deterministic", True),
    "oneDNN": lambda: setattr(torch.backends.mkldnn, "enabled", False),
    "numpy's handling of errors": lambda: np.seterr(all="raise"),
    "the environment variable SPOILT": lambda: os.environ.__setitem__("SPOILT", "1"),
    "sys.path": lambda: sys.path.insert(0, "/nowhere"),
    "the current folder": lambda: os.chdir("/"),
    "the handler of SIGTERM": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
}


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_is_changed_is_named_and_set_again_for_the_next_job(name: str) -> None:
    state = ProcessState()
    state.begin()
    assert state.changes() == []
    SETTINGS[name]()
    assert name in state.changes()
    state.begin()
    assert state.changes() == []


@pytest.mark.parametrize(
    ("owner", "attribute", "name"),
    [
        (torch, "randn", "torch.randn"),
        (torch.nn.functional, "softplus", "torch.nn.functional.softplus"),
        (torch.special, "expit", "torch.special.expit"),
        (torch.linalg, "norm", "torch.linalg.norm"),
        (torch.Tensor, "relu", "torch.Tensor.relu"),
        (torch.Tensor, "__add__", "torch.Tensor.__add__"),
        (torch.nn.Linear, "forward", "torch.nn.Linear.forward"),
        (np, "mean", "numpy.mean"),
        (np.random, "default_rng", "numpy.random.default_rng"),
        (builtins, "sum", "builtins.sum"),
        (ganbench.evaluation.evaluator, "subsample", "ganbench.evaluation.evaluator.subsample"),
        (Evaluator, "features", "ganbench.evaluation.evaluator.Evaluator.features"),
    ],
)
def test_a_function_that_is_replaced_is_named(
    owner: object, attribute: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = ProcessState()
    monkeypatch.setattr(owner, attribute, lambda *_: None)
    found = state.changes()
    monkeypatch.undo()
    assert found == [name]
    assert state.changes() == []


@pytest.mark.slow
def test_what_torch_itself_replaces_when_it_compiles_is_no_change() -> None:
    code = (
        "import torch; from ganbench.runner.process_state import ProcessState; state = ProcessState(); state.begin(); "
        "torch.compile(lambda x: x.sin().sum())(torch.ones(3)); print(state.changes())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=240)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_global_random_states_are_the_same_for_every_job() -> None:
    state, drawn = ProcessState(), []
    for _ in range(2):
        state.begin()
        drawn.append((random.random(), float(np.random.rand()), float(torch.rand(()))))
    assert drawn[0] == drawn[1]


def test_a_changed_process_reads_the_cache_and_never_fills_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    changes = ["torch.where"]
    with tensor_cache.filled_if(lambda: not changes):
        assert float(tensor_cache.cached("x", lambda: {"a": torch.tensor(1.0)})["a"]) == 1.0
        changes.clear()
        assert float(tensor_cache.cached("x", lambda: {"a": torch.tensor(2.0)})["a"]) == 2.0
        changes.append("torch.where")
        assert float(tensor_cache.cached("x", lambda: {"a": torch.tensor(3.0)})["a"]) == 2.0
