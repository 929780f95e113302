"""MNIST, Fashion-MNIST and CIFAR-10, read by torchvision."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch.nn.functional import pad
from torchvision import datasets

from ganbench import Data, MissingError, hash_files, location

METRICS = ("fid", "inception-score", "kid", "precision-recall", "coverage-density", "spread", "memorisation")


def _folder(root: str) -> Path:
    """The given folder, or `$GANBENCH_DATA`, or a folder in the user's cache."""
    default = os.environ.get("GANBENCH_DATA") or Path.home() / ".cache" / "ganbench" / "data"
    return Path(root or default).expanduser()


@dataclass(frozen=True)
class TorchvisionSet:
    """Images of one of torchvision's datasets, in [-1, 1].

    `root` is the folder that torchvision reads (default: `$GANBENCH_DATA`, or a folder in the user's
    cache); `download: true` downloads missing files.
    """

    root: str = location("")
    download: bool = location(False)

    reader: ClassVar[Any] = None
    shape: ClassVar[tuple[int, ...]] = ()
    modes: ClassVar[int] = 10
    extractor: ClassVar[str] = "inception"
    metrics: ClassVar[tuple[str, ...]] = METRICS

    def _open(self, train: bool) -> Any:
        folder = _folder(self.root)
        try:
            return self.reader(folder, train=train, download=self.download)
        except (RuntimeError, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise MissingError(
                f"dataset {self.reader.__name__} cannot be read from {folder}: {reason} "
                "Set its folder with 'root:', or download it with 'download: true'."
            ) from error

    def _files(self) -> list[Path]:
        """The files that torchvision reads for both splits, where they should be."""
        raise NotImplementedError

    def fingerprint(self) -> str:
        """A hash of the files of both splits. Raises `MissingError` if they are not there."""
        return hash_files(*self._files())

    def prepare(self) -> None:
        """Download what is missing. Raises `MissingError` if the files are not there."""
        self._open(train=True)
        self._open(train=False)

    def load(self, split: Literal["train", "test"]) -> Data:
        read = self._open(train=split == "train")
        images = torch.as_tensor(read.data)
        images = images.permute(0, 3, 1, 2) if images.dim() == 4 else images[:, None]
        border = (self.shape[1] - images.shape[2]) // 2
        scaled = images.float() / 127.5 - 1
        return Data(pad(scaled, [border] * 4, value=-1.0), torch.as_tensor(read.targets, dtype=torch.int64))


@dataclass(frozen=True)
class IdxSet(TorchvisionSet):
    """Images in the format of MNIST: four files in `<root>/<name>/raw`, as they are after unpacking."""

    def _files(self) -> list[Path]:
        folder = _folder(self.root) / self.reader.__name__
        old = [folder / "processed" / name for name in (self.reader.training_file, self.reader.test_file)]
        if all(file.is_file() for file in old):  # written by an old torchvision, and read in preference by today's
            return old
        return [folder / "raw" / name.removesuffix(".gz") for name, _ in self.reader.resources]


@dataclass(frozen=True)
class Mnist(IdxSet):
    """Handwritten digits, 60,000 + 10,000, padded from 28x28 to 32x32."""

    version = "1"
    reader = datasets.MNIST
    shape = (1, 32, 32)


@dataclass(frozen=True)
class FashionMnist(IdxSet):
    """Articles of clothing, 60,000 + 10,000, padded from 28x28 to 32x32."""

    version = "1"
    reader = datasets.FashionMNIST
    shape = (1, 32, 32)


@dataclass(frozen=True)
class Cifar10(TorchvisionSet):
    """Small color photographs of ten classes, 50,000 + 10,000, 32x32."""

    version = "1"
    reader = datasets.CIFAR10
    shape = (3, 32, 32)

    def _files(self) -> list[Path]:
        names = [name for name, _ in (*self.reader.train_list, *self.reader.test_list)]
        return [_folder(self.root) / self.reader.base_folder / name for name in names]
