"""Shared by all tests: one thread, caches in a temporary folder, the command line as a function."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from fabricate import NASTY, Made, fabricate
from filelock import FileLock
from hypothesis import settings
from warm import Warm

import ganbench as gb
from ganbench.registry.registry import Registry
from ganbench.stop_signals import STOP_SIGNALS

pytest_plugins = ["visits"]
torch.set_num_threads(1)
# property tests: few examples, always the same ones
settings.register_profile("ganbench", max_examples=50, deadline=None, derandomize=True)
settings.load_profile("ganbench")
# compiled programs are shared by all test processes, and kept between test runs
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(tempfile.gettempdir()) / "ganbench-tests-programs"))
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Cli = Callable[..., Ran]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cache")
    os.environ["GANBENCH_CACHE"] = str(folder)
    os.environ["GANBENCH_DATA"] = str(folder / "data")
    os.environ["TORCH_HOME"] = str(folder / "torch")


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="session", autouse=True)
def warm() -> Iterator[Warm]:
    """Worker processes that runs in this process start, and `cli`, need not import torch each on its own."""
    warm = Warm()
    with pytest.MonkeyPatch.context() as patch:
        if sys.platform == "linux":
            patch.setattr("ganbench.runner.worker_process.Leader", warm.worker)
        yield warm
    warm.close()


def _run(warm: Warm, arguments: Sequence[object], folder: Path, timeout: float, **environment: str) -> Ran:
    """Run `ganbench` in a process of its own.

    It is forked, unless there is a variable that is not ganbench's own, which may change how Python starts.
    """
    asked, variables = ["-m", "ganbench", *map(str, arguments)], {**os.environ, **environment}
    if sys.platform == "linux" and all(name.startswith("GANBENCH_") for name in environment):
        return Ran(*warm.run(asked, variables, folder, timeout))
    command = [sys.executable, *asked]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=timeout, env=variables)
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def cli(tmp_path: Path, warm: Warm) -> Cli:
    """Run `ganbench` as a person would, from an empty folder."""

    def run(*arguments: object, timeout: float = 240, **environment: str) -> Ran:
        return _run(warm, arguments, tmp_path, timeout, **environment)

    return run


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run `ganbench` from an empty folder in this process, whose imports are done: for commands that train nothing."""
    from ganbench.cli import main

    def run(*arguments: object) -> Ran:
        before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr(sys, "argv", ["ganbench", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
        for number, handler in before.items():
            signal.signal(number, handler)
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, *capsys.readouterr())

    return run


HINGE = '''
from ganbench import hookimpl


class Hinge:
    """Hinge loss (Lim and Ye 2017)."""

    def d_loss(self, critic):
        return (1 - critic.real).relu().mean() + (1 + critic.fake).relu().mean()

    def g_loss(self, critic):
        return -critic.fake.mean()


@hookimpl
def register_losses():
    return {"my-hinge": Hinge}
'''


@pytest.fixture
def hinge(tmp_path: Path) -> Path:
    path = tmp_path / "my_loss.py"
    path.write_text(HINGE)
    return path


SUITE = """
about: a small suite for tests
losses: [minimax, nonsaturating]
architectures: [mlp, dcgan]
datasets: [ring8]
seeds: 2
train: {steps: 60, batch: 32, lr: 2e-3}
evaluation: {samples: 2500, real_samples: 2500}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SUITE)
    return path


NOTES = f"""# What was tried

A word that is longer than a phone is wide: {"a-word/" * 30}, `{"code" * 40}`, [a link](index.html), {NASTY[1]}

| {" | ".join("abcdefghij")} |
|{":-:|" * 10}
| {" | ".join(["a long cell"] * 10)} |

```
{NASTY[0] * 5}
```

![a picture](assets/icon.svg) {NASTY[3]}
"""


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures of a report are laid out but not painted, for tests of what else a report holds."""
    from ganbench.report.plots.suite_plots import Plot

    def svg(plot: Plot) -> bytes:
        plot.make()
        return f'<svg xmlns="http://www.w3.org/2000/svg" width="9pt" height="9pt"><!-- {plot.name} --></svg>'.encode()

    monkeypatch.setattr(Plot, "svg", property(svg))


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published report of made-up results with markup in names and texts; test processes share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "report"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            results = folder.with_name("report-results")
            content = fabricate(results, Made(losses=("minimax", "nonsaturating"), seeds=5, nasty=True))
            gb.publish(
                gb.open_results(results, content.suite), f"{folder}.part", title=NASTY[0], authors=NASTY[:2],
                notes=NOTES,
            )  # fmt: skip
            Path(f"{folder}.part").rename(folder)
    return folder


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Path:
    """The results of `SUITE`, trained once; test processes share them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "trained"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            made = folder.with_name("trained-part")
            made.mkdir()
            (made / "small.yaml").write_text(SUITE)
            done = _run(warm, ("run", "--suite", "small.yaml"), made, 240)
            assert done.code == 0, done.err
            (made / "printed.json").write_text(json.dumps(done))
            made.rename(folder)
    return folder


@pytest.fixture
def trained(tmp_path: Path, suite: Path, _trained: Path) -> Ran:
    """What `ganbench run --suite small.yaml` printed, and a copy of its results in the test's own folder."""
    shutil.copytree(_trained / "results", tmp_path / "results")
    return Ran(*json.loads((_trained / "printed.json").read_text()))
