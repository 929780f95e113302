"""The dataset `folder`: what becomes of pictures of every mode, and of files that are none."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Cli
from numpy.typing import NDArray
from PIL import Image

from ganbench.errors import MissingError
from ganbench.testing import check_dataset
from ganbench_datasets.folder import Folder

Pixels = NDArray[np.uint8]
SIDE = 8
COLOR: Pixels = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
GRAY: Pixels = np.random.default_rng(2).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
ALPHA: Pixels = np.where(np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 3 == 0, 0, 255).astype(np.uint8)


def others(root: Path, count: int = 12) -> None:
    """Pictures beside the one that a test is about."""
    noise = np.random.default_rng(3)
    root.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(noise.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(root / f"z{i:02}.png")


def loaded(root: Path, channels: int = 3, **settings: Any) -> Pixels:
    """What is loaded of the only picture in the test folder, (C, H, W)."""
    made = Folder(**{"root": str(root), "size": SIDE, "channels": channels, **settings})
    found: Pixels = made.load("test").samples[0].numpy()
    return found


def saved(folder: Path, image: Image.Image, name: str = "a.png", **options: Any) -> Path:
    """A data folder whose test split is one picture."""
    others(folder / "train")
    (folder / "test").mkdir()
    image.save(folder / "test" / name, **options)
    return folder


def planes(gray: Pixels) -> Pixels:
    return np.stack([gray] * 3)


def over(color: Pixels, alpha: Pixels, background: int) -> Pixels:
    """A picture (H, W, 3) whose pixels are opaque or clear, on a gray background, as (3, H, W)."""
    found: Pixels = np.where(alpha[..., None] == 255, color, background).astype(np.uint8).transpose(2, 0, 1)
    return found


def luma(color: Pixels) -> Pixels:
    """ITU-R 601-2: (299 R + 587 G + 114 B) / 1000, in Pillow's fixed-point form."""
    weighted = color.astype(np.int64) @ np.array([19595, 38470, 7471])
    found: Pixels = ((weighted + 0x8000) >> 16).astype(np.uint8)
    return found


def palette() -> tuple[Image.Image, Pixels]:
    colors: Pixels = np.random.default_rng(4).integers(0, 256, (256, 3), dtype=np.uint8)
    image = Image.fromarray(GRAY, mode=None).copy()
    image.putpalette(colors.tobytes())
    return image, colors[GRAY].transpose(2, 0, 1)


WIDE = (np.arange(SIDE * SIDE, dtype=np.uint16) * 1021).reshape(SIDE, SIDE)
MODES: dict[str, tuple[Callable[[], Image.Image], Callable[[], Pixels]]] = {
    "RGB": (lambda: Image.fromarray(COLOR), lambda: COLOR.transpose(2, 0, 1)),
    "gray": (lambda: Image.fromarray(GRAY), lambda: planes(GRAY)),
    "RGBA": (
        lambda: Image.fromarray(np.dstack([COLOR, ALPHA])),
        lambda: over(COLOR, ALPHA, 255),
    ),
    "gray with alpha": (
        lambda: Image.fromarray(np.dstack([GRAY, ALPHA])),
        lambda: over(np.dstack([GRAY] * 3), ALPHA, 255),
    ),
    "palette": (lambda: palette()[0], lambda: palette()[1]),
    "1 bit": (
        lambda: Image.fromarray(GRAY > 127),
        lambda: planes(np.where(GRAY > 127, 255, 0).astype(np.uint8)),
    ),
    "16 bits": (lambda: Image.fromarray(WIDE), lambda: planes((WIDE // 256).astype(np.uint8))),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_rgb_on_purpose(mode: str, tmp_path: Path) -> None:
    image, wanted = MODES[mode]
    assert (loaded(saved(tmp_path, image())) == wanted()).all()


def test_color_becomes_gray_by_its_luma(tmp_path: Path) -> None:
    assert (loaded(saved(tmp_path, Image.fromarray(COLOR)), channels=1) == luma(COLOR)[None]).all()


def test_clear_pixels_lie_on_the_background(tmp_path: Path) -> None:
    root = saved(tmp_path, Image.fromarray(np.dstack([COLOR, ALPHA])))
    assert (loaded(root, background="black") == over(COLOR, ALPHA, 0)).all()
    assert (loaded(root, background="#808080") == over(COLOR, ALPHA, 128)).all()


def test_half_clear_pixels_are_mixed(tmp_path: Path) -> None:
    half = np.full((SIDE, SIDE), 64, np.uint8)
    found = loaded(saved(tmp_path, Image.fromarray(np.dstack([COLOR, half]))), background="black")
    assert np.abs(found - COLOR.transpose(2, 0, 1) * (64 / 255)).max() <= 1


@pytest.mark.parametrize("kind", ["L", "RGB", "P", "I;16"])
def test_the_transparent_color_of_a_png_is_clear(kind: str, tmp_path: Path) -> None:
    if kind == "P":
        image, _ = palette()
        image.save(tmp_path / "p.png", transparency=int(GRAY[0, 0]))
        clear = GRAY[0, 0] == GRAY
    elif kind == "RGB":
        image, clear = Image.fromarray(COLOR), np.zeros((SIDE, SIDE), bool)
        image.save(tmp_path / "p.png", transparency=tuple(map(int, COLOR[0, 0])))
        clear[0, 0] = True
    else:
        values = GRAY if kind == "L" else WIDE
        image, clear = Image.fromarray(values), values == values[0, 1]
        image.save(tmp_path / "p.png", transparency=int(values[0, 1]))
    root = saved(tmp_path / "set", image)
    (tmp_path / "p.png").replace(root / "test" / "a.png")
    plain = Folder(root=str(root), size=SIDE, background="red").load("test").samples[0].numpy()
    assert (plain.transpose(1, 2, 0)[clear] == (255, 0, 0)).all()
    assert not (plain.transpose(1, 2, 0)[~clear] == (255, 0, 0)).all(axis=1).any()


def test_cmyk_is_read_as_its_inks_say(tmp_path: Path) -> None:
    """One color over the whole picture, so that JPEG loses nothing: cyan 100, no other ink."""
    image = Image.new("CMYK", (SIDE, SIDE), (255, 0, 0, 0))
    found = loaded(saved(tmp_path, image, "a.jpg", quality=95))
    assert np.abs(found.astype(int) - np.array([0, 255, 255])[:, None, None]).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_exif_says(orientation: int, tmp_path: Path) -> None:
    """By the definition of the tag: where the first row and the first column of the stored picture are shown."""
    turned: dict[int, Callable[[Pixels], Pixels]] = {
        1: lambda x: x, 2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1], 4: lambda x: x[::-1],
        5: lambda x: x.transpose(1, 0, 2), 6: lambda x: x.transpose(1, 0, 2)[:, ::-1],
        7: lambda x: x.transpose(1, 0, 2)[::-1, ::-1], 8: lambda x: x.transpose(1, 0, 2)[::-1],
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = loaded(saved(tmp_path, Image.fromarray(COLOR), exif=exif))
    assert (found == turned[orientation](COLOR).transpose(2, 0, 1)).all()


def test_of_an_animation_the_first_frame_is_read(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (SIDE, SIDE), color) for color in ("red", "lime")]
    root = saved(tmp_path, frames[0], "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert (loaded(root) == np.array([255, 0, 0])[:, None, None]).all()


def test_the_middle_square_is_cropped(tmp_path: Path) -> None:
    wide: Pixels = np.random.default_rng(5).integers(0, 256, (SIDE, SIDE + 5, 3), dtype=np.uint8)
    assert (loaded(saved(tmp_path, Image.fromarray(wide))) == wide[:, 2 : SIDE + 2].transpose(2, 0, 1)).all()


def test_a_padded_picture_keeps_all_and_its_proportions(tmp_path: Path) -> None:
    flat: Pixels = np.random.default_rng(6).integers(0, 256, (4, SIDE, 3), dtype=np.uint8)
    found = loaded(saved(tmp_path, Image.fromarray(flat)), fit="pad", background="lime")
    assert (found[:, 2:6] == flat.transpose(2, 0, 1)).all()
    border = np.concatenate([found[:, :2], found[:, 6:]], axis=1)
    assert (border == np.array([0, 255, 0])[:, None, None]).all()


def test_halving_by_box_is_the_mean_of_four_pixels(tmp_path: Path) -> None:
    """Of two side by side, then of two such means, each rounded up at a half."""
    large: Pixels = np.random.default_rng(7).integers(0, 256, (2 * SIDE, 2 * SIDE, 3), dtype=np.uint8)
    found = loaded(saved(tmp_path, Image.fromarray(large)), filter="box")
    values = large.astype(int)
    across = (values[:, ::2] + values[:, 1::2] + 1) // 2
    assert (found == ((across[::2] + across[1::2] + 1) // 2).transpose(2, 0, 1)).all()


def test_filters_are_pillows(tmp_path: Path) -> None:
    large = Image.fromarray(np.random.default_rng(8).integers(0, 256, (20, 20, 3), dtype=np.uint8))
    root = saved(tmp_path, large)
    for name in ("lanczos", "bicubic", "bilinear", "nearest"):
        wanted = np.asarray(large.resize((SIDE, SIDE), Image.Resampling[name.upper()])).transpose(2, 0, 1)
        assert (loaded(root, filter=name) == wanted).all(), name


def _png(width: int, height: int, content: bytes = bytes(100), bits: int = 8, kind: int = 2) -> bytes:
    """A PNG file with a header that may claim anything; `kind` is its color type, 2 for RGB."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(content)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("kind", "bands"), [(2, 3), (4, 2), (6, 4)], ids=["RGB", "gray with alpha", "RGBA"])
def test_of_16_bits_a_band_the_upper_eight_are_kept(kind: int, bands: int, tmp_path: Path) -> None:
    values = np.random.default_rng(10).integers(0, 2**16, (SIDE, SIDE, bands)).astype(">u2")
    if bands in (2, 4):
        values[..., -1] = np.where(ALPHA == 255, 0xFFFF, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in values)  # each after the number of its filter, none
    root = saved(tmp_path, Image.fromarray(COLOR))
    (root / "test" / "a.png").write_bytes(_png(SIDE, SIDE, rows, 16, kind))
    upper = (values >> 8).astype(np.uint8)
    color = upper[..., :3] if bands > 2 else np.dstack([upper[..., 0]] * 3)
    alpha = ALPHA if bands in (2, 4) else np.full_like(ALPHA, 255)
    assert (loaded(root) == over(color, alpha, 255)).all()


def _bytes(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(9).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(buffer, kind)
    return buffer.getvalue()


FAULTS: dict[str, tuple[str, bytes, str]] = {
    "truncated JPEG": ("x.jpg", _bytes("JPEG")[:900], r"x\.jpg is truncated or damaged \(image file is truncated"),
    "truncated PNG": ("x.png", _bytes("PNG")[:900], r"x\.png is truncated or damaged \("),
    "truncated WebP": ("x.webp", _bytes("WEBP")[:900], r"x\.webp is "),
    "nothing": ("x.png", b"", r"x\.png is empty \(0 bytes\)"),
    "text": ("x.JPG", b"<html>not found</html>", r"x\.JPG is no PNG, JPEG or WebP file"),
    "a GIF by another name": ("x.png", _bytes("GIF"), r"x\.png is no PNG, JPEG or WebP file"),
    "large": ("x.png", _png(10_000, 10_000), r"x\.png claims 10,000 x 10,000 pixels; more than 89,000,000 are not"),
    "bomb": ("x.png", _png(100_000, 100_000), r"x\.png claims far more than 89,000,000 pixels"),
    "few rows": ("x.png", _png(64, 64), r"x\.png is truncated or damaged"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_is_named(fault: str, tmp_path: Path) -> None:
    name, content, text = FAULTS[fault]
    others(tmp_path)
    (tmp_path / name).write_bytes(content)
    made = Folder(root=str(tmp_path), size=SIDE)
    with pytest.raises(MissingError, match=text) as caught:
        made.prepare()
    assert "\n" not in str(caught.value)
    (tmp_path / name).unlink()
    Folder(root=str(tmp_path), size=SIDE).prepare()


def test_all_faulty_files_are_counted_and_end_a_run_before_it_trains(inside: Cli, tmp_path: Path) -> None:
    root = tmp_path / "my pictures"
    others(root, 20)
    for i in range(7):
        (root / f"bad{i}.png").write_bytes(b"" if i else _bytes("PNG")[:-700])
    (tmp_path / "s.yaml").write_text(
        "losses: [minimax]\narchitectures: [mlp]\ndatasets: [{folder: {root: my pictures, size: 8}}]\n"
        "train: {steps: 1}\nevaluation: {metrics: [spread], samples: 10}\n"
    )
    assert inside("run", "--suite", "s.yaml", "--dry-run").code == 0
    done = inside("run", "--suite", "s.yaml")
    assert done.code == 3
    assert re.search(r"bad0\.png is .*; .*bad1\.png is empty.*; 4 more are faulty\. Replace or", done.err)
    assert not (tmp_path / "results" / "runs").exists()


def test_pictures_that_are_not_read_are_not_passed_over(tmp_path: Path) -> None:
    others(tmp_path)
    (tmp_path / "scan.TIFF").write_bytes(b"II*\0")
    (tmp_path / "more.gif").write_bytes(b"GIF89a")
    with pytest.raises(MissingError, match=r"more\.gif and 1 more: PNG, JPEG and WebP files are read; convert"):
        Folder(root=str(tmp_path)).fingerprint()


def test_the_contract_of_datasets_is_kept(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        noise = np.random.default_rng(len(name) + ord(name[0]))
        (tmp_path / name).mkdir()
        for i in range(30):
            Image.fromarray(noise.integers(0, 256, (9, 12, 3), dtype=np.uint8)).save(tmp_path / name / f"{i}.JPEG")
    check_dataset(Folder(root=str(tmp_path), size=SIDE))
