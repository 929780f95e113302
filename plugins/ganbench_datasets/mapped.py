"""Keeps large computed arrays in the user's cache, so that several processes map one copy into memory."""

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganbench import MissingError, cache_folder, hash_files
from ganbench_datasets.replacing import replacing

LOG = logging.getLogger("ganbench.progress")


def mapped(key: str, compute: Callable[[], Tensor]) -> Tensor:
    """The tensor kept under a key, which must name everything that it depends on; computed if it is not there.

    A damaged file is computed again. If the cache cannot be written, the result stays in memory.
    """
    path = cache_folder() / "mapped" / f"{key}.npy"
    seal = path.with_suffix(".hash")
    found = _read(path, seal)
    if found is not None:
        return found
    computed = compute()
    with suppress(OSError, MissingError):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, computed.numpy())
        _write(seal, np.frombuffer(hash_files(path).encode(), dtype=np.uint8))
        found = _read(path, seal)
    return computed if found is None else found


def _read(path: Path, seal: Path) -> Tensor | None:
    """The mapped tensor, or None if it is not there or is not what was sealed."""
    if not path.is_file() or not seal.is_file():
        return None
    with suppress(OSError, ValueError, EOFError, MissingError):
        if bytes(np.load(seal)).decode() == hash_files(path):
            return torch.from_numpy(np.load(path, mmap_mode="c"))  # what is changed in memory is not written
    LOG.warning("%s is damaged; it is made again", path)
    return None


def _write(path: Path, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    """Replace a file at once by an array. Raises `OSError`."""
    with replacing(path) as file:
        np.save(file, array)
