"""CIFAR-100, SVHN, STL-10 and CelebA, tried on small files in the real formats."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision import datasets

from ganbench.errors import MissingError
from ganbench.registry.fingerprints import fingerprint
from ganbench.testing import check_dataset
from ganbench_datasets.celeba import CelebA
from ganbench_datasets.idx_sets import FashionMnist, Mnist
from ganbench_datasets.torchvision_sets import Cifar100, Stl10, Svhn


def _pixels(seed: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes()).hexdigest()


def test_cifar100_has_a_hundred_fine_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    content = {}
    for name, count in (("train", 200), ("test", 100)):
        content[name] = _pixels(count, count, 3072)
        fine = [i % 100 for i in range(count)]
        (folder / name).write_bytes(
            pickle.dumps({"data": content[name], "fine_labels": fine, "coarse_labels": [0] * count})
        )
        monkeypatch.setattr(datasets.CIFAR100, f"{name}_list", [[name, _md5(folder / name)]])
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": [str(i) for i in range(100)]}))
    meta = {"filename": "meta", "key": "fine_label_names", "md5": _md5(folder / "meta")}
    monkeypatch.setattr(datasets.CIFAR100, "meta", meta)
    made = Cifar100(root=str(tmp_path))
    made.prepare()
    check_dataset(made)
    data = made.load("train")
    assert torch.equal(data.samples[7], torch.tensor(content["train"][7].reshape(3, 32, 32)))
    assert data.labels is not None
    assert sorted(set(data.labels.tolist())) == list(range(100))
    (folder / "test").unlink()
    with pytest.raises(MissingError, match=r"cifar-100-python.test is missing\. Set its folder with 'root:'"):
        made.prepare()


def test_svhn_is_read_from_its_mat_files_with_zero_as_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known, content = {}, {}
    for name, count in (("train", 40), ("test", 20)):
        file = tmp_path / f"{name}_32x32.mat"
        content[name] = _pixels(count, 32, 32, 3, count)
        digits = np.arange(1, count + 1).reshape(-1, 1) % 10
        digits[digits == 0] = 10  # the file's label of the digit 0
        scipy.io.savemat(file, {"X": content[name], "y": digits})
        known[name] = ["", file.name, _md5(file)]
    monkeypatch.setattr(datasets.SVHN, "split_list", known)
    made = Svhn(root=str(tmp_path))
    made.prepare()
    check_dataset(made)
    data = made.load("test")
    assert torch.equal(data.samples[3], torch.tensor(content["test"][..., 3].transpose(2, 0, 1)))
    assert data.labels is not None
    assert data.labels.tolist() == [i % 10 for i in range(1, 21)]
    (tmp_path / "test_32x32.mat").write_bytes(b"rot")
    with pytest.raises(MissingError, match=r"dataset SVHN cannot be read from .*test_32x32.mat is damaged \(3 bytes"):
        made.load("train")


@pytest.fixture
def stl10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, NDArray[np.uint8]]:
    """Small files of STL-10, whose images are stored column by column."""
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    content: dict[str, NDArray[np.uint8]] = {}
    for name, count in (("train", 20), ("test", 10), ("unlabeled", 30)):
        content[name] = _pixels(count, count, 3, 96, 96)
        content[name].swapaxes(2, 3).tofile(folder / f"{name}_X.bin")
        if name != "unlabeled":
            (np.arange(count, dtype=np.uint8) % 10 + 1).tofile(folder / f"{name}_y.bin")
    for part, names in (("train", ("train_X", "train_y", "unlabeled_X")), ("test", ("test_X", "test_y"))):
        listed = [[f"{name}.bin", _md5(folder / f"{name}.bin")] for name in names]
        monkeypatch.setattr(datasets.STL10, f"{part}_list", listed)
    return content


def test_stl10_with_labels(stl10: dict[str, NDArray[np.uint8]], tmp_path: Path) -> None:
    (tmp_path / "stl10_binary" / "unlabeled_X.bin").unlink()  # 2.6 GB that the labeled part does not need
    made = Stl10(root=str(tmp_path))
    made.prepare()
    check_dataset(made)
    data = made.load("train")
    assert torch.equal(data.samples, torch.tensor(stl10["train"]))
    assert data.labels is not None
    assert data.labels.tolist() == [i % 10 for i in range(20)]


def test_stl10_without_labels_and_smaller(stl10: dict[str, NDArray[np.uint8]], tmp_path: Path) -> None:
    made = Stl10(root=str(tmp_path), size=48, unlabeled=True)
    made.prepare()
    check_dataset(made)
    data = made.load("train")
    assert data.samples.shape == (30, 3, 48, 48)
    assert (data.labels, made.classes) == (None, None)
    image = Image.fromarray(stl10["unlabeled"][4].transpose(1, 2, 0)).resize((48, 48), Image.Resampling.LANCZOS)
    assert torch.equal(data.samples[4], torch.tensor(np.asarray(image).transpose(2, 0, 1)))
    with pytest.raises(ValueError, match="size must be 8 to 96 pixels, got 128"):
        Stl10(size=128)


def test_celeba_follows_its_partition(tmp_path: Path) -> None:
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    lines = []
    for number in range(30):
        name = f"{number:06}.png"  # JPEG in the real set; lossless here, to compare the pixels
        Image.fromarray(_pixels(number, 218, 178, 3)).save(folder / "img_align_celeba" / name)
        lines.append(f"{name} {(0, 0, 0, 1, 2)[number % 5]}")
    (folder / "list_eval_partition.txt").write_text("\n".join(lines))
    made = CelebA(root=str(tmp_path), size=32)
    made.prepare()
    check_dataset(made)
    train, test = made.load("train"), made.load("test")
    assert (train.samples.shape, test.samples.shape) == ((18, 3, 32, 32), (6, 3, 32, 32))
    assert (train.labels, made.classes) == (None, None)
    middle = Image.fromarray(_pixels(4, 218, 178, 3)[20:198]).resize((32, 32), Image.Resampling.LANCZOS)
    assert torch.equal(test.samples[0], torch.tensor(np.asarray(middle).transpose(2, 0, 1)))
    (folder / "img_align_celeba" / "000007.png").unlink()
    with pytest.raises(MissingError, match=r"000007.png cannot be read: No such file"):
        CelebA(root=str(tmp_path), size=32).fingerprint()
    (folder / "list_eval_partition.txt").write_text("a.jpg\n")
    with pytest.raises(
        MissingError, match=r"list_eval_partition.txt, line 1: expected a file and 0, 1 or 2, got 'a.jpg'"
    ):
        CelebA(root=str(tmp_path)).fingerprint()
    (folder / "list_eval_partition.txt").unlink()
    with pytest.raises(MissingError, match=r"list_eval_partition.txt is missing\. Set 'root' to the folder that holds"):
        CelebA(root=str(tmp_path)).prepare()


def test_the_identity_of_a_set_is_that_of_its_files(stl10: dict[str, NDArray[np.uint8]], tmp_path: Path) -> None:
    """Also where a set reads its files itself: what is loaded would have another hash for every `size`."""
    large, small = Stl10(root=str(tmp_path)), Stl10(root=str(tmp_path), size=48)
    assert fingerprint(large) == large.fingerprint() == small.fingerprint() == fingerprint(small)
    for cls in (Svhn, Mnist, FashionMnist):
        assert "fingerprint" in vars(next(one for one in cls.__mro__ if "load" in vars(one))), cls.__name__
