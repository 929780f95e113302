"""Decodes one picture file, and brings a picture of any mode and size to the size and channels of a dataset."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageColor, ImageOps, UnidentifiedImageError

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 89_000_000
"""A picture of more pixels is refused: its file may be a decompression bomb. (Pillow warns from about here on.)"""
WITH_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I")
FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
}


class FaultyPicture(Exception):
    """A picture that cannot be read; the message says what is wrong with it, without the name of its file."""


@dataclass(frozen=True)
class Fitting:
    """How a picture of any mode and size becomes pixels (channels, size, size).

    `crop` cuts the middle square out, `pad` fills up to a square with the background; then the filter scales.
    Transparent pixels are laid on the background. Raises `ValueError` for what is none of the choices.
    """

    size: int
    fit: str
    channels: int
    filter: str
    background: str

    def __post_init__(self) -> None:
        if not 1 <= self.size <= 4096:
            raise ValueError(f"size must be 1 to 4096 pixels, got {self.size}")
        if self.fit not in ("crop", "pad"):
            raise ValueError(f"fit must be crop or pad, got {self.fit!r}")
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 (gray) or 3 (RGB), got {self.channels}")
        if self.filter not in FILTERS:
            raise ValueError(f"filter must be {', '.join(FILTERS)}, got {self.filter!r}")
        if not _is_opaque_color(self.background):
            raise ValueError(f"background must be a color such as white, black or '#808080', got {self.background!r}")

    def __call__(self, image: Image.Image) -> Pixels:
        """Pixels (channels, size, size). Raises `FaultyPicture` for a mode that has no place here."""
        mode = "L" if self.channels == 1 else "RGB"
        opaque = self._opaque(image)
        square = self._square(opaque if opaque.mode == mode else opaque.convert(mode))
        found: Pixels = np.asarray(square, dtype=np.uint8)
        return found[None] if found.ndim == 2 else np.ascontiguousarray(found.transpose(2, 0, 1))

    def _opaque(self, image: Image.Image) -> Image.Image:
        """The picture in mode L or RGB. Of 16 bits the upper eight are kept; color profiles are not applied."""
        if image.mode in SIXTEEN_BITS:
            image = _upper_bits(image)
        palette = getattr(image.palette, "mode", "") if image.mode == "P" else ""
        if image.mode in WITH_ALPHA or "transparency" in image.info or palette.endswith("A"):
            below = Image.new("RGBA", image.size, self.background)
            return Image.alpha_composite(below, image.convert("RGBA")).convert("RGB")
        if image.mode in ("1", "L"):
            return image.convert("L")
        if image.mode in ("P", "RGB", "RGBX", "CMYK", "YCbCr"):
            return image.convert("RGB")
        raise FaultyPicture(f"has pixels of the kind {image.mode}, which is not read")

    def _square(self, image: Image.Image) -> Image.Image:
        """The picture, of its final mode, as a square of the final size."""
        width, height = image.size
        if self.fit == "crop":
            side = min(width, height)
            left, top = (width - side) // 2, (height - side) // 2
            return self._scaled(image.crop((left, top, left + side, top + side)), (self.size, self.size))
        longer = max(width, height)
        across, down = (max(1, (2 * side * self.size + longer) // (2 * longer)) for side in (width, height))
        small = self._scaled(image, (across, down))
        if small.size == (self.size, self.size):
            return small
        whole = Image.new(image.mode, (self.size, self.size), self.background)
        whole.paste(small, ((self.size - across) // 2, (self.size - down) // 2))
        return whole

    def _scaled(self, image: Image.Image, size: tuple[int, int]) -> Image.Image:
        return image if image.size == size else image.resize(size, FILTERS[self.filter])


def _is_opaque_color(text: str) -> bool:
    try:
        return len(ImageColor.getrgb(text)) == 3
    except ValueError:
        return False


def read_picture(path: Path) -> Image.Image:
    """The first frame of a PNG, JPEG or WebP file, whatever its name ends in, turned as its EXIF data say.

    Raises `FaultyPicture` as `picture_in` does, `OSError` if the file cannot be read.
    """
    return picture_in(path.read_bytes())


def picture_in(content: bytes) -> Image.Image:
    """The first frame of the content of a PNG, JPEG or WebP file, turned as its EXIF data say.

    Raises `FaultyPicture` for an empty, truncated, damaged or far too large content and for one of another format.
    """
    if not content:
        raise FaultyPicture("is empty (0 bytes)")
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            size = f"{image.width:,} x {image.height:,}"
            raise FaultyPicture(f"claims {size} pixels; more than {MAX_PIXELS:,} are not decoded")
        image.load()
    except FaultyPicture:
        raise
    except Image.DecompressionBombError:
        raise FaultyPicture(f"claims far more than {MAX_PIXELS:,} pixels, which are not decoded") from None
    except UnidentifiedImageError:
        raise FaultyPicture("is no PNG, JPEG or WebP file, or its beginning is damaged") from None
    except Exception as error:  # decoders raise many types for damaged content
        raise FaultyPicture(f"is truncated or damaged ({_first_line(error)})") from error
    return _turned(image)


def _turned(image: Image.Image) -> Image.Image:
    """The picture as its EXIF orientation says; an EXIF block that cannot be read counts as none."""
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
        return ImageOps.exif_transpose(image) if turned else image
    except Exception:
        return image


def _upper_bits(image: Image.Image) -> Image.Image:
    """A gray picture of 16 bits as one of 8, its transparent value as an alpha channel."""
    values: np.ndarray[Any, np.dtype[np.int32]] = np.asarray(image).astype(np.int32)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise FaultyPicture("has pixels of 32 bits, which are not read")
    gray = Image.fromarray((values >> 8).astype(np.uint8))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        gray.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return gray


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:120] or type(error).__name__
