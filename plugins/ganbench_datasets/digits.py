"""Handwritten digits that ship with scikit-learn: images without a download."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
from torch.nn.functional import interpolate

from ganbench import Data, MissingError, hash_files
from ganbench_datasets.papers import ALPAYDIN


@dataclass(frozen=True)
class Digits:
    """1,797 handwritten digits, upsampled bilinearly from 8x8 to 16x16, in [-1, 1].

    The optical digits of the UCI repository as scikit-learn ships them, in a stratified split of
    1,347 training and 450 test images.
    """

    version = "1"
    reference = ALPAYDIN
    shape = (1, 16, 16)
    modes = 10
    classes = 10
    extractor = "digits16"
    metrics = (
        "fid",
        "inception-score",
        "kid",
        "precision-recall",
        "coverage-density",
        "spread",
        "memorisation",
        "modes",
        "mode-shapes",
    )

    def fingerprint(self) -> str:
        """A hash of scikit-learn's file of the images, and the version of the code that splits and enlarges them."""
        package = find_spec("sklearn")
        if package is None or not package.submodule_search_locations:
            raise MissingError("dataset digits needs scikit-learn, which is not installed")
        folder = Path(package.submodule_search_locations[0])
        return f"{hash_files(folder / 'datasets' / 'data' / 'digits.csv.gz')}-{self.version}"

    def load(self, split: Literal["train", "test"]) -> Data:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        images, labels = load_digits(return_X_y=True)
        parts = train_test_split(images, labels, test_size=0.25, random_state=0, stratify=labels)
        chosen, marks = (parts[0], parts[2]) if split == "train" else (parts[1], parts[3])
        small = torch.tensor(chosen, dtype=torch.float32).reshape(-1, 1, 8, 8) / 8 - 1
        large = interpolate(small, size=(16, 16), mode="bilinear", align_corners=False)
        return Data(large, torch.tensor(marks, dtype=torch.int64))
