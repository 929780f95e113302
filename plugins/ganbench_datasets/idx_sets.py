"""MNIST and Fashion-MNIST: files in the idx format, packed or not, in a folder, from a package, or downloaded."""

import contextlib
import gzip
import logging
import os
import shutil
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from torchvision import datasets

from ganbench import Data, cache_folder, hash_files
from ganbench_datasets.files import ANEW, count_of_idx, state_of_idx
from ganbench_datasets.papers import LECUN, XIAO
from ganbench_datasets.replacing import replacing
from ganbench_datasets.torchvision_sets import METRICS, TorchvisionSet, data_folder

LOG = logging.getLogger("ganbench.progress")
NAMES = (
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
)  # fmt: skip
UNPACKING = (EOFError, OSError, zlib.error)
"""What unpacking a damaged file raises."""


@dataclass(frozen=True)
class IdxSet(TorchvisionSet):
    """Images in the format of MNIST: four files, as they are after unpacking or each with the ending `.gz`.

    They are read from the first of these folders that has one of them: `<root>/<NAME>/raw`, where torchvision
    puts them; `<root>` itself; the folder of an installed package, if there is one for this set.
    """

    packaged: ClassVar[Path | None] = None
    """Where a package of the operating system puts the files."""

    def _places(self) -> tuple[Path, ...]:
        """The folders that may hold the files, in their order."""
        folder = data_folder(self.root)
        return folder / self.reader.__name__ / "raw", folder, *((self.packaged,) if self.packaged else ())

    def _place(self) -> Path:
        """The first folder that has one of the files, or else torchvision's."""
        places = self._places()
        return next((place for place in places if any(_found(place, name) for name in NAMES)), places[0])

    def _files(self) -> list[Path]:
        """The four unpacked files, or where they should be."""
        return self._old_files() or [_readable(self._place(), name) for name in NAMES]

    def _old_files(self) -> list[Path]:
        """The two files of an old torchvision, if both are there; today's reads them in preference."""
        folder = data_folder(self.root) / self.reader.__name__ / "processed"
        old = [folder / name for name in (self.reader.training_file, self.reader.test_file)]
        return old if all(file.is_file() for file in old) else []

    def _states(self) -> list[str]:
        if self._old_files():
            return []
        place = self._place()
        states = [text for name in NAMES if (text := _state(place, name))]
        if states:
            return states
        counts = [count_of_idx(file) for file in self._files()]
        return [
            f"{place / NAMES[at]} holds {counts[at]:,} images, but {NAMES[at + 1]} {counts[at + 1]:,} labels"
            for at in (0, 2)
            if counts[at] != counts[at + 1]
        ]

    def prepare(self) -> None:
        """Download what is missing, unpack what is packed.

        Raises `MissingError` if the files are not there or are damaged.
        """
        missing = not any(_found(self._place(), name) for name in NAMES)
        if self._old_files() or (self.download and (missing or self._states())):
            super().prepare()
        self._check_files(self._states())

    def _loaded(self, split: Literal["train", "test"]) -> Data:
        if self._old_files():
            return super()._loaded(split)
        self._check_files(self._states())
        images, labels = self._files()[:2] if split == "train" else self._files()[2:]
        pixels = _values(images)[:, None]
        border = (self.shape[1] - pixels.shape[2]) // 2
        return Data(pad(pixels, [border] * 4), _values(labels).long())


def _found(place: Path, name: str) -> bool:
    return (place / name).is_file() or (place / f"{name}.gz").is_file()


def _values(file: Path) -> Tensor:
    """The bytes of an intact idx file in their shape, as a tensor of uint8."""
    with file.open("rb") as opened:
        rank = opened.read(4)[3]
    sizes = np.fromfile(file, dtype=">u4", count=rank, offset=4).astype(int)
    return torch.from_numpy(np.fromfile(file, dtype=np.uint8, offset=4 + 4 * rank).reshape(sizes))


def _is_packed(place: Path, name: str) -> bool:
    return not (place / name).is_file() and (place / f"{name}.gz").is_file()


def _readable(place: Path, name: str) -> Path:
    """A file as it is read: itself, or its unpacked copy; where it should be if it is missing or cannot be unpacked."""
    if _is_packed(place, name):
        with contextlib.suppress(*UNPACKING):
            return _unpacked(place / f"{name}.gz", name)
    return place / name


def _state(place: Path, name: str) -> str | None:
    """What is wrong with a file and what to do, or None."""
    if not _is_packed(place, name):
        return state_of_idx(place / name)
    packed = place / f"{name}.gz"
    try:
        copy = _unpacked(packed, name)
    except UNPACKING as error:
        return f"{packed} cannot be unpacked ({packed.stat().st_size:,} bytes: {error}): {ANEW}"
    text = state_of_idx(copy)
    return text and text.replace(str(copy), str(packed), 1)


def _unpacked(packed: Path, name: str) -> Path:
    """The unpacked copy of a file in the cache, made again if its checksum is another."""
    if not packed.stat().st_size:
        raise EOFError("it is empty")
    copy = cache_folder() / "unpacked" / hash_files(packed) / name
    if copy.is_file():
        with packed.open("rb") as source:
            source.seek(-8, os.SEEK_END)
            checksum, _ = struct.unpack("<II", source.read(8))  # RFC 1952, 2.3.1
        if zlib.crc32(copy.read_bytes()) == checksum:
            return copy
        LOG.warning("%s is damaged; it is unpacked again", copy)
    copy.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(packed) as source, replacing(copy) as target:
        shutil.copyfileobj(source, target)
    return copy


@dataclass(frozen=True)
class Mnist(IdxSet):
    """Handwritten digits, 60,000 + 10,000, padded from 28x28 to 32x32."""

    version = "1"
    reference = LECUN
    reader = datasets.MNIST
    shape = (1, 32, 32)
    extractor = "mnist32"
    metrics = (*METRICS, "modes", "mode-shapes")


@dataclass(frozen=True)
class FashionMnist(IdxSet):
    """Articles of clothing, 60,000 + 10,000, padded from 28x28 to 32x32.

    Debian's package `dataset-fashion-mnist` has the files; where it is installed, they need no download.
    """

    version = "1"
    reference = XIAO
    reader = datasets.FashionMNIST
    shape = (1, 32, 32)
    extractor = "fashion32"
    metrics = (*METRICS, "modes", "mode-shapes")
    packaged = Path("/usr/share/datasets/fashion-mnist")
    advice = (
        " Set its folder with 'root:', install it with `apt-get install dataset-fashion-mnist` (Debian), or download "
        "it with 'download: true'."
    )
