"""What identifies a dataset's content, and the cached hash of files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import ganbench as gb
from ganbench import Data, hash_files
from ganbench.errors import ContractError, MissingError
from ganbench.files import cache_folder
from ganbench.registry.fingerprints import fingerprint
from ganbench.registry.registry import Registry


def age(file: Path, seconds: float = 60) -> Path:
    """Set a file's time of modification into the past."""
    past = time.time() - seconds
    os.utime(file, (past, past))
    return file


def folder_of(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as old at once: their change times cannot be set."""
    monkeypatch.setattr("ganbench.registry.file_hashes.RACY_SECONDS", -3600.0)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are read to be hashed."""
    import hashlib

    found: list[str] = []
    whole = hashlib.file_digest

    def counted(file: object, name: str) -> object:
        found.append(Path(getattr(file, "name", "")).name)
        return whole(file, name)  # type: ignore[arg-type]

    monkeypatch.setattr(hashlib, "file_digest", counted)
    return found


def test_equal_folders_have_equal_hashes_wherever_they_are(tmp_path: Path) -> None:
    one = folder_of(tmp_path / "one", a="1", b__c="2")
    other = folder_of(tmp_path / "deep" / "other", b__c="2", a="1", **{".DS_Store": "x"})
    assert hash_files(one) == hash_files(other) == hash_files(str(one))
    assert len(hash_files(one)) == 16
    assert hash_files(one / "a", one / "b" / "c") == hash_files(other / "b" / "c", other / "a")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "a").write_text("9"),
        lambda root: (root / "a").rename(root / "z"),
        lambda root: (root / "b" / "c").unlink(),
        lambda root: (root / "new").write_text(""),
        lambda root: ((root / "a").write_text("2"), (root / "b" / "c").write_text("1")),
    ],
    ids=["bytes", "name", "fewer", "more", "exchanged"],
)
def test_other_content_has_another_hash(tmp_path: Path, change: Callable[[Path], object]) -> None:
    root = folder_of(tmp_path / "data", a="1", b__c="2")
    before = hash_files(root)
    change(root)
    assert hash_files(root) != before


def test_splits_that_are_exchanged_have_another_hash(tmp_path: Path) -> None:
    root = folder_of(tmp_path, train__x="1", test__x="2")
    before = hash_files(root / "train", root / "test")
    (root / "train").rename(root / "t")
    (root / "test").rename(root / "train")
    (root / "t").rename(root / "test")
    assert hash_files(root / "train", root / "test") != before
    with pytest.raises(ValueError, match="same name"):
        hash_files(root / "train" / "x", root / "test" / "x")


def test_links_are_followed_and_circles_end(tmp_path: Path) -> None:
    folder_of(tmp_path / "far", x="1")
    root = folder_of(tmp_path / "data", a="1")
    (root / "linked").symlink_to(tmp_path / "far")
    (root / "circle").symlink_to(root)
    before = hash_files(root)
    (tmp_path / "far" / "x").write_text("2")
    assert hash_files(root) != before


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingError, match=r"nowhere cannot be read: No such file"):
        hash_files(tmp_path / "nowhere")
    with pytest.raises(MissingError, match=r"no files in folder .*empty"):
        hash_files(tmp_path / "empty")
    with pytest.raises(ValueError, match="needs a path"):
        hash_files()


@pytest.mark.usefixtures("settled")
def test_files_are_read_once_and_again_when_anything_about_them_changed(tmp_path: Path, reads: list[str]) -> None:
    root = folder_of(tmp_path / "data", a="1", b="2")
    before = hash_files(root)
    assert hash_files(root) == before
    assert sorted(reads) == ["a", "b"]
    stamp = (root / "a").stat()
    (root / "a").write_text("9")
    os.utime(root / "a", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # size and time as before
    assert hash_files(root) != before
    assert sorted(reads) == ["a", "a", "b"]


def test_a_file_that_changed_just_now_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    file = folder_of(tmp_path, a="1") / "a"
    hash_files(file)
    hash_files(age(file))  # the change of its times is as recent
    assert reads == ["a", "a"]


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff" * 100, None])
def test_a_damaged_cache_changes_nothing(tmp_path: Path, damage: bytes | None) -> None:
    root = folder_of(tmp_path / "data", a="1")
    before = hash_files(root)
    for file in (cache_folder() / "hashes").glob("*.json"):
        content = file.read_bytes()
        file.write_bytes(content[:-30] + b"0000" + content[-26:] if damage is None else damage)
    assert hash_files(root) == before


@pytest.mark.usefixtures("settled")
def test_without_a_writable_cache_files_are_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder_of(tmp_path / "data", a="1")
    before = hash_files(root)
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    assert hash_files(root) == before


@pytest.mark.usefixtures("settled")
def test_processes_at_once_agree(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "data", **{f"f{i}": str(i) for i in range(50)})
    with ProcessPoolExecutor(4) as pool:
        assert set(pool.map(hash_files, [root] * 12)) == {hash_files(root)}


@dataclass(frozen=True)
class Points:
    """Points in the plane."""

    value: float = 0.0
    labelled: bool = False
    shape = (2,)
    modes = None
    extractor = "mixture"
    metrics = ()

    def load(self, split: str) -> Data:
        samples = torch.full((3 if split == "train" else 2, 2), self.value)
        return Data(samples, torch.zeros(len(samples), dtype=torch.int64) if self.labelled else None)


class Named(Points):
    text: object = "version-1.a_B"

    def fingerprint(self) -> object:
        if isinstance(self.text, Exception):
            raise self.text
        return self.text


def test_a_dataset_without_a_fingerprint_gets_the_hash_of_what_it_loads() -> None:
    found = {fingerprint(made) for made in (Points(), Points(1.0), Points(-0.0), Points(labelled=True))}
    assert len(found) == 4
    assert fingerprint(Points()) == fingerprint(Points())
    assert all(len(text) == 16 for text in found)


def test_shape_type_and_split_are_in_the_hash() -> None:
    class Other(Points):
        def __init__(self, make: Callable[[str], Data]) -> None:
            object.__setattr__(self, "make", make)

        def load(self, split: str) -> Data:
            made: Data = vars(self)["make"](split)
            return made

    zeros = torch.zeros
    made: list[Callable[[str], Data]] = [
        lambda split: Data(zeros(4, 2)), lambda split: Data(zeros(2, 4)), lambda split: Data(zeros(4, 2).int()),
        lambda split: Data(zeros(4 if split == "train" else 0, 2)), lambda split: Data(zeros(2, 4).t()),
        lambda split: Data(zeros(4 if split == "test" else 0, 2)),
    ]  # fmt: skip
    found = [fingerprint(Other(one)) for one in made]
    assert found[4] == found[0]  # the order in memory is no content
    assert len(set(found)) == 5


def test_the_plugins_own_text_is_taken() -> None:
    assert fingerprint(Named()) == "version-1.a_B"


def test_a_class_that_replaces_load_does_not_inherit_the_fingerprint() -> None:
    class Shifted(Named):
        def load(self, split: str) -> Data:
            return Data(super().load(split).samples + 1)

    class Again(Shifted):
        def fingerprint(self) -> object:
            return "again"

    class Renamed(Named):
        shape = (2,)

    assert fingerprint(Shifted()) == fingerprint(Points(1.0))
    assert fingerprint(Again()) == "again"
    assert fingerprint(Renamed()) == "version-1.a_B"


@pytest.mark.parametrize("text", ["", "a b", "x" * 65, "a/b", "a\n", None, 3])
def test_a_text_that_is_no_fingerprint_is_refused(text: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Named, "text", text)
    with pytest.raises(ContractError, match=r"dataset 'mine'.fingerprint returned .*; it must be 1 to 64 characters"):
        fingerprint(Named(), "mine")


def test_what_a_plugin_raises_is_named_and_missing_data_stay_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Named, "text", RuntimeError("boom"))
    with pytest.raises(ContractError, match=r"dataset 'Named'.fingerprint raised RuntimeError: boom \(.*in finger"):
        fingerprint(Named())
    monkeypatch.setattr(Named, "text", MissingError("no files here"))
    with pytest.raises(MissingError, match="no files here"):
        fingerprint(Named())
    monkeypatch.setattr(Points, "load", lambda self, split: torch.load("nowhere/x.pt"))
    with pytest.raises(MissingError, match=r"dataset 'mine'.load did not find 'nowhere/x.pt' .*; put it there, or set"):
        fingerprint(Points(), "mine")
    monkeypatch.setattr(Points, "load", lambda self, split: Data([1, 2]))  # type: ignore[arg-type]
    with pytest.raises(ContractError, match=r"load raised TypeError: load returned list"):
        fingerprint(Points())


def test_shipped_computed_data_are_told_apart_by_their_parameters(registry: Registry) -> None:
    texts = [
        fingerprint(registry.create("dataset", registry.choose("dataset", name, params)))
        for name, params in (("ring8", {}), ("ring8", {"std": 0.03}), ("ring8", {"scale": 3.0}), ("grid25", {}))
    ]
    assert len(set(texts)) == 4


def test_digits_are_identified_by_scikit_learns_file(
    registry: Registry, tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    assert fingerprint(registry.create("dataset", registry.choose("dataset", "digits", {}))).endswith("-1")
    assert reads == ["digits.csv.gz"]


def test_torchvisions_files_identify_its_datasets(tmp_path: Path, registry: Registry) -> None:
    raw = tmp_path / "A" / "MNIST" / "raw"
    names = [f"{part}-{what}" for part in ("train", "t10k") for what in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    folder_of(raw, **{name: name for name in names})

    def text(root: str) -> str:
        params = {"root": str(tmp_path / root)}
        return fingerprint(registry.create("dataset", registry.choose("dataset", "mnist", params)))

    shutil.copytree(tmp_path / "A", tmp_path / "B")
    assert text("A") == text("B")
    (tmp_path / "B" / "MNIST" / "raw" / names[0]).write_text("other images")
    assert text("A") != text("B")
    (raw / names[3]).unlink()
    with pytest.raises(MissingError, match="t10k-labels-idx1-ubyte"):
        text("A")


def test_neither_the_hash_of_files_nor_the_fingerprints_import_torch(tmp_path: Path) -> None:
    folder_of(tmp_path, a="1")
    code = "import sys; import ganbench as gb; import ganbench.registry.fingerprints; gb.hash_files(sys.argv[1])"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'torch' not in sys.modules", tmp_path / "a"], check=True)
    assert "hash_files" in gb.__all__
