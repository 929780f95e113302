"""Samples that were made elsewhere are read from arrays and images, and refused in one sentence otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.errors import UsageError
from ganbench.evaluation.generate import Generated
from ganbench.evaluation.made_elsewhere import read_samples
from ganbench.evaluation.sample_files import write_samples

Array = np.ndarray[tuple[int, ...], np.dtype[Any]]
COLORS: Array = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
GREYS = COLORS[..., :1]


def _wanted(images: Array) -> torch.Tensor:
    """(N, H, W, C) uint8 as (N, C, H, W) in [-1, 1]."""
    return torch.from_numpy(np.transpose(images.astype(np.float64) / 127.5 - 1, (0, 3, 1, 2))).float()


@pytest.mark.parametrize("layout", ["NHWC", "NCHW", "float", "half", "npy", "one array", "PNG"])
def test_images_of_every_layout_are_the_same_samples(tmp_path: Path, layout: str) -> None:
    path = tmp_path / ("images" if layout == "PNG" else "s.npy" if layout == "npy" else "s.npz")
    floats = _wanted(COLORS).numpy()
    if layout == "PNG":
        path.mkdir()
        for at, image in enumerate(COLORS):
            Image.fromarray(image).save(path / f"{at}.png")
    elif layout == "npy":
        np.save(path, COLORS)
    else:
        made = {
            "NHWC": {"arr_0": COLORS}, "NCHW": {"images": np.transpose(COLORS, (0, 3, 1, 2))},
            "float": {"samples": floats}, "half": {"x": floats.astype(np.float16)}, "one array": {"mine": COLORS},
        }[layout]  # fmt: skip
        np.savez(path, **made)  # type: ignore[arg-type]
    samples, labels, total = read_samples(path, (3, 4, 5), 100)
    assert (labels, total, samples.dtype) == (None, 6, torch.float32)
    assert torch.allclose(samples, _wanted(COLORS), atol=1e-3 if layout == "half" else 1e-7)


def test_grey_images_may_lack_the_channel(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", GREYS[..., 0])
    assert torch.allclose(read_samples(tmp_path / "s.npz", (1, 4, 5), 9).samples, _wanted(GREYS), atol=1e-7)
    (tmp_path / "grey").mkdir()
    for at, image in enumerate(GREYS):
        Image.fromarray(np.repeat(image, 3, axis=2) if at % 2 else image[..., 0]).save(tmp_path / "grey" / f"{at}.png")
    assert torch.allclose(read_samples(tmp_path / "grey", (1, 4, 5), 9).samples, _wanted(GREYS), atol=1e-7)


@pytest.mark.parametrize("name", ["s.npz", "folder"])
def test_what_sample_writes_is_read_again(tmp_path: Path, name: str) -> None:
    images, labels = _wanted(COLORS), torch.arange(6) % 4
    parts = [Generated(images[:4], labels[:4]), Generated(images[4:], labels[4:])]
    write_samples(tmp_path / name, parts, 6, (3, 4, 5))
    found = read_samples(tmp_path / name, (3, 4, 5), 6)
    assert torch.allclose(found.samples, images, atol=1e-6)
    assert found.labels is not None
    assert torch.equal(found.labels, labels)


def test_a_part_is_drawn_at_random_with_its_labels(tmp_path: Path) -> None:
    points = np.arange(1000, dtype=np.float32).reshape(500, 2)
    np.savez(tmp_path / "s.npz", points, np.arange(500))
    samples, labels, total = read_samples(tmp_path / "s.npz", (2,), 100)
    assert labels is not None
    assert (len(samples), total, len(set(labels.tolist()))) == (100, 500, 100)
    assert torch.equal(samples[:, 0], 2 * labels.float())
    assert 180 < labels.float().mean() < 320
    assert torch.equal(read_samples(tmp_path / "s.npz", (2,), 100).samples, samples)


def _arrays(**arrays: Array) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.savez(folder / "s.npz", **arrays)  # type: ignore[arg-type]
        return folder / "s.npz"

    return write


def _text(name: str, text: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_text(text)
        return folder if name.endswith(".png") else folder / name

    return write


def _picture(folder: Path) -> Path:
    Image.fromarray(COLORS[0, :3]).save(folder / "a.png")
    return folder


def _pickled(folder: Path) -> Path:
    np.save(folder / "s.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return folder / "s.npy"


@pytest.mark.parametrize(
    ("write", "shape", "said"),
    [
        (_arrays(arr_0=COLORS), (3, 8, 8), "wanted (N, 3, 8, 8) or (N, 8, 8, 3); scale them yourself"),
        (_arrays(arr_0=COLORS / 255.0), (3, 4, 5), "images are uint8, or floats in [-1, 1]"),
        (_arrays(arr_0=COLORS.astype(np.float32)), (3, 4, 5), "values from 0 to 25"),
        (_arrays(arr_0=COLORS.astype(np.int64)), (3, 4, 5), "samples of type int64, wanted uint8"),
        (_arrays(arr_0=np.full((4, 2), np.nan)), (2,), "not finite"),
        (_arrays(arr_0=np.zeros((4, 3))), (2,), "samples of shape (4, 3), wanted (N, 2)"),
        (_arrays(arr_0=np.zeros((0, 2))), (2,), "holds no samples"),
        (_arrays(a=np.zeros((4, 2)), b=np.zeros((4, 2))), (2,), "holds a, b; name the samples arr_0"),
        (_arrays(arr_0=np.zeros((4, 2)), arr_1=np.zeros(3, int)), (2,), "labels must be 4 integers >= 0"),
        (_arrays(arr_0=np.array(3.0)), (2,), "a single number"),
        (_text("s.npz", "no archive"), (2,), "s.npz holds no arrays of numbers in numpy's format"),
        (_text("s.txt", "1 2"), (2,), "samples are an .npz or .npy file, or a folder of images"),
        (_text("a.png", "no image"), (3, 4, 5), "a.png cannot be read as an image"),
        (_text("a.txt.png", "x"), (2,), "samples of shape (2,) are no images"),
        (_text("labels.csv.png", ""), (3, 4, 5), "cannot be read as an image"),
        (_picture, (3, 4, 5), "a.png is 3 x 5, wanted 4 x 5"),
        (_picture, (1, 3, 5), "a.png is in color, wanted gray images"),
        (lambda folder: folder, (3, 4, 5), "holds no samples"),
        (_pickled, (2,), "holds no arrays of numbers in numpy's format"),
    ],
)  # fmt: skip
def test_what_is_no_such_sample_is_refused(
    tmp_path: Path, write: Callable[[Path], Path], shape: tuple[int, ...], said: str
) -> None:
    path = write(tmp_path)
    with pytest.raises(UsageError) as raised:
        read_samples(path, shape, 100)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_labels_of_images_must_be_there_for_all(tmp_path: Path) -> None:
    Image.fromarray(COLORS[0]).save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("file,label\nb.png,1\n")
    with pytest.raises(UsageError, match=r"must hold a file,label line for every image"):
        read_samples(tmp_path, (3, 4, 5), 100)
