"""Keeps decoded pictures as one `.npy` file in the user's cache, from which they are mapped into memory."""

import hashlib
import json
import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npy

from ganbench import MissingError, cache_folder, hash_each
from ganbench_datasets.image_files import Pixels
from ganbench_datasets.replacing import replacing

LOG = logging.getLogger("ganbench.progress")
LEFTOVER_S = 24 * 3600
Labels = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


class Seal(NamedTuple):
    """What belongs to a cached file: the hashes of its parts, how many pictures are training data, and the classes."""

    pixels: str
    labels: str
    train: int
    classes: int | None


class Cached(NamedTuple):
    """Pictures (N, C, H, W), mapped, the training data first; their labels (N,) or None; and the seal."""

    pixels: Pixels
    labels: Labels | None
    seal: Seal


class PixelCache:
    """One cached set of pictures. Writers that do the same work at the same time write the same bytes."""

    def __init__(self, key: str) -> None:
        self.folder = cache_folder().absolute() / "pixels"
        self.pixels, self.labels = self.folder / f"{key}.npy", self.folder / f"{key}.labels.npy"
        self.seal = self.folder / f"{key}.json"

    def read_seal(self) -> Seal | None:
        """The seal, if there is one and the files beside it are those that were sealed."""
        if not self.seal.exists():
            return None
        try:
            seal = Seal(**json.loads(self.seal.read_bytes()))
            wanted = {self.pixels: seal.pixels, **({self.labels: seal.labels} if seal.labels else {})}
            if hash_each(self.folder, wanted) == wanted:
                return seal
        except (OSError, ValueError, TypeError, MissingError, RecursionError):
            pass
        LOG.warning("%s is damaged; it is made again", self.pixels)
        return None

    def read(self) -> Cached | None:
        """The pictures, or None if they are not there or were damaged."""
        seal = self.read_seal()
        if seal is None:
            return None
        # mode "c": what is changed in memory is not written to the file
        return Cached(np.load(self.pixels, mmap_mode="c"), np.load(self.labels) if seal.labels else None, seal)

    def write(
        self, rows: Iterable[Pixels], shape: tuple[int, ...], labels: Labels | None, train: int, classes: int | None
    ) -> None:
        """Write pictures as they come; all or nothing. Raises `MissingError` if the disk refuses."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(self.folder)
            with replacing(self.pixels) as file:
                header = {"descr": npy.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False, "shape": shape}
                npy.write_array_header_1_0(file, header)
                for row in rows:
                    file.write(row.tobytes())
            if labels is not None:
                with replacing(self.labels) as file:
                    np.save(file, labels)
            parts = [self.pixels] if labels is None else [self.pixels, self.labels]
            hashes = [*hash_each(self.folder, parts).values(), ""]
            with replacing(self.seal) as file:
                file.write(json.dumps(Seal(hashes[0], hashes[1], train, classes)._asdict()).encode())
        except OSError as error:
            size = np.prod(shape) / 2**20
            raise MissingError(
                f"{self.folder} cannot be written ({error.strerror or error}): decoded pictures need {size:,.0f} MiB "
                "there; make room, or name another folder by GANBENCH_CACHE"
            ) from error


def _remove_leftovers(folder: Path) -> None:
    """Delete what a process that was killed left half written more than a day ago."""
    for path in folder.glob(".*"):
        if time.time() - path.stat().st_mtime > LEFTOVER_S:
            path.unlink(missing_ok=True)


def cache_key(*parts: object) -> str:
    """The name of a cached set of pictures: a hash of everything that decides about its bytes."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
