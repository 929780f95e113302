"""Sets of images that torchvision reads, such as CIFAR-10."""

import os
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import pad
from torchvision import datasets

from ganbench import Data, MissingError, hash_files, location
from ganbench_datasets.files import state_of_known
from ganbench_datasets.image_files import Fitting, Pixels
from ganbench_datasets.papers import COATES, KRIZHEVSKY, NETZER

METRICS = ("fid", "inception-score", "kid", "precision-recall", "coverage-density", "spread", "memorisation")


def data_folder(root: str) -> Path:
    """The given folder, or `$GANBENCH_DATA`, or a folder in the user's cache."""
    default = os.environ.get("GANBENCH_DATA") or Path.home() / ".cache" / "ganbench" / "data"
    return Path(root or default).expanduser()


@dataclass(frozen=True)
class TorchvisionSet:
    """Images of one of torchvision's datasets, as bytes.

    `root` is the folder that torchvision reads (default: `$GANBENCH_DATA`, or a folder in the user's
    cache); `download: true` downloads missing files.
    """

    root: str = location("")
    download: bool = location(False)

    reader: ClassVar[Any] = None
    shape: ClassVar[tuple[int, ...]] = ()
    modes: ClassVar[int | None] = 10
    classes: ClassVar[int | None] = 10
    extractor: ClassVar[str] = "inception"
    metrics: ClassVar[tuple[str, ...]] = METRICS
    advice: ClassVar[str] = " Set its folder with 'root:', or download it with 'download: true'."
    """What to do if files are missing."""

    def _open(self, train: bool) -> Any:
        """Torchvision's reader of one split. Raises `MissingError`, also for what torchvision fails with."""
        folder = data_folder(self.root)
        if not self.download:
            self._check_files(self._states())
        try:
            return self._read(folder, train)
        except MissingError:
            raise
        except Exception as error:  # of torchvision, numpy, pickle or the network
            self._check_files(self._states(), error)
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise MissingError(
                f"dataset {self.reader.__name__} cannot be read from {folder}: {reason}. Delete its files there, then "
                "copy them again or set 'download: true'."
            ) from error

    def _read(self, folder: Path, train: bool) -> Any:
        """What torchvision gives of a split."""
        return self.reader(folder, train=train, download=self.download)

    def _files(self) -> list[Path]:
        """The files that torchvision reads for both splits, where they should be."""
        raise NotImplementedError

    def _states(self) -> list[str]:
        """What is wrong with the files, each with what to do."""
        raise NotImplementedError

    def _check_files(self, states: list[str], error: Exception | None = None) -> None:
        """Raise `MissingError` if something is wrong with the files; `error` is why they could not be downloaded."""
        if not states:
            return
        files, folder = self._files(), data_folder(self.root)
        missing = [text for text in states if text.endswith("is missing")]
        if len(missing) == len(files):
            there = files[0].parent
            names = ", ".join(file.name for file in files)
            states = [f"{there} lacks {names}" if there.is_dir() else f"there is no folder {there}"]
        hint = self.advice if missing else ""
        if error and self.download:
            hint = f" The download failed: {str(error).strip().partition(chr(10))[0]}"
        raise MissingError(
            f"dataset {self.reader.__name__} cannot be read from {folder}: {'; '.join(states)}.{hint}"
        ) from error

    def fingerprint(self) -> str:
        """A hash of the files of both splits. Raises `MissingError` if they are not there."""
        if not all(file.is_file() for file in self._files()):
            self._check_files(self._states())
        return hash_files(*self._files())

    def prepare(self) -> None:
        """Download what is missing. Raises `MissingError` if the files are not there or are damaged."""
        self._open(train=True)
        self._open(train=False)

    def load(self, split: Literal["train", "test"]) -> Data:
        """The images of a split as bytes. Raises `MissingError` if the files are not there or are damaged."""
        return self._loaded(split)

    def _loaded(self, split: Literal["train", "test"]) -> Data:
        """The split, read by torchvision; other sets read it as they are stored."""
        read = self._open(train=split == "train")
        images = torch.as_tensor(read.data)
        images = images.permute(0, 3, 1, 2) if images.dim() == 4 else images[:, None]
        border = (self.shape[1] - images.shape[2]) // 2
        return Data(pad(images, [border] * 4).contiguous(), torch.as_tensor(read.targets, dtype=torch.int64))


@dataclass(frozen=True)
class KnownFiles(TorchvisionSet):
    """A set whose files torchvision knows by their MD5, in one archive."""

    def _known(self) -> list[tuple[Path, str]]:
        """Every file of both splits with its MD5."""
        parts = (*self.reader.train_list, *self.reader.test_list)
        return [(data_folder(self.root) / self.reader.base_folder / name, md5) for name, md5 in parts]

    def _files(self) -> list[Path]:
        return [file for file, _ in self._known()]

    def _states(self) -> list[str]:
        states = [text for file, md5 in self._known() if (text := state_of_known(file, md5))]
        archive = data_folder(self.root) / getattr(self.reader, "filename", "")
        if states and archive.is_file() and not self._files()[0].parent.exists():
            how = f"tar -xzf {quote(str(archive))} -C {quote(str(archive.parent))}"
            return [f"{archive} is not unpacked: unpack it with `{how}`"]
        return states


@dataclass(frozen=True)
class Cifar10(KnownFiles):
    """Small color photographs of ten classes, 50,000 + 10,000, 32x32."""

    version = "1"
    reference = KRIZHEVSKY
    reader = datasets.CIFAR10
    shape = (3, 32, 32)


@dataclass(frozen=True)
class Cifar100(KnownFiles):
    """Small color photographs of a hundred classes, 50,000 + 10,000, 32x32."""

    version = "1"
    reference = KRIZHEVSKY
    reader = datasets.CIFAR100
    shape = (3, 32, 32)
    modes = 100
    classes = 100


@dataclass(frozen=True)
class Svhn(KnownFiles):
    """House numbers from street photographs by their middle digit, 73,257 + 26,032, 32x32 in color."""

    version = "1"
    reference = NETZER
    reader = datasets.SVHN
    shape = (3, 32, 32)

    def _known(self) -> list[tuple[Path, str]]:
        parts = (self.reader.split_list[name][1:] for name in ("train", "test"))
        return [(data_folder(self.root) / name, md5) for name, md5 in parts]

    def _read(self, folder: Path, train: bool) -> Any:
        return self.reader(folder, split="train" if train else "test", download=self.download)

    def _loaded(self, split: Literal["train", "test"]) -> Data:
        read = self._open(train=split == "train")
        return Data(torch.from_numpy(read.data), torch.as_tensor(read.labels, dtype=torch.int64))


@dataclass(frozen=True)
class Stl10(KnownFiles):
    """Color photographs of ten classes, 5,000 + 8,000 with labels, 96x96, scaled to `size` pixels by Lanczos.

    With `unlabeled` the training split is the 100,000 photographs without labels, and the test split has no labels
    either.
    """

    size: int = 96
    unlabeled: bool = False

    version = "1"
    reference = COATES
    reader = datasets.STL10

    def __post_init__(self) -> None:
        if not 8 <= self.size <= 96:
            raise ValueError(f"size must be 8 to 96 pixels, got {self.size}")

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        return (3, self.size, self.size)

    @property
    def classes(self) -> int | None:  # type: ignore[override]
        return None if self.unlabeled else 10

    def _known(self) -> list[tuple[Path, str]]:
        wanted = ("unlabeled_X.bin", "test_X.bin") if self.unlabeled else (
            "train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin",
        )  # fmt: skip
        return [one for one in super()._known() if one[0].name in wanted]

    def _read(self, folder: Path, train: bool) -> Any:
        if self.download:
            self.reader(folder, split="train", download=True)
        self._check_files(self._states())

    def _loaded(self, split: Literal["train", "test"]) -> Data:
        self._open(train=True)
        files = {file.name: file for file in self._files()}
        name = "unlabeled" if self.unlabeled and split == "train" else split
        # columns first, as MATLAB writes them
        pixels = np.fromfile(files[f"{name}_X.bin"], dtype=np.uint8).reshape(-1, 3, 96, 96).swapaxes(2, 3)
        labels = None if self.unlabeled else np.fromfile(files[f"{name}_y.bin"], dtype=np.uint8).astype(np.int64) - 1
        return Data(torch.from_numpy(self._scaled(pixels)), None if labels is None else torch.from_numpy(labels))

    def _scaled(self, pixels: Pixels) -> Pixels:
        if self.size == 96:
            return np.ascontiguousarray(pixels)
        fitting = Fitting(self.size, "crop", 3, "lanczos", "white")
        return np.stack([fitting(Image.fromarray(np.ascontiguousarray(one.transpose(1, 2, 0)))) for one in pixels])
