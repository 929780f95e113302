"""The dataset `folder`: arrays in files of numpy, idx files, batches of CIFAR, and samples that ganbench writes."""

from __future__ import annotations

import gzip
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ganbench.errors import MissingError
from ganbench.evaluation.generate import Generated
from ganbench.evaluation.sample_files import write_samples
from ganbench_datasets.folder import Folder

Pixels = NDArray[np.uint8]
SIDE = 6
COLOR: Pixels = np.random.default_rng(1).integers(0, 256, (20, SIDE, SIDE, 3), dtype=np.uint8)
GRAY: Pixels = np.random.default_rng(2).integers(0, 256, (20, SIDE, SIDE), dtype=np.uint8)
LABELS = np.arange(20) % 3


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def made(root: Path, **settings: Any) -> Folder:
    return Folder(**{"root": str(root), "size": SIDE, **settings})


def everything(dataset: Folder) -> dict[bytes, int]:
    """The label of every picture of both splits, by its bytes (H, W, C); -1 without labels."""
    found: dict[bytes, int] = {}
    for split in ("train", "test"):
        samples, labels = dataset.load(split)
        rows = samples.numpy().transpose(0, 2, 3, 1)
        known = [-1] * len(rows) if labels is None else labels.tolist()
        found |= {row.tobytes(): label for row, label in zip(rows, known, strict=True)}
    return found


def wanted(pixels: Pixels, labels: Any = None) -> dict[bytes, int]:
    known = [-1] * len(pixels) if labels is None else labels.tolist()
    return {row.tobytes(): label for row, label in zip(pixels, known, strict=True)}


@pytest.mark.parametrize("order", ["NHWC", "NCHW"])
@pytest.mark.parametrize("names", [("arr_0", "arr_1"), ("images", "labels"), ("x", "y"), ("pictures", "labels")])
def test_an_npz_file_is_read(order: str, names: tuple[str, str], root: Path) -> None:
    stored = COLOR if order == "NHWC" else COLOR.transpose(0, 3, 1, 2)
    arrays: dict[str, Any] = {names[0]: stored, names[1]: LABELS[:, None]}
    np.savez(root / "a.npz", **arrays)
    data = made(root / "a.npz", key="pictures" if names[0] == "pictures" else "")
    assert everything(data) == wanted(COLOR, LABELS)
    assert data.classes == 3
    assert everything(made(root, key=names[0], labels=False)) == wanted(COLOR)


@pytest.mark.parametrize("form", ["x_{}", "{}_images"])
def test_an_npz_file_may_hold_both_splits(form: str, root: Path) -> None:
    marks = form.replace("x_", "y_").replace("images", "labels")
    arrays: dict[str, Any] = {form.format("train"): COLOR[:15], form.format("test"): COLOR[15:]}
    arrays |= {marks.format("train"): LABELS[:15], marks.format("test"): LABELS[15:]}
    np.savez_compressed(root / "a.npz", **arrays)
    data = made(root / "a.npz")
    assert (data.load("train").samples.numpy() == COLOR[:15].transpose(0, 3, 1, 2)).all()
    assert (data.load("test").samples.numpy() == COLOR[15:].transpose(0, 3, 1, 2)).all()


def test_npy_files_are_splits_by_their_names_and_have_labels_beside_them(root: Path) -> None:
    np.save(root / "train-images.npy", GRAY[:15])
    np.save(root / "train-labels.npy", LABELS[:15])
    np.save(root / "test-images.npy", GRAY[15:])
    np.save(root / "test-labels.npy", LABELS[15:])
    data = made(root, channels=1)
    train, test = data.load("train"), data.load("test")
    assert (train.samples.numpy()[:, 0] == GRAY[:15]).all()
    assert (test.samples.numpy()[:, 0] == GRAY[15:]).all()
    assert test.labels is not None
    assert test.labels.tolist() == LABELS[15:].tolist()


def test_gray_arrays_become_rgb_and_pictures_of_other_sizes_are_scaled(root: Path) -> None:
    np.save(root / "a.npy", GRAY)
    assert everything(made(root / "a.npy")) == wanted(np.stack([GRAY] * 3, axis=3))
    assert made(root / "a.npy", size=3, filter="nearest").load("test").samples.shape == (2, 3, 3, 3)


def test_bits_and_integers_are_bytes(root: Path) -> None:
    np.save(root / "bits.npy", GRAY > 127)
    assert everything(made(root / "bits.npy", channels=1)) == wanted((GRAY > 127).astype(np.uint8)[..., None] * 255)
    np.save(root / "long.npy", GRAY.astype(np.int64))
    assert everything(made(root / "long.npy", channels=1)) == wanted(GRAY[..., None])


def idx(values: Pixels) -> bytes:
    return struct.pack(f">I{'I' * values.ndim}", 0x0800 | values.ndim, *values.shape) + values.tobytes()


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("form", ["{}-images-idx3-ubyte", "emnist-{}-images.idx3-ubyte"])
def test_idx_files_are_read_packed_or_not(ending: str, form: str, root: Path) -> None:
    packed: Callable[[bytes], bytes] = gzip.compress if ending else bytes
    for part, name in ((slice(0, 15), "train"), (slice(15, 20), "t10k")):
        images = form.format(name) + ending
        (root / images).write_bytes(packed(idx(GRAY[part])))
        (root / images.replace("images", "labels").replace("idx3", "idx1")).write_bytes(
            packed(idx(LABELS[part].astype(np.uint8)))
        )
    data = made(root, channels=1)
    assert (len(data.load("train").samples), len(data.load("test").samples)) == (15, 5)
    assert everything(data) == wanted(GRAY[..., None], LABELS)


CIFAR: Pixels = np.random.default_rng(3).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)


def batch(rows: slice, label: bytes = b"labels") -> dict[Any, Any]:
    return {b"data": CIFAR[rows].reshape(-1, 3072), label: LABELS[rows].tolist(), b"filenames": [b"x.png"]}


@pytest.mark.parametrize("protocol", range(2, 6))
def test_batches_of_cifar_10_are_read(protocol: int, root: Path) -> None:
    for i in range(5):
        content = batch(slice(3 * i, 3 * i + 3))
        (root / f"data_batch_{i + 1}").write_bytes(pickle.dumps(content, protocol))
    (root / "test_batch").write_bytes(pickle.dumps(batch(slice(15, 20)), protocol))
    (root / "batches.meta").write_bytes(b"")
    data = made(root, size=32)
    train, test = data.load("train"), data.load("test")
    assert (train.samples.numpy() == CIFAR[:15]).all()
    assert (test.samples.numpy() == CIFAR[15:]).all()
    assert train.labels is not None
    assert train.labels.tolist() == LABELS[:15].tolist()


def test_cifar_100_is_read_with_its_fine_labels(root: Path) -> None:
    for name, rows in (("train", slice(0, 15)), ("test", slice(15, 20))):
        (root / name).write_bytes(pickle.dumps(batch(rows, b"fine_labels"), 2))
    (root / "meta").write_bytes(b"")
    assert everything(made(root, size=32)) == wanted(CIFAR.transpose(0, 2, 3, 1), LABELS)


class Code:
    """What a pickle must not do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_code_in_a_pickle_is_not_run(root: Path, tmp_path: Path) -> None:
    (root / "test_batch").write_bytes(pickle.dumps({**batch(slice(0, 9)), b"more": Code(tmp_path / "executed")}))
    with pytest.raises(
        MissingError, match=r"test_batch is not read as a pickle of arrays: it asks for .*, which is no"
    ):
        made(root, size=32).prepare()
    np.save(root / "a.npy", np.array([Code(tmp_path / "executed")], dtype=object), allow_pickle=True)
    with pytest.raises(MissingError, match=r"a\.npy is truncated or damaged: it holds Python objects, not numbers"):
        made(root / "a.npy").prepare()
    np.savez(root / "a.npz", arr_0=np.array([Code(tmp_path / "executed")], dtype=object))
    with pytest.raises(MissingError, match=r"a\.npz is truncated or damaged: it holds Python objects, not numbers"):
        made(root / "a.npz").prepare()
    assert not (tmp_path / "executed").exists()


def cut(path: Path) -> None:
    """An array whose last bytes are missing."""
    write: Callable[..., None] = np.save if path.suffix == ".npy" else np.savez
    write(path, COLOR)
    path.write_bytes(path.read_bytes()[:-9])


def zipped(path: Path, shape: str, content: bytes) -> None:
    """An `.npz` file whose only array claims a shape."""
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + content)


def bomb(path: Path) -> None:
    """A header that claims 2^60 bytes of values."""
    path.write_bytes(gzip.compress(struct.pack(">IIII", 0x803, 2**20, 2**20, 2**20) + bytes(100)))


FAULTS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "floats": ("a.npy", lambda p: np.save(p, COLOR / 255), r"type float64, wanted uint8: map them to 0 to 255"),
    "16 bits": ("a.npy", lambda p: np.save(p, GRAY.astype(np.uint16) * 257), r"values from \d+ to \d+, wanted uint8"),
    "vectors": ("a.npy", lambda p: np.save(p, COLOR.reshape(20, -1)), r"shape \(20, 108\); pictures are \(N, H, W\)"),
    "no channels": ("a.npy", lambda p: np.save(p, np.zeros((5, 6, 7, 8), np.uint8)), "pictures have 1 to 4 channels"),
    "either order": ("a.npy", lambda p: np.save(p, np.zeros((5, 3, 7, 3), np.uint8)), "say 'order: nhwc' or 'order: n"),
    "none": ("a.npy", lambda p: np.save(p, COLOR[:0]), r"shape \(0, 6, 6, 3\)"),
    "cut": ("a.npy", cut, r"a\.npy is truncated or dam"),
    "text": ("a.npz", lambda p: p.write_text("not found"), r"a\.npz is truncated or damaged"),
    "cut zip": ("a.npz", cut, r"a\.npz is truncated or"),
    "short": ("a.npz", lambda p: zipped(p, "(1000000, 32, 32, 3)", b"12"), r"a\.npz is truncated or damaged"),
    "other names": ("a.npz", lambda p: np.savez(p, one=COLOR, two=COLOR), "holds one, two; name the array .* 'key'"),
    "labels": ("a.npz", lambda p: np.savez(p, COLOR, LABELS[:9]), r"20 pictures, but its labels are int64 of shape"),
    "idx": ("t-idx3-ubyte", lambda p: p.write_bytes(idx(GRAY)[:-9]), r"t-idx3-ubyte is truncated: its header asks f"),
    "longer": ("t-idx3-ubyte", lambda p: p.write_bytes(idx(GRAY) + b"9"), "t-idx3-ubyte is too long"),
    "cut gz": ("t-idx3-ubyte.gz", lambda p: p.write_bytes(gzip.compress(idx(GRAY))[:-99]), "ubyte.gz is truncated or"),
    "no idx": ("t-idx3-ubyte", lambda p: p.write_text("<html>"), "t-idx3-ubyte is no idx file of bytes"),
    "bomb": ("t-idx3-ubyte.gz", bomb, r"claims to hold 1,152,921,504,606,846,976 bytes in \d+; it is"),
    "cut pickle": ("test_batch", lambda p: p.write_bytes(pickle.dumps(batch(slice(0, 9)))[:-99]), "test_batch is "),
    "no batch": ("test_batch", lambda p: p.write_bytes(pickle.dumps({"data": [1], "labels": [1]})), "is no batch of C"),
    "text pickle": ("test_batch", lambda p: p.write_text("hello"), "test_batch is "),
    "lonely": ("labels.npy", lambda p: np.save(p, LABELS), "holds labels, but the file with their pictures is missing"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_array_is_named(fault: str, root: Path) -> None:
    name, write, text = FAULTS[fault]
    write(root / name)
    with pytest.raises(MissingError, match=text) as caught:
        made(root).prepare()
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_of_more_than_one_kind_are_not_mixed(root: Path) -> None:
    write_samples(root / "pictures", [Generated(torch.rand(3, 3, SIDE, SIDE) * 2 - 1, None)], 3, (3, SIDE, SIDE))
    np.save(root / "a.npy", COLOR)
    with pytest.raises(MissingError, match=r"holds arrays \(a\.npy\) and pictures \(.*000000\.png\): set 'root'"):
        made(root).prepare()
    (root / "notes.txt").write_text("hello")
    with pytest.raises(
        MissingError, match=r"notes\.txt is no folder of pictures, and no file \.npz, \.npy, idx or bat"
    ):
        made(root / "notes.txt").prepare()


def test_some_files_without_a_split_or_without_labels_are_named(root: Path) -> None:
    np.save(root / "train.npy", COLOR[:9])
    np.save(root / "more.npy", COLOR[9:])
    with pytest.raises(MissingError, match=r"more\.npy lies beside files of named splits"):
        made(root).prepare()
    (root / "more.npy").unlink()
    np.savez(root / "test.npz", COLOR[9:], LABELS[9:])
    with pytest.raises(MissingError, match=r"train\.npy has no labels, but other files have: set 'labels: false'"):
        made(root).prepare()
    assert everything(made(root, labels=False)) == wanted(COLOR)


@pytest.mark.parametrize("target", ["made.npz", "made"])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_that_ganbench_writes_are_read_back_bit_for_bit(target: str, channels: int, tmp_path: Path) -> None:
    shape = (channels, SIDE, SIDE)
    pixels: Pixels = np.random.default_rng(4).integers(0, 256, (20, *shape), dtype=np.uint8)
    part = Generated(torch.from_numpy(pixels).float() / 127.5 - 1, torch.from_numpy(LABELS))
    write_samples(tmp_path / target, [part], len(pixels), shape)
    assert everything(made(tmp_path / target, channels=channels)) == wanted(pixels.transpose(0, 2, 3, 1), LABELS)
