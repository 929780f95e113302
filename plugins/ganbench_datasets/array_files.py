"""Reads arrays of pictures: `.npz` and `.npy`, idx files of MNIST's format, and the pickled batches of CIFAR."""

import gzip
import hashlib
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganbench import MissingError, hash_each
from ganbench_datasets.image_files import Pixels
from ganbench_datasets.picture_tree import Item

Array = np.ndarray[tuple[int, ...], np.dtype[Any]]
ORDERS = ("auto", "nhwc", "nchw")
SAMPLES = ("arr_0", "samples", "images", "x", "data")
"""Names under which an `.npz` file holds pictures; if it holds a single array, any name will do."""
LABELS = ("arr_1", "labels", "y")
SPLIT_NAMES = (
    {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")},
    {"train": ("train_images", "train_labels"), "test": ("test_images", "test_labels")},
)
"""Names of files that hold both splits, as Keras and MedMNIST write them."""
IDX = re.compile(r"idx\d-ubyte(\.gz)?$")
BATCH = re.compile(r"^(data_batch_\d+|test_batch)$")
CIFAR100 = ("train", "test")
TEST = re.compile(r"(^|[^a-z])(test|t10k)([^a-z]|$)")
TRAIN = re.compile(r"(^|[^a-z])train([^a-z]|$)|^data_batch")
VALIDATION = re.compile(r"(^|[^a-z])val(idation)?([^a-z]|$)")
BOMB = 1 << 30
"""Bytes from which on a file must not unpack to more than a thousandth of what it claims."""


class Block(NamedTuple):
    """Pictures (N, H, W, C) uint8 of one file, their labels (N,) or None, and their split as `Item` has it."""

    file: Path
    split: str
    pixels: Pixels
    labels: Array | None


class ArrayFiles:
    """Arrays of pictures in files that lie directly in a folder, or in one file. `read` gives one by its number."""

    def __init__(self, root: Path, files: list[Path], labeled: bool, key: str, order: str) -> None:
        self.root = root if root.is_dir() else root.parent
        self.files, self.labeled, self.key, self.order = files, labeled, key, order

    @property
    def identity(self) -> list[tuple[str, str]]:
        """The name and the SHA-256 of every file: names say which split a file is."""
        hashes = hash_each(self.root, self.files)
        return [(path.name if len(self.files) > 1 else path.suffix, hashes[path]) for path in self.files]

    @cached_property
    def blocks(self) -> list[Block]:
        """Raises `MissingError` for what cannot be read or holds no pictures."""
        blocks = [block for group in _groups(self.files) for block in self._blocks(group)]
        splits = {block.split for block in blocks}
        held = "test" if "test" in splits else "validation"
        if "train" in splits and held in splits:
            splits -= {"validation"}
            blocks = [block._replace(split="train" if block.split == "train" else "test")
                      for block in blocks if block.split in ("train", held)]  # fmt: skip
        elif len(splits) == 1:
            blocks = [block._replace(split="") for block in blocks]
        if "" in splits and len(splits) > 1:
            odd = next(block.file for block in blocks if block.split == "")
            raise MissingError(f"{odd} lies beside files of named splits: name it as 'train' or 'test', or move it")
        if len({block.labels is None for block in blocks}) > 1:
            odd = next(block.file for block in blocks if block.labels is None)
            raise MissingError(f"{odd} has no labels, but other files have: set 'labels: false', or add them")
        return blocks

    def _blocks(self, group: Mapping[str, Path]) -> Iterator[Block]:
        """The blocks of one file of pictures, or of such a file and that of its labels."""
        file = group.get("images")
        if file is None:
            raise MissingError(f"{group['labels']} holds labels, but the file with their pictures is missing")
        split = _split(file.name)
        for name, pixels, labels in _members(file, self.key):
            beside = _reader(group["labels"])(group["labels"]) if "labels" in group else labels
            pictures = _pictures(file, pixels, self.order)
            known = None if beside is None or not self.labeled else _labels(file, beside, len(pictures))
            yield Block(file, name or split, pictures, known)

    @cached_property
    def items(self) -> list[Item]:
        """Every picture, with the hash of its pixels."""
        found = []
        for block in self.blocks:
            labels = [-1] * len(block.pixels) if block.labels is None else block.labels.tolist()
            for row, label in zip(block.pixels, labels, strict=True):
                found.append(Item(block.split, label, hashlib.sha256(row.tobytes()).hexdigest()))
        return found

    @property
    def classes(self) -> int | None:
        """The number of classes, or None without labels."""
        return max((int(one.labels.max()) + 1 for one in self.blocks if one.labels is not None), default=None)

    @cached_property
    def _places(self) -> list[tuple[Block, int]]:
        return [(block, row) for block in self.blocks for row in range(len(block.pixels))]

    def read(self, place: int) -> Image.Image:
        block, row = self._places[place]
        pixels = block.pixels[row]
        return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))

    def name(self, place: int) -> str:
        block, row = self._places[place]
        return f"picture {row} of {block.file}"


def array_files(root: Path) -> list[Path]:
    """The files of arrays that a path names or that lie directly in a folder, by their names."""
    if root.is_file():
        return [root]
    files = sorted(path for path in root.iterdir() if path.is_file() and not path.name.startswith("."))
    names = {path.name for path in files}
    hundred = "meta" in names and {*CIFAR100} <= names
    found = [
        path for path in files
        if path.suffix.lower() in (".npz", ".npy") or IDX.search(path.name) or BATCH.match(path.name)
        or (hundred and path.name in CIFAR100)
    ]  # fmt: skip
    return [path for path in found if path.suffix != ".gz" or path.name.removesuffix(".gz") not in names]


def _groups(files: list[Path]) -> list[dict[str, Path]]:
    """Files of pictures, each with the file of its labels if there is one: their names differ in that word alone."""
    found: dict[str, dict[str, Path]] = {}
    for file in files:
        plain = file.name.lower().removesuffix(".gz")
        key = re.sub(r"images?|samples?|labels?|idx\d", "", plain)
        role = "labels" if "label" in plain and file.suffix != ".npz" else "images"
        other = found.setdefault(key, {}).setdefault(role, file)
        if other != file:
            raise MissingError(f"{other} and {file.name} cannot be told apart by their names; keep one of them")
    return list(found.values())


def _split(name: str) -> str:
    """The split that a file's name says, or ""."""
    for split, words in (("train", TRAIN), ("test", TEST), ("validation", VALIDATION)):
        if words.search(name.lower()):
            return split
    return ""


def _members(file: Path, key: str) -> Iterator[tuple[str, Array, Array | None]]:
    """The arrays of pictures in a file: the split that their name says or "", the pictures, their labels or None."""
    if file.suffix.lower() == ".npz":
        yield from _of_npz(file, key)
    elif BATCH.match(file.name) or file.name in CIFAR100:
        yield "", *read_cifar(file)
    else:
        yield "", _reader(file)(file), None


def _reader(file: Path) -> Callable[[Path], Array]:
    return read_npy if file.suffix.lower() == ".npy" else read_idx


def _of_npz(file: Path, key: str) -> Iterator[tuple[str, Array, Array | None]]:
    with _readable(file), np.load(file, allow_pickle=False) as loaded:
        for entry in loaded.zip.infolist():
            _check_claim(file, entry.file_size, entry.compress_size)
        names = set(loaded.files)
        for split_names in () if key else SPLIT_NAMES:
            if {images for images, _ in split_names.values()} <= names:
                for split, (images, labels) in split_names.items():
                    yield split, loaded[images], loaded[labels] if labels in names else None
                return
        only = loaded.files[0] if len(names) == 1 else ""
        name = key or next((one for one in SAMPLES if one in names), only)
        if name not in names:
            held = ", ".join(loaded.files) or "no array"
            raise MissingError(f"{file} holds {held}; name the array of the pictures with 'key'")
        yield "", loaded[name], next((loaded[one] for one in LABELS if one in names and one != name), None)


def read_npy(file: Path) -> Array:
    """An `.npy` file, mapped. Raises `MissingError` if it holds no array of numbers."""
    with _readable(file):
        found: Array = np.load(file, mmap_mode="r", allow_pickle=False)
        return found


def read_idx(file: Path) -> Array:
    """An idx file of bytes, also one packed by gzip, whatever its name. Raises `MissingError` if it is damaged."""
    with _readable(file):
        with file.open("rb") as opened:
            packed = opened.read(2) == b"\x1f\x8b"
        with gzip.open(file) if packed else file.open("rb") as source:
            head = source.read(4)
            if len(head) < 4 or head[:3] != b"\0\0\x08" or not 1 <= head[3] <= 4:
                raise MissingError(f"{file} is no idx file of bytes")
            sides = struct.unpack(f">{head[3]}I", source.read(4 * head[3]))
            _check_claim(file, prod(sides), file.stat().st_size)
            content = source.read(prod(sides) + 1)
    if len(content) != prod(sides):
        what = "truncated" if len(content) < prod(sides) else "too long"
        raise MissingError(f"{file} is {what}: its header asks for {prod(sides):,} bytes of values")
    return np.frombuffer(content, np.uint8).reshape(sides)


class _DataOnly(pickle.Unpickler):
    """Unpickles numpy arrays and Python's own containers; anything else that a pickle names is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no data")


def _empty(kind: object, shape: object, code: object) -> Array:
    """What numpy begins an unpickled array with; its content follows as its state."""
    return np.ndarray.__new__(np.ndarray, (0,), np.uint8)


def _latin1(text: str, encoding: str = "latin1") -> bytes:
    """Bytes in a pickle of protocol 2."""
    return text.encode("latin1")


def _from_buffer(buffer: bytes, kind: np.dtype[Any], shape: tuple[int, ...], memory_order: str) -> Array:
    """An array in a pickle of protocol 5."""
    return np.frombuffer(buffer, kind).reshape(shape, order="F" if memory_order == "F" else "C")


_ALLOWED: Mapping[tuple[str, str], object] = {
    ("numpy", "ndarray"): object,  # the first argument of `_reconstruct`
    ("numpy", "dtype"): np.dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _empty for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
    ("_codecs", "encode"): _latin1,
}


def read_cifar(file: Path) -> tuple[Array, Array]:
    """Pictures (N, 32, 32, 3) and labels (N,) of a batch of CIFAR-10 or CIFAR-100 (its fine labels).

    No code of the pickle is run. Raises `MissingError` for a file that is damaged or no such batch.
    """
    with _readable(file), file.open("rb") as opened:
        found = _DataOnly(opened, encoding="bytes").load()
        plain = {name.decode() if isinstance(name, bytes) else name: value for name, value in dict(found).items()}
        pixels, labels = plain["data"], np.asarray(plain["labels" if "labels" in plain else "fine_labels"])
        if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (3072,):
            raise MissingError(f"{file} is no batch of CIFAR: its 'data' are not (N, 3072) uint8")
    return pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


class _readable:
    """Raises `MissingError` with the file's name for what a damaged file makes numpy, gzip, zipfile or pickle raise."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, pickle.UnpicklingError):
            raise MissingError(f"{self.file} is not read as a pickle of arrays: {error}") from error
        damaged = (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, IndexError, MemoryError)
        if isinstance(error, (*damaged, RecursionError, struct.error, zlib.error, zipfile.BadZipFile)):
            text = str(error).strip().partition("\n")[0] or type(error).__name__
            if "allow_pickle" in text or "Python objects" in text:
                text = "it holds Python objects, not numbers"
            raise MissingError(f"{self.file} is truncated or damaged: {text}") from error


def _check_claim(file: Path, claimed: int, stored: int) -> None:
    """Refuse a file that would unpack to far more than it can hold."""
    if claimed > BOMB and claimed > 1000 * max(stored, 1):
        raise MissingError(f"{file} claims to hold {claimed:,} bytes in {stored:,}; it is damaged or a bomb")


def _pictures(file: Path, found: Array, order: str) -> Pixels:
    """Pictures (N, H, W, C) uint8. Raises `MissingError` for arrays of another shape or kind."""
    if found.ndim == 3:
        found = found[..., None]
    if found.ndim != 4 or not found.size:
        raise MissingError(f"{file} holds an array of shape {found.shape}; pictures are (N, H, W) or (N, H, W, C)")
    last, first = found.shape[3] in (1, 2, 3, 4), found.shape[1] in (1, 2, 3, 4)
    if order == "auto" and last and first and found.shape[1] != found.shape[2]:
        raise MissingError(f"{file} holds an array of shape {found.shape}: say 'order: nhwc' or 'order: nchw'")
    if order == "nchw" or (order == "auto" and not last):
        found, last = found.transpose(0, 2, 3, 1), first
    if not last:
        raise MissingError(f"{file} holds an array of shape {found.shape}: pictures have 1 to 4 channels")
    return _bytes(file, found)


def _bytes(file: Path, found: Array) -> Pixels:
    if found.dtype == np.uint8:
        return found
    if found.dtype == np.bool_:
        return found.astype(np.uint8) * np.uint8(255)
    if not np.issubdtype(found.dtype, np.integer):
        raise MissingError(
            f"{file} holds pictures of type {found.dtype}, wanted uint8: map them to 0 to 255 yourself, "
            "such as (x * 255).round().astype('uint8'), because only you know their range"
        )
    low, high = int(found.min()), int(found.max())
    if low < 0 or high > 255:
        raise MissingError(f"{file} holds values from {low} to {high}, wanted uint8, 0 to 255")
    return found.astype(np.uint8)


def _labels(file: Path, found: Array, count: int) -> Array:
    """Labels (count,), also given as (count, 1)."""
    flat = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
    if flat.shape != (count,) or not np.issubdtype(flat.dtype, np.integer) or flat.min() < 0:
        raise MissingError(
            f"{file} holds {count:,} pictures, but its labels are {found.dtype} of shape {found.shape}, wanted "
            f"{count:,} integers >= 0; correct them, or set 'labels: false'"
        )
    return flat.astype(np.int64)
