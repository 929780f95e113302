"""Downloaded datasets and weights, tried on small files in the real on-disk formats."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from conftest import Cli
from numpy.typing import NDArray
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchvision import datasets

from ganbench import Data
from ganbench.errors import MissingError
from ganbench.testing import check_dataset, check_extractor
from ganbench_datasets.idx_sets import FashionMnist, Mnist
from ganbench_datasets.torchvision_sets import Cifar10
from ganbench_extractors.inception import Inception

SPLITS: tuple[Literal["train", "test"], ...] = ("train", "test")
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
REQUIRED = os.environ.get("GANBENCH_FASHION") == "required"
"""In CI the package is installed, and its test may not be skipped."""
RNG = np.random.default_rng(0)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Every test draws the same numbers, in whatever order the tests run."""
    RNG.bit_generator.state = START


def _idx(path: Path, values: NDArray[np.uint8]) -> None:
    """The format of MNIST: a magic number with type and rank, big-endian sizes, bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = struct.pack(f">I{'I' * values.ndim}", 0x0800 | values.ndim, *values.shape) + values.tobytes()
    path.write_bytes(content)
    with gzip.open(f"{path}.gz", "wb") as file:
        file.write(content)


@pytest.mark.parametrize("cls", [Mnist, FashionMnist])
def test_mnist_files_are_read_padded_and_scaled(cls: type[Mnist], tmp_path: Path) -> None:
    raw = tmp_path / cls.reader.__name__ / "raw"
    images, labels = {}, {}
    for prefix, count in (("train", 60), ("t10k", 20)):
        images[prefix] = RNG.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels[prefix] = (np.arange(count) % 10).astype(np.uint8)
        _idx(raw / f"{prefix}-images-idx3-ubyte", images[prefix])
        _idx(raw / f"{prefix}-labels-idx1-ubyte", labels[prefix])
    made = cls(root=str(tmp_path))
    made.prepare()
    check_dataset(made)
    data = made.load("train")
    assert data.samples.shape == (60, 1, 32, 32)
    assert torch.equal(data.samples[7, 0, 2:30, 2:30], torch.tensor(images["train"][7]))
    assert (data.samples[:, :, :2] == 0).all()
    assert data.labels is not None
    assert data.labels.tolist() == labels["train"].tolist()
    assert len(made.load("test").samples) == 20


def test_cifar_files_are_read_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    sums: dict[str, str] = {}
    first: NDArray[np.uint8] | None = None
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        pixels = RNG.integers(0, 256, (10, 3072), dtype=np.uint8)
        first = pixels if first is None else first
        content = pickle.dumps({"data": pixels, "labels": list(range(10)), "batch_label": name, "filenames": []})
        (folder / name).write_bytes(content)
        sums[name] = hashlib.md5(content).hexdigest()
    meta = pickle.dumps({"label_names": [str(i) for i in range(10)]})
    (folder / "batches.meta").write_bytes(meta)
    monkeypatch.setattr(
        datasets.CIFAR10, "train_list", [[f"data_batch_{i}", sums[f"data_batch_{i}"]] for i in range(1, 6)]
    )
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(
        datasets.CIFAR10,
        "meta",
        {"filename": "batches.meta", "key": "label_names", "md5": hashlib.md5(meta).hexdigest()},
    )
    made = Cifar10(root=str(tmp_path))
    made.prepare()
    check_dataset(made)
    data = made.load("train")
    assert first is not None
    assert data.samples.shape == (50, 3, 32, 32)
    assert torch.equal(data.samples[3], torch.tensor(first[3].reshape(3, 32, 32)))
    (folder / "data_batch_2").write_bytes(b"rot")
    with pytest.raises(MissingError, match=r"data_batch_2 is damaged \(3 bytes, MD5 .*: delete it, then put the whole"):
        made.prepare()
    (folder / "data_batch_2").unlink()
    with pytest.raises(MissingError, match=r"data_batch_2 is missing\. Set its folder with 'root:', or download"):
        made.fingerprint()
    folder.rename(tmp_path / "away")
    with pytest.raises(MissingError, match=r"there is no folder .*cifar-10-batches-py\. Set its folder"):
        made.prepare()
    (tmp_path / datasets.CIFAR10.filename).write_bytes(b"")
    with pytest.raises(MissingError, match=r"cifar-10-python.tar.gz is not unpacked: unpack it with `tar -xzf .* -C"):
        made.fingerprint()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """The folder of intact MNIST files."""
    folder = tmp_path / "MNIST" / "raw"
    for prefix, count in (("train", 60), ("t10k", 20)):
        _idx(folder / f"{prefix}-images-idx3-ubyte", RNG.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        _idx(folder / f"{prefix}-labels-idx1-ubyte", (np.arange(count) % 10).astype(np.uint8))
    for packed in folder.glob("*.gz"):
        packed.unlink()
    Mnist(root=str(tmp_path)).prepare()
    return folder


def _packed(file: Path) -> Path:
    """The file in its packed form, which replaces it."""
    packed = Path(f"{file}.gz")
    if file.is_file():
        packed.write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    return packed


IMAGES = "train-images-idx3-ubyte"
ANEW = "delete it, then put the whole file there or set 'download: true'"
DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (
        lambda file: file.write_bytes(file.read_bytes()[:-1000]),
        rf"{IMAGES} is truncated \(46,056 bytes, its header asks for 47,056\): {ANEW}",
    ),
    "longer": (lambda file: file.write_bytes(file.read_bytes() + b"x"), rf"{IMAGES} is too long \(47,057 bytes"),
    "gzipped": (
        lambda file: file.write_bytes(gzip.compress(file.read_bytes())),
        rf"{IMAGES} is still compressed: unpack it with `mv .*{IMAGES} .*{IMAGES}.gz && gunzip .*{IMAGES}.gz`",
    ),
    "packed": (
        lambda file: file.rename(f"{file}.gz").write_bytes(b""),
        rf"{IMAGES}.gz cannot be unpacked \(0 bytes: it is empty\): {ANEW}",
    ),
    "a packed part": (
        lambda file: _packed(file).write_bytes(_packed(file).read_bytes()[:-2000]),
        rf"{IMAGES}.gz cannot be unpacked \([0-9,]+ bytes: Compressed file ended before .*\): {ANEW}",
    ),
    "packed but truncated": (
        lambda file: _packed(file).write_bytes(gzip.compress(gzip.decompress(_packed(file).read_bytes())[:-1000])),
        rf"{IMAGES}.gz is truncated \(46,056 bytes, its header asks for 47,056\): {ANEW}",
    ),
    "empty": (lambda file: file.write_bytes(b""), rf"{IMAGES} is no idx file of bytes \(0 bytes\): {ANEW}"),
    "a page": (lambda file: file.write_text("<html>not found"), rf"{IMAGES} is no idx file of bytes \(15 bytes\)"),
    "other labels": (
        lambda file: _idx(file, np.zeros((59, 28, 28), np.uint8)),
        rf"{IMAGES} holds 59 images, but train-labels-idx1-ubyte 60 labels",
    ),
    "missing": (lambda file: file.unlink(), rf"{IMAGES} is missing\. Set its folder with 'root:', or download it"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_with_its_state_and_the_next_step(damage: str, raw: Path) -> None:
    change, text = DAMAGES[damage]
    change(raw / IMAGES)
    for train in (True, False):  # also of the split whose own files are intact
        with pytest.raises(MissingError, match=rf"dataset MNIST cannot be read from .*{text}"):
            Mnist(root=str(raw.parents[1])).load("train" if train else "test")
    with pytest.raises(MissingError, match=text):
        Mnist(root=str(raw.parents[1])).prepare()


def test_packed_files_a_flat_folder_and_a_package_hold_the_same_data(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat, packed = tmp_path / "flat", tmp_path / "packed"
    shutil.copytree(raw, flat)
    packed.mkdir()
    for file in raw.iterdir():
        (packed / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    first, *others = (Mnist(root=str(root)) for root in (raw.parents[1], flat, packed))
    monkeypatch.setattr(FashionMnist, "packaged", packed)
    installed = FashionMnist(root=str(tmp_path / "nothing"))
    for one in (*others, installed):
        one.prepare()
        assert one.fingerprint() == first.fingerprint()
        for split in SPLITS:
            mine, its = one.load(split), first.load(split)
            assert torch.equal(mine.samples, its.samples)
            assert mine.labels is not None
            assert its.labels is not None
            assert torch.equal(mine.labels, its.labels)
    # a folder of one's own precedes the package, whatever is in it
    _idx(flat / IMAGES, np.zeros((60, 28, 28), np.uint8))
    own = FashionMnist(root=str(flat))
    assert own.fingerprint() != first.fingerprint()
    (flat / IMAGES).write_bytes(b"")
    with pytest.raises(MissingError, match=r"no idx file of bytes"):
        FashionMnist(root=str(flat)).load("train")
    assert sorted(path.name for path in packed.iterdir()) == sorted(f"{path.name}.gz" for path in raw.iterdir())


def test_fashion_mnist_says_the_three_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FashionMnist, "packaged", tmp_path / "absent")
    with pytest.raises(
        MissingError, match=r"root:', install it with `apt-get install dataset-fashion-mnist` .*download"
    ):
        FashionMnist(root=str(tmp_path)).prepare()


@pytest.mark.skipif(not DEBIAN.is_dir() and not REQUIRED, reason="dataset-fashion-mnist is not installed")
def test_the_files_of_debians_package_are_read_without_a_download(tmp_path: Path) -> None:
    made = FashionMnist(root=str(tmp_path))
    made.prepare()
    train, test = made.load("train"), made.load("test")
    assert (train.samples.shape, test.samples.shape) == ((60_000, 1, 32, 32), (10_000, 1, 32, 32))
    for data, count in ((train, 6000), (test, 1000)):
        assert data.labels is not None
        assert data.labels.bincount().tolist() == [count] * 10
    inner = train.samples[:, 0, 2:30, 2:30].double() / 255
    # as published with the set
    assert inner.mean().item() == pytest.approx(0.2860, abs=1e-4)
    assert inner.std().item() == pytest.approx(0.3530, abs=1e-4)


def test_damaged_files_of_an_old_torchvision_are_missing_data_too(raw: Path) -> None:
    old = raw.parent / "processed"
    old.mkdir()
    for name in ("training.pt", "test.pt"):
        (old / name).write_bytes(b"rot")
    made = Mnist(root=str(raw.parents[1]))
    assert len(made.fingerprint()) == 16
    with pytest.raises(MissingError, match=r"dataset MNIST cannot be read from .*Delete its files there, then copy"):
        made.prepare()


def test_a_damaged_file_ends_a_run_before_anything_trains(inside: Cli, raw: Path, tmp_path: Path) -> None:
    (raw / IMAGES).write_bytes((raw / IMAGES).read_bytes()[:-1000])
    (tmp_path / "s.yaml").write_text(
        f"losses: [minimax]\narchitectures: [mlp]\ndatasets: [{{mnist: {{root: {tmp_path}}}}}]\ntrain: {{steps: 1}}\n"
    )
    done = inside("run", "--suite", "s.yaml")
    assert done.code == 3, done.err
    assert "is truncated" in done.err
    assert not (tmp_path / "results" / "runs").exists()


def test_missing_data_say_where_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"cannot be read from .*download: true"):
        Mnist(root=str(tmp_path)).prepare()


def test_missing_data_end_a_run_before_anything_trains(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "losses: [minimax]\narchitectures: [dcgan]\ndatasets: [digits, mnist]\ntrain: {steps: 1}\n"
    )
    weights = tmp_path / "w.pth"
    torch.save({}, weights)
    done = cli("run", "--suite", "s.yaml", "--weights", weights)
    assert done.code == 3
    assert "dataset MNIST cannot be read" in done.err
    assert not (tmp_path / "results" / "runs").exists()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as torch-fidelity publishes it, of random weights."""
    path: Path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        module = "torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url"
        patch.setattr(module, lambda *args, **kwargs: {})
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
        net = FeatureExtractorInceptionV3("inception", ["2048"])
    torch.save(net.state_dict(), path)
    return path


class Pictures:
    shape = (1, 16, 16)
    modes = None
    extractor = "inception"
    metrics = ("fid",)

    def load(self, split: str) -> Data:
        return Data(torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1)


def test_inception_is_loaded_from_a_file_and_keeps_its_contract(weights: Path) -> None:
    extractor = Inception(weights=str(weights))
    assert extractor.fingerprint() == hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    check_extractor(extractor, Pictures(), count=2)


def test_inception_sees_the_bytes_that_torch_fidelity_sees(weights: Path) -> None:
    images = Pictures().load("test").samples
    ours = Inception(weights=str(weights)).open(Pictures(), torch.device("cpu"))(images)
    net = FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased"], str(weights))
    theirs = net(((images + 1) * 127.5).round().to(torch.uint8).repeat(1, 3, 1, 1))
    torch.testing.assert_close(ours.features, theirs[0])
    torch.testing.assert_close(ours.logits, theirs[1])


def test_weights_that_are_none_are_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "executed",))

    torch.save({"a": Evil()}, tmp_path / "evil.pth")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("not weights")
    for name in ("evil", "other", "text"):
        with pytest.raises(MissingError, match="does not hold torch-fidelity's Inception weights"):
            Inception(weights=str(tmp_path / f"{name}.pth")).open(Pictures(), torch.device("cpu"))
    assert not (tmp_path / "executed").exists()
    with pytest.raises(MissingError, match="no weight file"):
        Inception(weights=str(tmp_path / "none.pth")).fingerprint()


def test_no_weights_and_no_network_say_which_file_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    with pytest.raises(MissingError, match=r"needs weights-inception-2015-12-05-6726825d\.pth .*--weights PATH"):
        Inception().prepare()


def test_a_damaged_official_file_is_not_taken_for_inception(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    Inception().path().parent.mkdir()
    Inception().path().write_bytes(b"other")
    with pytest.raises(MissingError, match="is damaged"):
        Inception().prepare()


@pytest.mark.slow
def test_scores_with_inception_are_torch_fidelitys_own(weights: Path) -> None:
    """The whole way of an image to FID, IS, KID, precision and recall, on fixed images."""
    import torch_fidelity

    from ganbench import View
    from ganbench_metrics.fidelity import Fid, InceptionScore, Kid, PrecisionRecall

    class Fixed(torch.utils.data.Dataset[torch.Tensor]):
        def __init__(self, images: torch.Tensor) -> None:
            self.images = ((images + 1) * 127.5).round().to(torch.uint8).expand(-1, 3, -1, -1)

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, index: int) -> torch.Tensor:
            return self.images[index]

    generator = torch.Generator().manual_seed(0)
    fake, real = torch.rand(2, 48, 1, 16, 16, generator=generator) * 2 - 1
    real = (real * 0.5).clamp(-1, 1)
    extract = Inception(weights=str(weights)).open(Pictures(), torch.device("cpu"))
    views = []
    for images in (real, fake):
        found = extract(images)
        views.append(View(images, found.features, found.logits, None, None, Pictures()))
    ours: dict[str, float] = {}
    for metric in (Fid(), InceptionScore(splits=4), Kid(subsets=10, subset_size=20), PrecisionRecall()):
        ours |= metric(*views)
    theirs = torch_fidelity.calculate_metrics(
        input1=Fixed(fake), input2=Fixed(real), isc=True, fid=True, kid=True, prc=True, isc_splits=4, kid_subsets=10,
        kid_subset_size=20, feature_extractor="inception-v3-compat", feature_extractor_weights_path=str(weights),
        batch_size=48, cuda=False, cache=False, verbose=False, save_cpu_ram=True,
    )  # fmt: skip
    assert ours["FID"] == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)
    assert ours["IS"] == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    assert ours["KID"] == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-6)
    assert ours["precision"] == theirs["precision"]
    assert ours["recall"] == theirs["recall"]
