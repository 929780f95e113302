"""Reads samples that were made elsewhere: an `.npz` or `.npy` file, or a folder of images."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ganbench.engine import threefry
from ganbench.errors import UsageError
from ganbench.evaluation.sample_files import LABELS

Array = np.ndarray[tuple[int, ...], np.dtype[Any]]
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
SAMPLES = ("arr_0", "samples", "images", "x")
"""Names under which an `.npz` file may hold samples; if it holds a single array, any name will do."""
CLASSES = ("arr_1", "labels", "y")
ROUNDING = 1e-3
"""How far outside of [-1, 1] a pixel may be: the rounding of half precision."""


class MadeElsewhere(NamedTuple):
    """Samples (N, *shape) float32, their labels (N,) if there are some, and how many the files hold."""

    samples: Tensor
    labels: Tensor | None
    total: int


def read_samples(path: Path, shape: tuple[int, ...], count: int) -> MadeElsewhere:
    """At most `count` samples of a shape, in a fixed random order: files are often sorted by class.

    Images are (N, H, W, C) or (N, C, H, W), uint8 or floats in [-1, 1]. Raises `UsageError` if there are no such
    samples.
    """
    if path.is_dir():
        return _folder(path, shape, count)
    if path.suffix not in (".npz", ".npy"):
        raise UsageError(f"{path}: samples are an .npz or .npy file, or a folder of images")
    try:
        loaded = np.load(path, mmap_mode="r" if path.suffix == ".npy" else None, allow_pickle=False)
        arrays = {"arr_0": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except ValueError as error:  # numpy's own words are on how to unpickle what is not to be trusted
        raise UsageError(f"{path} holds no arrays of numbers in numpy's format") from error
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} cannot be read as numpy arrays: {error}") from error
    found = _named(path, arrays)
    _check_length(path, len(found))
    rows = _rows(len(found), count)
    labels = next((_labels(path, arrays[name], len(found))[rows] for name in CLASSES if name in arrays), None)
    samples = _scaled(path, found, shape)(found[rows.numpy()])
    return MadeElsewhere(samples, labels, len(found))


def _named(path: Path, arrays: dict[str, Array]) -> Array:
    name = next((name for name in SAMPLES if name in arrays), next(iter(arrays)) if len(arrays) == 1 else "")
    if not name:
        raise UsageError(f"{path} holds {', '.join(arrays) or 'no array'}; name the samples {' or '.join(SAMPLES)}")
    if not arrays[name].ndim:
        raise UsageError(f"{path} holds a single number under {name!r}, no samples")
    return arrays[name]


def _check_length(path: Path, total: int) -> None:
    if not total:
        raise UsageError(f"{path} holds no samples")


def _rows(total: int, count: int) -> Tensor:
    """The rows (n,) that are taken, in their order in the files if all are."""
    if total <= count:
        return torch.arange(total)
    return threefry.permutation(0, "external", total)[:count]


def _labels(path: Path, found: Array, total: int) -> Tensor:
    if found.shape != (total,) or not np.issubdtype(found.dtype, np.integer) or (found < 0).any():
        raise UsageError(f"{path}: labels must be {total} integers >= 0, got {found.dtype} of shape {found.shape}")
    return torch.from_numpy(found.astype(np.int64))


def _scaled(path: Path, found: Array, shape: tuple[int, ...]) -> _Scaling:
    """How the array becomes samples. Raises `UsageError` if it holds something else."""
    last = (*shape[1:], shape[0])
    own = found.shape[1:]
    plane = len(shape) == 3 and shape[0] == 1 and own == shape[1:]
    if plane or (len(shape) == 3 and own == last and (own != shape or found.dtype == np.uint8)):
        channels_last = True
    elif own == shape:
        channels_last = False
    else:
        wanted = " or ".join(f"(N, {', '.join(map(str, one))})" for one in dict.fromkeys((shape, last)))
        hint = "; scale them yourself, because the way changes the scores" if len(shape) == 3 == len(own) else ""
        raise UsageError(f"{path} holds samples of shape {found.shape}, wanted {wanted}{hint}")
    if found.dtype == np.uint8 and len(shape) == 3:
        return _Scaling(shape, channels_last, bytes_=True)
    if not np.issubdtype(found.dtype, np.floating):
        kind = "uint8, or floats in [-1, 1]" if len(shape) == 3 else "floats"
        raise UsageError(f"{path} holds samples of type {found.dtype}, wanted {kind}")
    _check_values(path, found, len(shape) == 3)
    return _Scaling(shape, channels_last)


def _check_values(path: Path, found: Array, images: bool) -> None:
    low, high = float(found.min()), float(found.max())
    if not np.isfinite([low, high]).all():
        raise UsageError(f"{path} holds values that are not finite")
    if images and (low < -1 - ROUNDING or high > 1 + ROUNDING or low >= 0):
        raise UsageError(f"{path} holds values from {low:g} to {high:g}; images are uint8, or floats in [-1, 1]")


class _Scaling(NamedTuple):
    """From rows of an array to samples (n, *shape) float32."""

    shape: tuple[int, ...]
    channels_last: bool
    bytes_: bool = False

    def __call__(self, rows: Array) -> Tensor:
        found = torch.from_numpy(np.ascontiguousarray(rows))
        if self.channels_last:
            found = found.reshape(len(found), *self.shape[1:], self.shape[0]).permute(0, 3, 1, 2)
        found = found.float() / 127.5 - 1 if self.bytes_ else found.float()
        return found.reshape(len(found), *self.shape).contiguous()


def _folder(path: Path, shape: tuple[int, ...], count: int) -> MadeElsewhere:
    """Images of a folder and of its folders, by their names; the labels are in `labels.csv`, if it is there."""
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise UsageError(f"{path} is a folder, but samples of shape {shape} are no images; give an .npz file")
    files = sorted(one for one in path.rglob("*") if one.suffix.lower() in IMAGES and not one.name.startswith("."))
    _check_length(path, len(files))
    rows = _rows(len(files), count).tolist()
    pixels = np.stack([_image(files[row], shape) for row in rows])
    labels = _labels_of(path, [files[row] for row in rows])
    return MadeElsewhere(_Scaling(shape, channels_last=True, bytes_=True)(pixels), labels, len(files))


def _image(file: Path, shape: tuple[int, ...]) -> Array:
    """An image (H, W, C) uint8. Raises `UsageError` if it cannot be read, or is of another size."""
    try:
        with Image.open(file) as image:
            grey = image.mode in ("1", "L", "I;16")
            found = np.asarray(image.convert("L" if shape[0] == 1 and grey else "RGB"))
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise UsageError(f"{file} cannot be read as an image: {error}") from error
    if found.shape[:2] != shape[1:]:
        size, wanted = (" x ".join(map(str, sides)) for sides in (found.shape[:2], shape[1:]))
        raise UsageError(f"{file} is {size}, wanted {wanted}; scale it yourself, because the way changes the scores")
    if shape[0] == 1 and found.ndim == 3:
        if (found != found[..., :1]).any():
            raise UsageError(f"{file} is in color, wanted gray images")
        found = found[..., 0]
    return found.reshape(*shape[1:], shape[0])


def _labels_of(folder: Path, files: list[Path]) -> Tensor | None:
    try:
        text = (folder / LABELS).read_text(encoding="utf-8")
        known = {row["file"]: int(row["label"]) for row in csv.DictReader(text.splitlines())}
        return torch.tensor([known[file.relative_to(folder).as_posix()] for file in files])
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise UsageError(f"{folder / LABELS} must hold a file,label line for every image ({error!r})") from error
