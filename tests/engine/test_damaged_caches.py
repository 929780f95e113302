"""Damaged files of caches: each is set aside, said once, and made again."""

from __future__ import annotations

import gzip
import json
import logging
import os
import shutil
import signal
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import torch
from conftest import Cli
from safetensors.torch import save
from warm import Warm

from ganbench.engine import tensor_cache
from ganbench.engine.checkpoints import Checkpoints, SavedFacts
from ganbench.engine.devices import missing_compiler
from ganbench.files import KEPT, read_file, short_hash
from ganbench_datasets.mapped import mapped


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Path:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    caplog.set_level(logging.WARNING)
    return tmp_path / "cache"


def _turned(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _a_link(path: Path) -> None:
    shutil.copy(path, path.with_name("elsewhere"))
    path.unlink()
    path.symlink_to(path.with_name("elsewhere"))


DAMAGES = [_turned, _cut, _emptied, _a_folder, _a_pipe, _a_link]


def _states(tmp_path: Path) -> Checkpoints:
    saved = Checkpoints(tmp_path / "checkpoints")
    for step in (50, 100):
        saved.save("a0", step, {"x": torch.full((100,), step)}, SavedFacts([step], 1.0, []))
    return saved


@pytest.mark.parametrize("damage", DAMAGES)
def test_without_the_newest_state_a_run_goes_on_from_an_older_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    saved = _states(tmp_path)
    newest = max(saved.root.glob("a0/*.safetensors"))
    damage(newest)
    for _ in range(2):
        found = saved.load("a0")
        assert found is not None
        assert found[0] == 50
        assert torch.equal(found[1]["x"], torch.full((100,), 50))
    assert len(caplog.messages) == 1
    assert f"{newest.name} is damaged" in caplog.messages[0]
    assert newest.with_name(f"{newest.name}.damaged").exists()
    saved.save("a0", 60, {"x": torch.zeros(3)}, SavedFacts([60], 1.0, []))
    assert len(list(saved.root.glob("a0/*.safetensors"))) == 2


def test_a_state_belongs_to_its_run_and_its_step(tmp_path: Path) -> None:
    saved = _states(tmp_path)
    old, new = sorted(saved.root.glob("a0/*.safetensors"))
    shutil.copytree(saved.root / "a0", saved.root / "b0")
    assert saved.load("b0") is None
    old.rename(old.with_name(old.name.replace("000000050", "000000900")))
    found = saved.load("a0")
    assert found is not None
    assert found[0] == 100
    assert new.exists()


def test_a_whole_file_that_holds_no_state_is_no_state(tmp_path: Path) -> None:
    saved = Checkpoints(tmp_path)
    (tmp_path / "a0").mkdir()
    content = save({"x": torch.zeros(2)})  # without facts
    (tmp_path / "a0" / f"000000050-{short_hash(b'a0 50 ' + content)}.safetensors").write_bytes(content)
    (tmp_path / "a0" / "notes.safetensors").write_bytes(content)
    assert saved.load("a0") is None


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_features_are_computed_again(
    cache: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    computed = []

    def compute() -> dict[str, torch.Tensor]:
        computed.append(1)
        return {"x": torch.arange(100.0)}

    tensor_cache.cached("k", compute)
    (path,) = (cache / "features").glob("*.safetensors")
    damage(path)
    for _ in range(2):
        assert torch.equal(tensor_cache.cached("k", compute)["x"], torch.arange(100.0))
    assert len(computed) == 2
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("damage", [_turned, _cut, _emptied])
def test_a_damaged_mapped_array_is_computed_again(
    cache: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    mapped("k", lambda: torch.arange(100.0))
    (path,) = cache.glob("mapped/*.npy")
    damage(path)
    for _ in range(2):
        assert torch.equal(mapped("k", lambda: torch.arange(100.0)), torch.arange(100.0))
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b'{"rows": 3, "seal": "x"}', b"[" * 100_000, b"\xff", None])
def test_a_damaged_catalogue_is_made_again(inside: Cli, cache: Path, content: bytes | None) -> None:
    whole = inside("list").out
    (path,) = cache.glob("catalogue/*.json")
    if content is None:
        _a_pipe(path)
    else:
        path.write_bytes(content)
    again = inside("list")
    assert (again.code, again.out) == (0, whole)
    assert f"{path.name} is damaged" in again.err
    last = inside("list")
    assert (last.out, last.err) == (whole, "")


def test_a_damaged_copy_of_a_packed_set_is_unpacked_again(cache: Path, tmp_path: Path) -> None:
    from ganbench_datasets.idx_sets import _unpacked

    packed = tmp_path / "train-images-idx3-ubyte.gz"
    packed.write_bytes(gzip.compress(b"pictures" * 100))
    copy = _unpacked(packed, "train-images-idx3-ubyte")
    _turned(copy)
    assert _unpacked(packed, "train-images-idx3-ubyte").read_bytes() == b"pictures" * 100


CRASHES = """
import os, signal, sys
from pathlib import Path
from ganbench.engine.program_store import kept

def compile_it():
    file = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]) / "library.so"
    if not file.exists():
        file.write_text("bad" if sys.argv[1:] else "good")
        print("compiled")
    elif file.read_text() == "bad":
        os.kill(os.getpid(), signal.SIGSEGV)

kept("a", "meta", compile_it)
"""


def test_a_program_that_kills_the_process_that_loads_it_does_so_once(cache: Path, tmp_path: Path, warm: Warm) -> None:
    def load(*options: str) -> tuple[int, str]:
        return warm.python("-c", CRASHES, *options, folder=tmp_path)[:2]

    assert load("bad") == (0, "compiled\n")  # whole, with a hash that is right
    assert load() == (-signal.SIGSEGV, "")
    assert load() == (0, "compiled\n")
    assert load() == (0, "")
    assert len(list((cache / "programs" / KEPT).glob("*.damaged"))) == 1


SUITE = """
losses: [nonsaturating]
architectures: [mlp]
datasets: [ring8]
seeds: 1
train: {steps: 60, batch: 32, lr: 2e-3, engine: compiled}
evaluation: {samples: 500, real_samples: 500}
"""


@pytest.mark.slow
@pytest.mark.skipif(missing_compiler() is not None, reason=f"compiles: {missing_compiler()}")
def test_damaged_machine_code_costs_a_worker_and_no_run(cli: Cli, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "one.yaml").write_text(SUITE)
    environment = {"GANBENCH_CACHE": str(cache), "TORCHINDUCTOR_CACHE_DIR": ""}
    first = cli("run", "--suite", "one.yaml", "--results", "a", **environment)
    assert first.code == 0, first.err
    for path in (cache / "programs" / KEPT).glob("*.zip"):
        packed = BytesIO()
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(packed, "w") as target:
            for name in source.namelist():
                content = source.read(name)
                if name.endswith(".so"):
                    middle = len(content) // 3
                    content = content[:middle] + bytes(len(content) - middle)
                target.writestr(name, content)
        path.unlink()
        name = path.name.rpartition("-")[0]
        path.with_name(f"{name}-{short_hash(packed.getvalue())}.zip").write_bytes(packed.getvalue())
    second = cli("run", "--suite", "one.yaml", "--results", "b", **environment)
    assert second.code == 0, second.err
    records = [json.loads(path.read_text()) for path in tmp_path.glob("[ab]/runs/*/record.json")]
    assert len(records) == 2
    weights = [path.read_bytes() for path in tmp_path.glob("[ab]/runs/*/weights.safetensors")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("make", [_a_pipe, _a_folder, _a_link])
def test_only_regular_files_are_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    assert read_file(path) == b"content"
    with pytest.raises(OSError, match="larger than"):
        read_file(path, most=3)
    make(path)
    with pytest.raises(OSError, match=r"regular file|symbolic link"):
        read_file(path)
    with pytest.raises(OSError, match="regular file"):
        read_file(Path("/dev/zero"))
