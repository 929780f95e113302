"""Compiled programs between processes: loaded where they are whole, compiled again where they are not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from warm import Warm

from ganbench.engine import program_store
from ganbench.engine.devices import missing_compiler
from ganbench.engine.program_store import kept
from ganbench.files import KEPT, programs_folder

DEVICE = "meta"  # for which torch's compiler has nothing to find out about the processor


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    return tmp_path / "programs"


class Compiler:
    """Compiles as torch does: into the folder that the environment names, unless it finds its own file there."""

    def __init__(self) -> None:
        self.compiled = 0

    def __call__(self) -> str:
        file = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]) / "aa" / "library.so"
        if not file.exists():
            self.compiled += 1
            file.parent.mkdir(exist_ok=True)
            file.write_text("machine code")
        if file.read_text() != "machine code":
            raise ImportError("invalid library")
        return "program"


def _stored(root: Path) -> list[Path]:
    return sorted((root / KEPT).glob("*.zip"))


def test_a_program_is_compiled_once(root: Path) -> None:
    compiler = Compiler()
    assert [kept("a", DEVICE, compiler) for _ in range(3)] == ["program"] * 3
    assert compiler.compiled == 1
    kept("b", DEVICE, compiler)
    assert compiler.compiled == 2
    assert len(_stored(root)) == 2
    assert programs_folder() == root  # torch has set its default meanwhile


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _turned(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [_cut, _turned, _empty])
def test_a_damaged_program_is_compiled_again(root: Path, damage: Callable[[Path], None]) -> None:
    compiler = Compiler()
    kept("a", DEVICE, compiler)
    damage(_stored(root)[0])
    assert kept("a", DEVICE, compiler) == "program"
    assert compiler.compiled == 2
    assert kept("a", DEVICE, compiler) == "program"
    assert compiler.compiled == 2  # what is there now is whole
    assert len(_stored(root)) == 1


def test_a_whole_program_that_cannot_be_loaded_is_compiled_again(root: Path) -> None:
    def foreign() -> None:
        file = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]) / "aa" / "library.so"
        file.parent.mkdir()
        file.write_text("code of another machine")

    compiler = Compiler()
    kept("a", DEVICE, foreign)
    assert kept("a", DEVICE, compiler) == "program"
    assert kept("a", DEVICE, compiler) == "program"
    assert compiler.compiled == 1


def test_what_cannot_be_compiled_raises_what_the_compiler_raises(root: Path) -> None:
    def fails() -> None:
        raise NotImplementedError("this operation")

    with pytest.raises(NotImplementedError, match="this operation"):
        kept("a", DEVICE, fails)
    assert _stored(root) == []


def test_without_a_folder_programs_are_compiled_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "file"))
    assert kept("a", DEVICE, lambda: "program") == "program"


SLOWLY = """
import os, time
from pathlib import Path
from ganbench.engine.program_store import kept

def compile_it():
    file = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]) / "library.so"
    if not file.exists():
        with open("compiled", "a") as log:
            log.write("once\\n")
        time.sleep(0.5)
        file.write_text("machine code")

kept("a", "meta", compile_it)
"""


def test_a_program_that_another_process_is_compiling_is_waited_for(tmp_path: Path, warm: Warm) -> None:
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(warm.python, "-c", SLOWLY, folder=tmp_path) for _ in range(2)]
    assert [one.result() for one in both] == [(0, "", "")] * 2
    assert (tmp_path / "compiled").read_text() == "once\n"


def test_the_programs_that_were_not_used_for_longest_make_room(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = Compiler()
    kept("old", DEVICE, compiler)
    kept("used", DEVICE, compiler)
    old, used = sorted(_stored(root), key=lambda path: path.stat().st_mtime)
    for path, age in ((old, 1000), (used, 2000)):
        os.utime(path, (time.time() - age,) * 2)
    kept("used", DEVICE, compiler)  # which makes it the younger one
    monkeypatch.setattr(program_store, "LIMIT_BYTES", 2 * used.stat().st_size)
    kept("new", DEVICE, compiler)
    assert used in _stored(root)
    assert old not in _stored(root)


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        (None, "{cache}/programs"),
        ("", "{cache}/programs"),
        ("{temp}/torchinductor_someone", "{cache}/programs"),  # as torch itself sets it when it is imported
        ("{cache}/mine", "{cache}/mine"),
        ("{cache}/torchinductor_someone", "{cache}/torchinductor_someone"),
    ],
)
def test_a_users_own_folder_is_used_and_torchs_default_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str | None, wanted: str
) -> None:
    places = {"cache": str(tmp_path), "temp": tempfile.gettempdir()}
    if setting is not None:
        monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", setting.format(**places))
    assert programs_folder() == Path(wanted.format(**places))


def test_a_killed_process_leaves_nothing_that_stays(root: Path, warm: Warm) -> None:
    code = (
        "import os, signal, sys\nfrom ganbench.engine.program_store import kept\n"
        "kept('a', 'meta', lambda: os.kill(os.getpid(), signal.SIGKILL))"
    )
    assert warm.python("-c", code, folder=root.parent)[0] == -signal.SIGKILL
    left = list((root / "working").iterdir())
    assert len(left) == 2  # a folder and its lock
    program_store._own_folder.cache_clear()
    compiler = Compiler()
    assert kept("a", DEVICE, compiler) == "program"  # the lock of a process that is gone holds nobody up
    assert not any(path.exists() for path in left)


TRAINING = """
import hashlib, json, time
import torch
torch.set_num_threads(1)
torch.set_flush_denormal(True)
from ganbench import Data
from ganbench.engine.objective import Objective
from ganbench.engine.trainer import Trainer
from ganbench.suite.train_spec import PlayerSpec, TrainSpec
from ganbench_architectures.mlp import Mlp
from ganbench_losses.nonsaturating import NonSaturating
from torch._dynamo.utils import counters

player = PlayerSpec(lr=2e-3, betas=(0.0, 0.99))
spec = TrainSpec(steps=40, batch=32, d=player, g=player, engine="compiled")
points = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
began = time.perf_counter()
loss, network, cpu = Objective.of(NonSaturating()), Mlp(width=16, depth=1), torch.device("cpu")
trainer = Trainer(loss, network, Data(points), spec, (0, 1), cpu)
ready = time.perf_counter() - began
results = trainer.run()
bits = b"".join(one.params.numpy().tobytes() + one.discriminator.numpy().tobytes() for one in results)
print(json.dumps({
    "path": trainer.path.kind, "ready": ready, "bits": hashlib.sha256(bits).hexdigest(),
    "history": [one.history for one in results], "missed": counters["inductor"]["fxgraph_cache_miss"],
    "found": counters["aot_autograd"]["autograd_cache_hit"],
}))
"""


@pytest.mark.slow
@pytest.mark.skipif(missing_compiler() is not None, reason=f"compiles: {missing_compiler()}")
def test_a_program_from_the_store_trains_to_the_same_bits(root: Path) -> None:
    def train() -> dict[str, object]:
        done = subprocess.run([sys.executable, "-c", TRAINING], capture_output=True, text=True, timeout=300, check=True)
        found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return found

    cold, warm = train(), train()
    assert cold["path"] == warm["path"] == "compiled"
    assert cold["missed"] == 2  # the draws and the step
    assert (warm["missed"], warm["found"]) == (0, 2)
    assert (warm["bits"], warm["history"]) == (cold["bits"], cold["history"])
    assert not list((root / "working").iterdir())
    for path in _stored(root):
        _cut(path)
    again = train()
    assert (again["bits"], again["history"]) == (cold["bits"], cold["history"])
