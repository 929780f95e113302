"""Stacked sets: what their samples, labels and fingerprints are made of, and how a set of one's own is stacked."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from ganbench import Data
from ganbench.registry.fingerprints import fingerprint
from ganbench.registry.registry import Registry
from ganbench_datasets.digits import Digits
from ganbench_datasets.idx_sets import FashionMnist, IdxSet, Mnist
from ganbench_datasets.stacked import StackedDigits, StackedFashion, StackedMnist, StackedSet

CPU = torch.device("cpu")
PAPERS = 26_000


@pytest.mark.parametrize("split", ["train", "test"])
def test_each_channel_is_an_image_of_the_same_split_and_the_label_says_which_classes(
    split: Literal["train", "test"],
) -> None:
    samples, labels = StackedDigits(triples=500).load(split)
    images, classes = Digits().load(split)
    assert labels is not None
    assert classes is not None
    known = {image.numpy().tobytes(): int(label) for image, label in zip(images, classes, strict=True)}
    assert samples.shape == ((500 if split == "train" else PAPERS), 3, 16, 16)
    for sample, label in zip(samples[:500], labels[:500].tolist(), strict=True):
        hundreds, tens, ones = (known[channel[None].numpy().tobytes()] for channel in sample)
        assert label == 100 * hundreds + 10 * tens + ones


def test_triples_are_drawn_evenly_and_the_channels_by_themselves() -> None:
    labels = StackedDigits(triples=100_000).load("train").labels
    assert labels is not None
    counts = np.bincount(labels.numpy(), minlength=1000)
    frequency = np.bincount(Digits().load("train").labels.numpy(), minlength=10) / 1347  # type: ignore[union-attr]
    wanted = 100_000 * np.einsum("a,b,c->abc", frequency, frequency, frequency).reshape(-1)
    chi_squared = ((counts - wanted) ** 2 / wanted).sum()
    assert abs(chi_squared - 999) < 4 * (2 * 999) ** 0.5


def test_the_fingerprint_follows_the_parameters_and_the_base() -> None:
    found = [fingerprint(made) for made in (StackedDigits(), StackedDigits(128_000), StackedDigits(500), _OfBytes(500))]
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_bytes_stay_bytes_and_sets_of_other_classes_have_other_modes() -> None:
    made = _OfBytes(50)
    samples, labels = made.load("train")
    assert samples.dtype == torch.uint8
    assert (made.shape, made.modes, made.classes) == ((3, 4, 4), 8, 8)
    assert labels is not None
    assert torch.equal(labels, (samples[:, :, 0, 0].long() * torch.tensor([4, 2, 1])).sum(dim=1))


@pytest.mark.parametrize(("cls", "base"), [(StackedFashion, FashionMnist), (StackedMnist, Mnist)])
def test_files_of_idx_sets_are_stacked(
    cls: type[StackedFashion | StackedMnist], base: type[IdxSet], tmp_path: Path
) -> None:
    root = tmp_path / "files"
    root.mkdir()
    for name, count in (("train", 30), ("t10k", 20)):
        images = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        for what, values in (("images-idx3", images), ("labels-idx1", (np.arange(count) % 10).astype(np.uint8))):
            head = struct.pack(f">I{'I' * values.ndim}", 0x0800 | values.ndim, *values.shape)
            (root / f"{name}-{what}-ubyte").write_bytes(head + values.tobytes())
    made = cls(triples=100, root=str(root))
    made.prepare()
    before = fingerprint(made)
    samples, labels = made.load("train")
    assert (made.shape, made.modes, samples.dtype, tuple(samples.shape)) == (
        (3, 32, 32), 1000, torch.uint8, (100, 3, 32, 32),
    )  # fmt: skip
    originals, classes = base(root=str(root)).load("train")
    assert labels is not None
    assert classes is not None
    same = (samples[0][:, None] == originals[:, 0]).flatten(2).all(dim=2)
    assert labels[0] == (classes[same.long().argmax(dim=1)] * torch.tensor([100, 10, 1])).sum()
    moved = root.rename(tmp_path / "moved")
    assert fingerprint(cls(triples=100, root=str(moved))) == before


def test_what_cannot_be_stacked_is_named() -> None:
    with pytest.raises(ValueError, match="triples must be >= 1"):
        StackedDigits(triples=0)
    with pytest.raises(ValueError, match="Bits cannot be stacked: wanted labeled images of one channel"):
        _OfBytes(50, labeled=False).load("train")


@dataclass(frozen=True)
class Bits:
    """Black or nearly black images, one pixel value for each class."""

    labeled: bool = True

    shape = (1, 4, 4)
    modes = 2
    extractor = "none"
    metrics = ()

    def load(self, split: Literal["train", "test"]) -> Data:
        labels = torch.arange(10) % 2
        return Data(labels[:, None, None, None].expand(-1, 1, 4, 4).to(torch.uint8), labels if self.labeled else None)


@dataclass(frozen=True)
class _OfBytes(StackedSet):
    labeled: bool = True

    extractor = "none"

    @property
    def base(self) -> Bits:
        return Bits(self.labeled)


def test_a_set_of_ones_own_is_stacked_as_the_documentation_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "samples.md").read_text()
    (text,) = re.findall(r'```python title="stacked_glyphs.py"\n(.*?)```', page, flags=re.DOTALL)
    (tmp_path / "stacked_glyphs.py").write_text(text)
    registry = Registry.load([tmp_path / "stacked_glyphs.py"])
    dataset = registry.create("dataset", registry.choose("dataset", "stacked-glyphs", {"triples": 50}))
    extractor: Any = registry.create("extractor", registry.choose("extractor", dataset.extractor, {}))
    assert extractor.supports(dataset) is None
    found = extractor.open(dataset, CPU)(dataset.load("train").samples)
    assert found.features.shape == (50, extractor.dims)
    assert found.logits.shape == (50, 1000)
