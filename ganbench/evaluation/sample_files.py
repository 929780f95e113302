"""Samples in files that other tools read: one `.npz`, or a folder of PNG images."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from PIL import Image
from torch import Tensor

from ganbench.errors import UsageError
from ganbench.evaluation.generate import Generated
from ganbench.evaluation.images import is_image
from ganbench.files import named_as_file, sync_folder

LABELS = "labels.csv"


def check_target(path: Path, shape: tuple[int, ...]) -> None:
    """Raise `UsageError` if samples of a shape cannot be written there."""
    if path.suffix == ".npz":
        if path.is_dir():
            raise UsageError(f"{path} is a folder; name a file that ends in .npz, or another folder")
        return
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        what = "is not empty" if path.is_dir() else "is a file that does not end in .npz"
        raise UsageError(f"{path} {what}; name a file that ends in .npz, or a folder that is new or empty")
    if named_as_file(path):
        raise UsageError(
            f"{path}: samples are not written as {path.suffix}; name a file that ends in .npz, or a folder"
        )
    if not is_image(shape):
        raise UsageError(f"samples of shape {shape} are no images of 1 or 3 channels; write a file that ends in .npz")


def write_samples(path: Path, parts: Iterable[Generated], count: int, shape: tuple[int, ...]) -> None:
    """Write samples as they come, so that their number is not limited by the memory; all or nothing.

    An `.npz` file holds `arr_0`, images (count, H, W, C) uint8 or other samples (count, *shape) float32, and `arr_1`,
    the labels (count,) if there are some: what `numpy.savez(file, samples, labels)` writes. A folder holds images
    named by their numbers, and `labels.csv`. Raises `OSError` if the disk refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        if path.suffix == ".npz":
            made = partial / path.name
            _write_npz(made, parts, count, shape)
        else:
            made = partial
            _write_folder(made, parts, count)
            made.chmod(0o755)
            if path.is_dir():
                path.rmdir()
        made.replace(path)
        sync_folder(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def pixels(samples: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Images (B, C, H, W) in [-1, 1] as (B, H, W, C) uint8."""
    rounded = ((samples + 1) * 127.5).round().clamp(0, 255)
    found: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = rounded.permute(0, 2, 3, 1).numpy().astype(np.uint8)
    return found


def _write_npz(path: Path, parts: Iterable[Generated], count: int, shape: tuple[int, ...]) -> None:
    whole = (count, *shape[1:], shape[0]) if len(shape) == 3 else (count, *shape)
    kind = np.dtype(np.uint8 if len(shape) == 3 else np.float32)
    header = {"descr": npy.dtype_to_descr(kind), "fortran_order": False, "shape": whole}
    labels: list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]] = []
    with path.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            with archive.open("arr_0.npy", "w", force_zip64=True) as entry:
                npy.write_array_header_1_0(entry, header)
                for part in parts:
                    content = pixels(part.samples) if len(shape) == 3 else part.samples.float().numpy()
                    entry.write(np.ascontiguousarray(content).tobytes())
                    if part.labels is not None:
                        labels.append(part.labels.numpy())
            if labels:
                with archive.open("arr_1.npy", "w") as entry:
                    npy.write_array(entry, np.concatenate(labels))
        file.flush()
        os.fsync(file.fileno())


def _write_folder(folder: Path, parts: Iterable[Generated], count: int) -> None:
    width, at = max(6, len(str(count - 1))), 0
    lines = ["file,label"]
    for part in parts:
        content = pixels(part.samples)
        for row, image in enumerate(content):
            name = f"{at + row:0{width}d}.png"
            Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(folder / name)
            if part.labels is not None:
                lines.append(f"{name},{int(part.labels[row])}")
        at += len(content)
    if len(lines) > 1:
        (folder / LABELS).write_text("\n".join(lines) + "\n", encoding="utf-8")
