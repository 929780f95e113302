"""One's own pictures: a folder of image files, or files of arrays."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import PIL
import torch
from PIL import features

from ganbench import Data, MissingError, location
from ganbench_datasets.array_files import BATCH, IDX, ORDERS, ArrayFiles, array_files
from ganbench_datasets.image_files import Fitting, Pixels
from ganbench_datasets.picture_reading import Source, decoded, divided
from ganbench_datasets.picture_tree import PictureTree, first_picture
from ganbench_datasets.pixel_cache import Cached, PixelCache, cache_key


@dataclass(frozen=True)
class Folder:
    """Your own pictures: a tree of PNG, JPEG and WebP files, `.npz` or `.npy`, idx files or batches of CIFAR.

    `root` is the folder or file. Every picture becomes a square of `size` pixels: `fit: crop` cuts the middle square
    out, `pad` fills up with `background`, on which transparent pixels are laid too; `filter` scales (lanczos, bicubic,
    bilinear, box, nearest). `channels` is 3 or 1 (gray). `train` and `test` (or `val`) inside the folder are the
    splits; without them `test_share` of the pictures, chosen by their contents, are held out. The first folders are
    the classes, unless `labels` is false. `key` and `order` (nhwc, nchw) say what an array file holds.

    What was decoded is kept in the cache folder and mapped from there.
    """

    root: str = location()
    size: int = 32
    fit: str = "crop"
    channels: int = 3
    filter: str = "lanczos"
    background: str = "white"
    test_share: float = 0.1
    labels: bool = True
    key: str = ""
    order: str = "auto"

    version = "1"
    extractor = "inception"
    metrics = ("fid", "kid", "precision-recall", "coverage-density", "spread", "memorisation")

    def __post_init__(self) -> None:
        if not isinstance(self.root, str) or not self.root:
            raise ValueError("set 'root' to the folder of your pictures, such as {folder: {root: pictures}}")
        if not 0 < self.test_share < 1:
            raise ValueError(f"test_share must be above 0 and below 1, got {self.test_share:g}")
        if self.order not in ORDERS:
            raise ValueError(f"order must be {', '.join(ORDERS)}, got {self.order!r}")
        _ = self._fitting  # which checks its values

    @cached_property
    def _fitting(self) -> Fitting:
        return Fitting(self.size, self.fit, self.channels, self.filter, self.background)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.size, self.size)

    @property
    def classes(self) -> int | None:
        """The number of classes, or None without labels. Raises `MissingError` if the pictures are not there."""
        seal = self._cache.read_seal()
        return seal.classes if seal else self._source.classes

    @property
    def modes(self) -> int | None:
        """The number of classes: what is known of the modes of pictures."""
        return self.classes

    def fingerprint(self) -> str:
        """A hash of the contents of the files, with their splits and classes; the folder's own place is not in it."""
        content = json.dumps(self._source.identity)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def prepare(self) -> None:
        """Decode the pictures if that was not done yet. Raises `MissingError` with the names of faulty files."""
        self._read()

    def load(self, split: Literal["train", "test"]) -> Data:
        """The pictures of a split as bytes, mapped. Raises `MissingError` if they are not there or faulty."""
        pixels, labels, seal = self._read()
        part = slice(0, seal.train) if split == "train" else slice(seal.train, None)
        return Data(torch.from_numpy(pixels[part]), None if labels is None else torch.from_numpy(labels[part].copy()))

    @cached_property
    def _source(self) -> Source:
        return open_source(Path(self.root).expanduser().absolute(), self.labels, self.key, self.order)

    @cached_property
    def _cache(self) -> PixelCache:
        """Where the decoded pictures are kept; decoders of other versions give other bytes."""
        decoders = PIL.__version__, features.version("jpg"), features.version("webp")
        settings = astuple(self._fitting), self.test_share, self.labels, self.key, self.order
        return PixelCache(cache_key(self.version, self.fingerprint(), settings, decoders))

    def _read(self) -> Cached:
        found = self._cache.read()
        if found is None:
            self._decode()
            found = self._cache.read()
        if found is None:
            raise MissingError(f"{self._cache.pixels} was damaged while it was written; check the disk, and run again")
        return found

    def _decode(self) -> None:
        items = self._source.items
        train, test = divided(items, self.test_share)
        if not train or not test:
            raise MissingError(
                f"{self.root} holds {len(train)} pictures to train with and {len(test)} to test with; both splits need "
                "some, and copies of a file are in the same one"
            )
        places = [*train, *test]
        labels = np.array([items[place].label for place in places], dtype=np.int64)
        known = None if (labels < 0).any() else labels
        rows = decoded(self._source, places, self._fitting, f"reading the pictures of {self.root}")
        checked = self._unchanged(rows)
        self._cache.write(checked, (len(places), *self.shape), known, len(train), self._source.classes)

    def _unchanged(self, rows: Iterator[Pixels]) -> Iterator[Pixels]:
        """The rows, if the files are still the same at their end. Raises `MissingError`."""
        yield from rows
        if replace(self).fingerprint() != self.fingerprint():
            raise MissingError(
                f"the files of {self.root} changed while they were read; run again when they are complete"
            )


def open_source(root: Path, labeled: bool, key: str, order: str) -> Source:
    """The pictures at a path. Raises `MissingError` if there is nothing, or more than one kind of files."""
    if not root.exists():
        raise MissingError(
            f"dataset folder: there is no folder or file {root}; set 'root' to that of your pictures (relative to the "
            "suite's file)"
        )
    known = root.suffix.lower() in (".npz", ".npy") or IDX.search(root.name) or BATCH.match(root.name)
    if root.is_file() and not known:
        raise MissingError(f"{root} is no folder of pictures, and no file .npz, .npy, idx or batch of CIFAR")
    arrays = array_files(root)
    if not arrays:
        return PictureTree(root, labeled)
    if root.is_dir() and (other := first_picture(root)):
        raise MissingError(f"{root} holds arrays ({arrays[0].name}) and pictures ({other}): set 'root' to one of them")
    return ArrayFiles(root, arrays, labeled, key, order)
