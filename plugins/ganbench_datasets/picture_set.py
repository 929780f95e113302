"""Pictures that are decoded once, brought to one size, and mapped from the user's cache."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import astuple, replace
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import PIL
import torch
from PIL import features

from ganbench import Data, MissingError
from ganbench_datasets.image_files import Fitting, Pixels
from ganbench_datasets.picture_reading import Source, decoded, divided
from ganbench_datasets.pixel_cache import Cached, PixelCache, cache_key


class PictureSet:
    """What sets of pictures share. A subclass is a dataclass with these settings, and says where its pictures are."""

    size: int
    fit: str
    channels: int
    filter: str
    background: str
    test_share: float

    version: ClassVar[str]
    extractor: ClassVar[str] = "inception"
    metrics: ClassVar[tuple[str, ...]] = (
        "fid", "kid", "precision-recall", "coverage-density", "spread", "memorisation",
    )  # fmt: skip

    @property
    def _place(self) -> str:
        """Where the pictures are, in words."""
        raise NotImplementedError

    @property
    def _reading(self) -> tuple[object, ...]:
        """The settings that decide, beside those above, what is read."""
        raise NotImplementedError

    @property
    def _source(self) -> Source:
        """The pictures. Raises `MissingError` if they are not there."""
        raise NotImplementedError

    def _check_settings(self) -> None:
        """Raise `ValueError` for a setting with a wrong value."""
        if not 0 < self.test_share < 1:
            raise ValueError(f"test_share must be above 0 and below 1, got {self.test_share:g}")
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
    def _cache(self) -> PixelCache:
        """Where the decoded pictures are kept; decoders of other versions give other bytes."""
        decoders = PIL.__version__, features.version("jpg"), features.version("webp")
        settings = astuple(self._fitting), self.test_share, *self._reading
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
                f"{self._place} holds {len(train)} pictures to train with and {len(test)} to test with; both splits "
                "need some, and copies of a file are in the same one"
            )
        places = [*train, *test]
        labels = np.array([items[place].label for place in places], dtype=np.int64)
        known = None if (labels < 0).any() else labels
        rows = decoded(self._source, places, self._fitting, f"reading the pictures of {self._place}")
        checked = self._unchanged(rows)
        self._cache.write(checked, (len(places), *self.shape), known, len(train), self._source.classes)

    def _unchanged(self, rows: Iterator[Pixels]) -> Iterator[Pixels]:
        """The rows, if the files are still the same at their end. Raises `MissingError`."""
        yield from rows
        if replace(self).fingerprint() != self.fingerprint():  # type: ignore[type-var]
            raise MissingError(
                f"the files of {self._place} changed while they were read; run again when they are complete"
            )
